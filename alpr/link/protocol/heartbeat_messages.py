"""What a device says about itself in each heartbeat, as it stands on the wire. See docs/messages.md."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from alpr.link.protocol.fields import Count, Finite, Name, PublicKey, Sha256, Share, Text
from alpr.system.fields import Instant


class CaptureHealth(Struct, frozen=True):
    """The share of the plates that pass a camera which it captures; None where too little is known."""

    plate_width_px: Finite | None = None
    """Width of the last vehicles' plates in the frame, in the median."""
    rate: Share | None = None
    """Share of the plates that passed which were read right, estimated."""
    rate_low: Share | None = None
    """The rate is between low and high with a probability of 90 %, as far as the device can know."""
    rate_high: Share | None = None
    unread: dict[Name, Count] = {}
    """Passes of the last 24 hours that gave no read, by cause."""


class CameraHealth(Struct, frozen=True):
    """One camera."""

    camera_id: Name
    state: Name
    """`FeedState`'s value, the `ViewAlarm` by which a camera that delivers frames shows nothing, or one that a newer
    device knows."""
    fps: Finite
    """Lately, as the frames arrived."""
    frames: Count
    dropped: Count
    """Replaced by a newer one before they were looked at."""
    skipped: Count = 0
    """That could not be decoded."""
    last_frame_age_s: Finite | None = None
    last_error: Text = ""
    view: Annotated[tuple[Name, ...], Meta(max_length=16)] = ()
    """What is wrong with what it shows: values of `ViewAlarm`, or those that a newer device knows."""
    lag_s: Finite | None = None
    """Age of the last frame when it was looked at; None where none was, and of a device that does not say."""
    cause: Name | None = None
    """Why it gives no frames now: a value of `CameraFault`, "lost", "stalled", or one that a newer device knows; or
    "overloaded" where it gives more than are looked at."""
    capture: CaptureHealth | None = None
    """None: an older device, or a source without a view of its own."""


class ListHealth(Struct, frozen=True):
    """One hotlist that the device holds."""

    name: Name
    revision: Count
    age_s: Finite


class MachineHealth(Struct, frozen=True):
    """The computer; None where it cannot tell."""

    disk_free_bytes: Count | None = None
    """Where the journal is."""
    disk_total_bytes: Count | None = None
    temperature_c: Finite | None = None
    """The hottest of its sensors."""
    cpu_share: Share | None = None
    """Of all cores, since the heartbeat before."""
    memory_used_bytes: Count | None = None
    memory_total_bytes: Count | None = None
    process_bytes: Count | None = None
    """Memory of the program itself."""


class OutboxHealth(Struct, frozen=True):
    """The records that wait for the collector."""

    waiting: dict[Name, Count]
    """Records by priority: "hit", "loss", "hit_read", "read", "hit_picture", "picture"."""
    waiting_bytes: Count
    oldest_age_s: dict[Name, Finite]
    """By priority, where something waits."""
    lost: dict[Name, Count]
    """Totals over all time by "what/cause"."""


class ClockHealth(Struct, frozen=True):
    """The device's clock against the collector's, measured on the link."""

    offset_s: Finite
    """Positive: the device is ahead."""
    uncertainty_s: Finite
    """The truth is within ± this, as long as neither clock was set since."""


class PrivacyHealth(Struct, frozen=True):
    """The privacy policy that is in force."""

    reads_without_hit: Name
    """`Keeping`'s value, or one that a newer device knows."""
    kept_s: Finite | None = None
    """Seconds for which they are kept, in memory or as pseudonyms; None where the policy sets no time."""
    surroundings: Name = "shown"
    """What is kept of a vehicle's surroundings in its picture: "shown", "blurred" or "none"."""
    zones: Count = 0
    """Number of no-collect zones."""
    closed_cameras: Annotated[tuple[Name, ...], Meta(max_length=256)] = ()
    """Cameras whose frames are not looked at now, since they are in a zone or may be."""


class PositionHealth(Struct, frozen=True):
    """The positioning by satellites."""

    state: Name
    """`PositionState`'s value, or one that a newer device knows."""
    text: Text = ""
    """A sentence for people."""
    latitude: Finite | None = None
    """Of the last fix that could be believed, as all that follows."""
    longitude: Finite | None = None
    fix: Name | None = None
    age_s: Finite | None = None
    accuracy_m: Finite | None = None
    speed_mps: Finite | None = None


class OwnClock(Struct, frozen=True):
    """The clock of the device, by what it knows itself; against the collector's see `ClockHealth`."""

    source: Name
    """`ClockSource`'s value, or one that a newer device knows."""
    offset_s: Finite | None = None
    """The device's clock minus the source's, within ± `uncertainty_s`."""
    uncertainty_s: Finite | None = None


class Vitals(Struct, frozen=True):
    """The part of a heartbeat that the link cannot know by itself."""

    uptime_s: Finite = 0.0
    """Of the program."""
    cameras: Annotated[tuple[CameraHealth, ...], Meta(max_length=256)] = ()
    machine: MachineHealth = MachineHealth()
    model_ids: Annotated[tuple[Name, ...], Meta(max_length=16)] = ()
    hotlists: Annotated[tuple[ListHealth, ...], Meta(max_length=256)] = ()
    last_error: Text = ""
    privacy: PrivacyHealth | None = None
    """None: an older device, which keeps and delivers all."""
    position: PositionHealth | None = None
    """None: without a receiver."""
    clock: OwnClock | None = None
    """None: an older device."""


class AuditHead(Struct, frozen=True):
    """The end of the collector's audit. Devices remember it: what is cut off later shows from outside."""

    epoch: Count
    """When the audit was last begun anew on record, in seconds since 1970; 0: never."""
    rows: Count
    hash: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    """SHA-256 of the last row."""
    seal: Sha256
    """The collector's own, by its key."""


class Heartbeat(Struct, frozen=True, tag="heartbeat", tag_field="kind"):
    """The health of a device. Each replaces the one before: none is kept for later, none is sent twice."""

    sent_at: Instant
    """By the device's clock; the echo names it."""
    software: Name
    outbox: OutboxHealth
    vitals: Vitals = Vitals()
    clock: ClockHealth | None = None
    """None until an echo came back."""
    server_keys: Annotated[tuple[PublicKey, ...], Meta(max_length=4)] = ()
    """The collector's keys that the device would accept: the present one, and the next where it was told."""
    v: int = 1
    audit_head: AuditHead | None = None
    """The latest that the device has heard of; None: none yet."""


class Echo(Struct, frozen=True, tag="echo", tag_field="kind"):
    """The collector's answer to a heartbeat: what the device measures its clock by."""

    sent_at: Instant
    """The heartbeat's own."""
    received_at: Instant
    """By the collector's clock, as the next."""
    answered_at: Instant
    v: int = 1
    audit_head: AuditHead | None = None
