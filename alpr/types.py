"""The value types of the flow, one per stage: frozen, slotted, no I/O.

    Frame ─► Detection ─► Observation ─► Read ─► Hit

Conventions, everywhere: boxes and corners in frame pixels; confidence in [0, 1]; instants `*_at` are aware
UTC; durations `*_s` or `*_ms`; identities `*_id`. Images are (H, W, 3) uint8, BGR.
"""

from __future__ import annotations

import string
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # a search at the collector needs these types, and no arrays
    import numpy as np
    import numpy.typing as npt

Image: TypeAlias = "npt.NDArray[np.uint8]"
"""(H, W, 3) uint8, BGR."""

GreyImage: TypeAlias = "npt.NDArray[np.uint8]"
"""(H, W) uint8: brightness."""

FloatArray: TypeAlias = "npt.NDArray[np.float32]"

ALPHABET = string.digits + string.ascii_uppercase
"""The 36 characters of normalised plate text, in the order of every probability vector."""


class DecodedPicture(ABC):
    """A picture as its decoder left it; its colours are made when somebody asks for them."""

    @property
    @abstractmethod
    def size_wh(self) -> tuple[int, int]:
        """Width and height, pixels, as it is shown upright."""

    @abstractmethod
    def bgr(self) -> Image:
        """Return the picture in colours, (H, W, 3) uint8 BGR, read-only; the same array each time."""

    @abstractmethod
    def luma(self) -> GreyImage:
        """Return its brightness, (H, W) uint8, read-only, at next to no cost."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera."""

    camera_id: str
    seq: int
    """Counts the frames that this source delivered or dropped, from 0: a gap is a dropped frame."""
    captured_at: datetime
    monotonic_ns: int
    """Instant of capture on the steady clock; durations are differences of these."""
    picture: Image | DecodedPicture
    """What it shows: an image, or what becomes one when `image` is asked for. Read-only."""

    def __post_init__(self) -> None:
        if self.captured_at.tzinfo is None:
            raise ValueError(f"captured_at must be aware UTC, got naive {self.captured_at}")
        if isinstance(self.picture, DecodedPicture):
            return
        if self.picture.ndim != 3 or self.picture.shape[2] != 3 or self.picture.dtype != "uint8":
            raise ValueError(f"image must be (H, W, 3) uint8 BGR, got {self.picture.shape} {self.picture.dtype}")
        self.picture.flags.writeable = False

    @property
    def image(self) -> Image:
        """The picture, (H, W, 3) uint8 BGR; read-only. Its colours are made at the first call, which costs time."""
        return self.picture.bgr() if isinstance(self.picture, DecodedPicture) else self.picture

    @property
    def luma(self) -> GreyImage:
        """The brightness of the picture, (H, W) uint8, read-only, without making its colours.

        Of an image it is the green channel, which is near it. Rows may lie apart in memory.
        """
        return self.picture.luma() if isinstance(self.picture, DecodedPicture) else self.picture[..., 1]

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height, pixels."""
        if isinstance(self.picture, DecodedPicture):
            return self.picture.size_wh
        return self.picture.shape[1], self.picture.shape[0]


class View(StrEnum):
    """The scale at which a picture is shown to the detector."""

    WHOLE = "whole"
    """Fitted into the detector's canvas."""
    NEAR = "near"
    """Up to twice as large, where the picture holds that much detail: for plates in the distance."""
    AFAR = "afar"
    """Half as large: for plates that fill the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One plate found in a frame."""

    corners: FloatArray
    """(4, 2) float32, frame pixels (x, y), clockwise from the plate's own top-left."""
    confidence: float

    def __post_init__(self) -> None:
        if self.corners.shape != (4, 2):
            raise ValueError(f"corners must be (4, 2), got {self.corners.shape}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible text of a plate with its probability."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class PlateText:
    """The text of one plate, with its probabilities: the result of reading a patch."""

    text: str
    """Normalised: A–Z and 0–9 only; "" means "no plate text here"."""
    char_probabilities: FloatArray
    """(len(text), 36) float32: per position, the probability of each character of `ALPHABET`; rows sum to <= 1."""
    confidence: float
    """Probability that the whole text is right."""
    candidates: tuple[Candidate, ...] = ()
    """Ranked texts, the most likely first, which is `text` itself."""
    region: str | None = None
    """ISO 3166-1 alpha-2 country, or "US-xx" where the state shows; None where unsure."""
    region_confidence: float = 0.0
    settled: tuple[int, ...] = ()
    """0-based positions where the format of the likely region chose between look-alikes, against the shape that was
    seen: `char_probabilities` of a single reading still has the shape's."""
    char_places: tuple[float, ...] = ()
    """The middle of each character across the patch, as a share of its width, and 1 more on the lower of two lines;
    () where that is not known."""

    def __post_init__(self) -> None:
        if self.char_probabilities.shape != (len(self.text), len(ALPHABET)):
            raise ValueError(
                f"char_probabilities of {self.text!r} must be ({len(self.text)}, {len(ALPHABET)}), "
                f"got {self.char_probabilities.shape}"
            )

    @property
    def char_confidences(self) -> tuple[float, ...]:
        """The probability of each character of `text`."""
        return tuple(
            float(row[ALPHABET.index(char)]) for char, row in zip(self.text, self.char_probabilities, strict=True)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One plate seen and read in one frame."""

    detection: Detection
    plate: PlateText
    patch: Image
    """The plate cut out and rectified, (48, 160, 3) BGR as the recogniser saw it."""

    @property
    def text(self) -> str:
        """The plate's text."""
        return self.plate.text

    @property
    def confidence(self) -> float:
        """Probability that the whole text is right."""
        return self.plate.confidence


@dataclass(frozen=True, slots=True)
class ExpectedPlate:
    """A plate that is being followed, at the place where it is expected now."""

    centre: tuple[float, float]
    """(x, y) in frame pixels."""
    size_wh: tuple[float, float]
    """The plate's own width and height, frame pixels."""
    is_sure: bool
    """True where it was read often enough, and surely."""
    is_moving: bool
    """True where it moves, or was seen too seldom to say that it does not."""
    is_new: bool
    """Seen once only: where it goes is not known."""
    seen_ns: int
    """Steady time of the frame in which it was last seen."""

    def moved(self, x: float, y: float) -> ExpectedPlate:
        """Return the same plate elsewhere.

        Args:
            x: pixels to the right.
            y: pixels down.
        """
        return replace(self, centre=(self.centre[0] + x, self.centre[1] + y))


Recognise: TypeAlias = Callable[[Frame, Sequence[Detection]], list[Observation]]
"""Reads detected plates of a frame: one observation for each detection, in their order."""


class FixKind(StrEnum):
    """The source of a position."""

    TWO_D = "2d"
    """By satellites, without height: often worse than it is said to be."""
    THREE_D = "3d"
    """By satellites."""
    SURVEYED = "surveyed"
    """Set by people in the configuration: the camera stands still."""


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a camera at the instant of a read."""

    latitude: float
    """Degrees WGS84, north is positive."""
    longitude: float
    """Degrees WGS84, east is positive."""
    fix: FixKind
    age_s: float = 0.0
    """Seconds between the fix and the instant; a fix that is repeated counts from when it first came."""
    accuracy_m: float | None = None
    """Horizontal error in metres as the receiver estimates it; None where it says none."""
    speed_mps: float | None = None
    """Speed of the device in metres per second; None where unknown."""
    course_deg: float | None = None
    """Direction in which the device moves: degrees clockwise from north, [0, 360); None where it hardly moves."""
    heading_deg: float | None = None
    """Direction in which the camera looks: likewise; None where unknown."""


@dataclass(frozen=True, slots=True)
class Speed:
    """A measured speed."""

    kmh: float
    error_kmh: float
    """Half of the interval around `kmh` that holds the true speed with 95 %."""


@dataclass(frozen=True, slots=True)
class PassFacts:
    """Facts about a vehicle pass beside its plate; None where one cannot be known."""

    is_approaching: bool | None = None
    """True where it came nearer to the camera, False where it went away, whether or not it crossed the picture."""
    is_parked: bool | None = None
    """True where it had stood at one place for so long, when it was last seen, that it counts as parked."""
    lane: str | None = None
    """Name of the lane, as in the camera's configuration."""
    speed: Speed | None = None
    """Mean between the two lines of the camera's configuration."""
    same_vehicle_as: str | None = None
    """`read_id` of the first read of the vehicle by a camera of the same group, where that was another one."""
    pictured_at: datetime | None = None
    """Instant of the frame that the read's pictures and corners are of: the best one."""


class ClockSource(StrEnum):
    """The source by which a device's clock is known to be right, or how wrong it is."""

    KERNEL = "kernel"
    """The kernel says that the clock is disciplined, by NTP, PTP or a receiver for satellites."""
    GPS = "gps"
    """It is compared with the time of satellites."""
    COLLECTOR = "collector"
    """It is compared with the collector's clock."""
    NONE = "none"
    """Nothing is known: it runs freely."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """The state of the clock that dates reads."""

    source: ClockSource
    offset_s: float | None = None
    """The device's clock minus the source's, seconds; reads are dated by the device's. None where it is not known."""
    uncertainty_s: float | None = None
    """The offset is right within ± this, seconds; None where it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """The record of one vehicle pass."""

    read_id: str
    """Unique over all devices and time: 32 hexadecimal digits."""
    revision: int
    """0 for the first report of a pass; a later one of the same `read_id` corrects it."""
    is_final: bool
    """True once the pass is over and no further revision will come."""
    camera_id: str
    plate: PlateText
    """Consensus over the observations of the pass."""
    first_seen_at: datetime
    last_seen_at: datetime
    observations: int
    """Number of times that the plate was read in this pass."""
    corners: FloatArray
    """Corners of the best observation, (4, 2) frame pixels."""
    detection_confidence: float
    frame_size_wh: tuple[int, int]
    patch_jpeg: bytes = field(repr=False)
    """The rectified plate of the best observation."""
    vehicle_jpeg: bytes = field(repr=False)
    """Its surroundings in the very frame that was read."""
    model_ids: tuple[str, ...] = ()
    """`name@first 12 hex digits of the file's SHA-256` of each model that took part."""
    direction: str | None = None
    """"approaching", "receding", "left" or "right" as seen in the picture; None where it hardly moved."""
    position: Position | None = None
    """The camera's, when the vehicle was last seen; None where it is not known."""
    facts: PassFacts = PassFacts()
    clock: ClockState | None = None
    """The state of the clock that its instants are by; None of an older device."""


@dataclass(frozen=True, slots=True, eq=False)
class EndedPass:
    """One vehicle pass that is over, whether or not it gave a read."""

    camera_id: str
    ended_at: datetime
    """When its plate was last seen."""
    cause: str | None
    """The reason why it gave no read; None where it gave one."""
    is_repeat: bool
    """True where it went on with a pass that was reported already: a hidden vehicle, a parked one."""
    sightings: int
    """Number of frames in which its plate was detected."""
    corners: FloatArray
    """Of the best observation, else of a box around the last detection: (4, 2) frame pixels."""
    frame_size_wh: tuple[int, int]
    seconds: float
    """From the first detection to the last."""
    moved_widths: float
    """Way from the first detection to the last, in plate widths."""
    text: str = ""
    """Consensus of its readings; "" for none."""
    confidence: float = 0.0
    """Probability that the whole text is right."""
    region: str | None = None
    detection_confidence: float = 0.0
    """Of the surest detection that was read; 0 where none was."""
    patch: Image | None = None
    """The rectified plate of the best observation; None where it had no text."""


class MatchKind(StrEnum):
    """The way in which a read agrees with a hotlist entry."""

    EXACT = "exact"
    LOOK_ALIKE = "look-alike"
    """The same length as the entry's plate, differing only by characters that are taken for one another."""
    CANDIDATE = "candidate"
    """Another text that the reader held possible is the entry's plate."""
    DISTANCE = "distance"
    """A few characters are replaced, missing or too many."""
    WILDCARD = "wildcard"
    """The entry's plate has wildcards, and the read says the rest."""
    OTHER_REGION = "other-region"
    """The exact text, but the reader is sure of another country or state than the entry's."""


GeoPolygon: TypeAlias = tuple[tuple[float, float], ...]
"""(longitude, latitude) of each corner in degrees WGS84, as in GeoJSON; the last one is joined to the first."""

CARD_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "grey")


@dataclass(frozen=True, slots=True)
class HotlistEntry:
    """One plate that is looked for, with its reason and conditions."""

    entry_id: int
    """Row in the local hotlist database."""
    list_name: str
    plate: str
    """Normalised text."""
    reason: str
    priority: int = 3
    """1 (highest) to 5."""
    region: str | None = None
    case_reference: str = ""
    instructions: str = ""
    """Orders to the officer: what to do, or not to do."""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    """Exclusive."""
    category: str = ""
    """Sort of case, in words that a card can show, such as "stolen vehicle"."""
    code: str = ""
    """The source's code for that, such as NCIC's "V"."""
    colour: str = ""
    """Colour of the hit's card: one of `CARD_COLOURS` or "#rrggbb"; "" leaves it to the priority."""
    sound: str = ""
    """Name of the sound that a hit makes; "" leaves it to the priority, "none" is silent."""
    vehicle: str = ""
    """The vehicle that the plate belongs to, in words: what an officer compares with the one in front of him."""
    schedule: str = ""
    """Times at which it applies, as `alpr.hotlist.rules.schedule` writes them: "Mo-Fr 08:00-17:00 Europe/London"; ""
    is always."""
    areas: tuple[GeoPolygon, ...] = ()
    """Areas in which it applies: within any of them; () is everywhere."""
    directions: tuple[str, ...] = ()
    """Directions of travel: as `Read.direction` gives them, or compass points such as "NE"; () is any."""
    receivers: tuple[str, ...] = ()
    """The only ones who may learn of a hit; () is everybody. An entry with receivers is covert."""

    @property
    def is_covert(self) -> bool:
        """True where only its receivers may learn of a hit."""
        return bool(self.receivers)


@dataclass(frozen=True, slots=True)
class CameraPlace:
    """The position of a camera, and its heading."""

    latitude: float
    """Degrees WGS84, north is positive."""
    longitude: float
    """Degrees WGS84, east is positive."""
    heading_deg: float | None = None
    """Direction in which the camera looks: degrees clockwise from north, [0, 360); None where unknown."""
    uncertainty_m: float = 0.0
    """Radius in metres around the position within which the camera is."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A hotlist entry that agrees with a read, and how."""

    entry: HotlistEntry
    kind: MatchKind
    differing_positions: tuple[int, ...]
    """0-based positions where the read differs from the entry's plate, () where its text is the same; see
    `alpr.hotlist.rules.alignment` for texts of different lengths."""
    probability: float
    """Probability that the plate really says what the entry says, by the read's character probabilities."""
    unchecked: tuple[str, ...] = ()
    """Conditions of the entry that could not be checked and were taken as met: "position", "direction"."""


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A read that meets a hotlist entry."""

    hit_id: str
    """Unique: 32 hexadecimal digits, the same for every revision of the same read and entry."""
    read_id: str
    read_revision: int
    camera_id: str
    plate_text: str
    """Normalised text of the read."""
    match: Match
    list_revision: int
    list_age_s: float
    """Seconds since the list was last updated, at the time of the hit."""
    raised_at: datetime
    is_withdrawn: bool = False
    """True where a later revision of the read no longer meets the entry."""
    list_max_age_s: float | None = None
    """The age from which the list is too old to act on without asking; None for no limit."""
    is_past: bool = False
    """True where the read is older than the entry: the vehicle was there, it is not now."""
    read_at: datetime | None = None
    """Instant at which the vehicle was last seen, of a past hit; else None."""

    @property
    def is_list_old(self) -> bool:
        """True where the list was older than its limit."""
        return self.list_max_age_s is not None and self.list_age_s > self.list_max_age_s


class Verdict(StrEnum):
    """The finding of a person on a hit."""

    CORRECT = "correct"
    """The plate was read right and the entry is about this vehicle."""
    MISREAD = "misread"
    WRONG_STATE = "wrong-state"
    """The text is right, the plate is of another state or country than the entry's."""
    STALE_ENTRY = "stale-entry"
    """The entry should no longer stand in the list."""
    DISMISSED = "dismissed"
    """Any other reason; it is stated."""


class Action(StrEnum):
    """The action taken on a hit; the words of the statutory reports."""

    NONE = "none"
    STOP = "stop"
    SEARCH = "search"
    ARREST = "arrest"
    RELEASE = "release"
    """Stopped, and let go."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Disposition:
    """The decision of a person on a hit. A later one of the same hit overrules it; both are kept."""

    disposition_id: str
    """Unique: 32 hexadecimal digits."""
    hit_id: str
    verdict: Verdict
    action: Action
    by: str
    """Name of the person, as the system knows it."""
    decided_at: datetime
    reason: str = ""
    verified_with: str = ""
    """The source that was asked before anything was done: "NCIC by radio", "plate seen with own eyes"."""
    verified_at: datetime | None = None
    true_text: str = ""
    """True text of the plate, normalised, where it was misread and is known."""
