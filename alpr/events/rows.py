"""The rows of events: what programs are given by `alpr collector`, webhooks, MQTT, `alpr run` and `alpr read`.

Each type is one kind of row; `alpr.events.build` makes them, and the JSON Schema is made from them. Names and
meanings are kept: fields may be added, and each field that is added is `NotRequired`: what was valid stays valid.

Instants are ISO 8601 with their offset, which is UTC. Confidences, probabilities and shares are in [0, 1], rounded to
4 digits.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

# Parts that several rows have in common.


class _OfDevice(TypedDict):
    device: str
    """Name at the collector."""
    event_id: NotRequired[str]
    """The same for every attempt; set where it is carried on."""
    event_type: NotRequired[str]
    """Over MQTT: as `event`, with `_withdrawn` or `_cleared` where something is over."""


class PositionFields(TypedDict):
    """The position of a camera."""

    latitude: float
    """Degrees WGS84, as the next; rounded to 6 digits, about 0.1 m."""
    longitude: float
    fix: str
    """"2d" and "3d" by satellites, "surveyed" as it was configured."""
    age_s: float
    """Seconds between the fix and the read, rounded to 0.1."""
    accuracy_m: float | None
    """Error as the receiver estimates it."""
    speed_mps: float | None
    """Of the device itself."""
    course_deg: float | None
    heading_deg: float | None
    """Where the camera looked, clockwise from north."""


class PassFactFields(TypedDict):
    """The fields of what is known of a pass beside its plate; null where it cannot be known."""

    is_approaching: NotRequired[bool | None]
    """Whether it came nearer to the camera or went away."""
    is_parked: NotRequired[bool | None]
    lane: NotRequired[str | None]
    speed_kmh: NotRequired[float | None]
    """Mean between the two lines of the camera, rounded to 0.1."""
    speed_error_kmh: NotRequired[float | None]
    """Half of the interval that holds the true speed with 95 %, rounded up to 0.1."""
    same_vehicle_as: NotRequired[str | None]
    """`read_id` of the first read of the vehicle by a camera of the same group, where that was another one."""
    pictured_at: NotRequired[str | None]
    """Instant of the frame that the pictures are of."""


class ClockFields(TypedDict):
    """The state of the clock by which a read is dated."""

    source: str
    """"kernel" (disciplined, by NTP, PTP or satellites), "gps", "collector", or "none": it runs freely."""
    offset_s: float | None
    """The device's clock minus the source's."""
    uncertainty_s: float | None
    """The offset is right within ± this."""


class ReadFields(PassFactFields):
    """The fields of a read at the collector and at its device."""

    event: Literal["read"]
    camera_id: str
    read_id: str
    revision: int
    is_final: bool
    plate: str
    confidence: float
    region: str | None
    direction: str | None
    observations: int
    first_seen_at: str
    last_seen_at: str
    position: NotRequired[PositionFields]
    """The camera's, when the vehicle was last seen; left out where it is not known."""
    clock: NotRequired[ClockFields]
    """Of the device, when the read was made; left out of an older device."""


class HitFields(TypedDict):
    """The fields of a hit at the collector and at its device."""

    event: Literal["hit"]
    camera_id: str
    hit_id: str
    read_id: str
    read_revision: int
    plate: str
    """The text as it was read."""
    match: str
    entry_plate: str
    differing_positions: list[int]
    """0-based, in `plate`."""
    probability: float
    list_name: str
    list_revision: int
    list_age_s: float
    """Seconds, rounded to 0.1."""
    priority: int
    reason: str
    category: str
    code: NotRequired[str]
    case_reference: NotRequired[str]
    vehicle: str
    colour: str
    """The colour of the hit's card: the entry's own, or that of its priority."""
    sound: NotRequired[str]
    instructions: str
    unchecked: list[str]
    """Conditions of the entry that could not be checked and were taken as met."""
    list_warning: str
    """A warning for people that the list is too old; "" where it is not."""
    is_past: bool
    read_at: str | None
    """Time at which the vehicle was last seen, of a past hit."""
    is_withdrawn: bool
    raised_at: str


# At the collector: what it prints, posts and publishes.


class ReadEvent(ReadFields, _OfDevice):
    """One vehicle pass; a higher revision of the same `read_id` replaces it."""


class HitEvent(HitFields, _OfDevice):
    """A read that meets a hotlist entry; a later one of the same `hit_id` replaces it."""

    receivers: NotRequired[list[str]]
    """The only ones who may be told, of a covert entry; set where it is carried on."""


class DispositionEvent(_OfDevice):
    """A person's decision on a hit."""

    event: Literal["disposition"]
    disposition_id: str
    hit_id: str
    verdict: str
    action: str
    reason: str
    true_text: str
    """The text of the plate, of a misread; "" where it was not stated."""
    by: str
    decided_at: str
    verified_with: str
    verified_at: str | None
    receivers: NotRequired[list[str]]
    """The only ones who may be told, of a covert entry's hit; set where it is carried on."""


class LossEvent(_OfDevice):
    """A loss: records that a device could not keep or deliver, as a total that only grows."""

    event: Literal["loss"]
    what: str
    cause: str
    total: int
    last_at: str


class AlertEvent(_OfDevice):
    """Something is wrong with a device, or is over."""

    event: Literal["alert"]
    alert_id: str
    """The same whenever the same is wrong with the same device: joins what is raised with what clears it."""
    kind: Literal["silent", "clock-offset", "list-age", "camera-view", "storage", "audit"]
    subject: str | None
    """`list-age`: name of the hotlist. `audit`: the device that remembers it otherwise. Null otherwise."""
    is_raised: bool
    """False: it is over."""
    at: str
    text: str
    """A sentence for people."""


class AuditHeadEvent(_OfDevice):
    """The end of the audit, for a witness; `device` is "collector"."""

    event: Literal["audit-head"]
    at: str
    rows: int
    hash: str
    """SHA-256 of the last row."""
    epoch: int
    """Time at which it was last begun anew on record, in seconds since 1970; 0: never."""
    seal: str
    """HMAC-SHA256 by the collector's key, in hexadecimal."""


RecordEvent: TypeAlias = ReadEvent | HitEvent | DispositionEvent | LossEvent
EVENTS = (ReadEvent, HitEvent, DispositionEvent, LossEvent, AlertEvent, AuditHeadEvent)
"""All kinds that the collector prints, posts and publishes."""


# At a device, with what the collector is not sent: `alpr run --json` and `alpr read --json`.


class CandidateRow(TypedDict):
    """Another text that the readings allow."""

    plate: str
    confidence: float


class PlateFields(TypedDict):
    """The fields of a plate's text and place, of a picture or of a pass."""

    plate: str
    confidence: float
    char_confidences: list[float]
    region: str | None
    region_confidence: float
    candidates: list[CandidateRow]
    settled: list[int]
    """0-based positions where the region's format chose between look-alikes."""
    corners: list[tuple[float, float]]
    """(x, y) in pixels, rounded to 0.1, clockwise from the plate's own top left."""
    detection_confidence: float


class DeviceRead(ReadFields, PlateFields):
    """A read as its device prints it; pictures are left out."""

    models: list[str]


class RunRead(DeviceRead):
    """A read as `alpr run` prints it."""

    is_kept: bool
    """False where it could not be written to the journal."""


class RunHit(HitFields):
    """A hit as `alpr run` prints it."""

    alert: str
    """An `AlertDecision`: a person was alerted, or why not."""
    is_kept: bool
    """False where it could not be written to the journal."""
