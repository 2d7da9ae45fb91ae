"""Settings of tracking and consensus, each with its unit and default. Nothing here reads a configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from alpr.track.facts.settings import FactSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusSettings:
    """Constants of the formulas in `consensus`, by which the readings of one plate become one text."""

    frame_correlation: float = 0.2
    """[0, 1]: correlation of the errors of two frames of one pass. n equal readings are worth n / (1 + (n - 1) ×
    this), so that with 0.2 no number of frames weighs more than five independent ones."""
    shared_error: float = 0.06
    """[0, 1]: probability that all frames see a character through the same dirt, glare or blur, so that they together
    know no more than their average says. It bounds the confidence of a wrong text that was read many times."""
    outlier_share: float = 0.1
    """[0, 1]: probability that one frame's distribution at a character is nonsense, however sure it is."""
    drop_inside: float = 0.12
    """[0, 1]: probability that a character that is there is missing from a reading between two that are not."""
    drop_at_end: float = 0.2
    """[0, 1]: the same at either end of a reading, where plates are cut off and hidden."""
    inserted: float = 0.05
    """[0, 1]: probability that a character that other readings do not have is read where none is: doubled, a bolt."""
    candidates: int = 5
    """Most ranked texts in the result, the first included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSettings:
    """Conditions under which detections are one vehicle, are read, and lead to a read."""

    consensus: ConsensusSettings = field(default_factory=ConsensusSettings)
    facts: FactSettings = field(default_factory=FactSettings)

    # The pass
    lost_after_s: float = 1.0
    """Seconds of frame time without a detection after which the pass is over."""
    rejoin_s: float = 5.0
    """Seconds after it was last seen within which the same text nearby is still the same pass, not a new one."""
    rejoin_widths: float = 6.0
    """Plate widths around where the plate was heading that count as nearby."""
    parked_after_s: float = 3.0
    """Seconds at one place after which a vehicle counts as parked."""
    parked_memory_s: float = 3600.0
    """Seconds after it was last seen within which the same text that appears at the very same place, without having
    come from elsewhere, is still the parked vehicle."""
    follows_own_motion: bool = False
    """True where the camera itself moves: plates are followed as they move against the picture as a whole, which
    takes a third of a millisecond for each frame with plates."""
    max_speed_widths_s: float = 150.0
    """Fastest motion in plate widths a second: 0.5 m wide plates at 75 m/s across the picture."""

    # What is read
    eager_readings: int = 5
    """Readings with text before a vehicle counts as sure for the purpose of reading it more rarely: a plate that is
    entering the picture can be read surely, and wrongly, twice."""
    reread_every: int = 10
    """Frames between readings of a vehicle whose text is sure."""
    reread_growth: float = 1.25
    """A plate this many times as wide as any read before is read at once, sure or not."""
    saved_readings: int = 3
    """Readings with text that make a sure vehicle's text final where time is short: see `Tracker`."""
    patience: int = 12
    """Readings after which a plate that is still unsure is read every third frame only."""
    parked_reread_s: float = 2.0
    """Seconds between readings of a parked vehicle whose text is sure; an unsure one is read four times as often."""
    max_reads_per_frame: int = 16
    """Most plates recognised in one frame; new and unsure ones go first."""
    kept_observations: int = 20
    """Readings that a pass keeps, the best by quality: what bounds its memory and the consensus' cost."""

    # What is reported
    sure_confidence: float = 0.9
    """Consensus confidence from which a read is reported early, with at least `min_observations`."""
    report_after_s: float = 10.0
    """Seconds in view after which a vehicle that never became sure is reported as well as it is known."""
    min_confidence: float = 0.4
    """Consensus confidence below which a finished pass gives no read."""
    min_alone_confidence: float = 0.9
    """The same for a pass with fewer than `min_observations` readings, of which one at least must be of a plate that
    was wholly in view."""
    min_observations: int = 2
    """Readings with text that a read rests on, unless one alone is sure enough."""
    lone_error: float = 0.03
    """[0, 1]: probability that a sure text that was read once says what no second reading would: a plate that is cut
    off, or too far away. Measured on films: 37 of 1,338 readings of confidence 0.9 and above."""
    min_length: int = 4
    """Characters below which a text is no plate."""
    max_empty_share: float = 0.9
    """[0, 1]: share of readings, by quality, that may say "no text" before an unsure text is put down to chance."""

    # Pictures
    vehicle_widths: tuple[float, float] = (5.0, 4.0)
    """Width and height of the vehicle crop, in plate widths; the plate sits in its lower half."""
    vehicle_max_px: int = 480
    """Widest vehicle crop, pixels."""
    surroundings: str = "shown"
    """"shown"; "blurred": in the vehicle crop all but the vehicle's own front or rear is blurred; "none": no crop."""
    vehicle_jpeg_quality: int = 85
    patch_jpeg_quality: int = 90

    def __post_init__(self) -> None:
        for name in (
            "lost_after_s",
            "max_speed_widths_s",
            "reread_every",
            "kept_observations",
            "max_reads_per_frame",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
