"""What the configuration files of an edge device and of a collector may say, and reading them.

Only composition roots (`alpr run`, `alpr collector`, …) see these models; parts receive plain values. Words are
Frigate's where the meaning is the same. `docs/config.md` is generated from the descriptions here.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, model_validator

from alpr.config.block import Block as _Block
from alpr.config.block import Polygon, Share
from alpr.config.document import Document, read_document, validate
from alpr.config.mistakes import Mistake
from alpr.config.pass_facts import LaneConfig, SpeedConfig

_Z85_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")

_LONGEST_PATH = 4000  # Linux takes 4095 bytes; files are made within folders that are named here


def _rooted(path: Path, info: ValidationInfo) -> Path:
    """Relative paths are meant from the folder of the file that names them, wherever alpr was started."""
    folder = (info.context or {}).get("folder", Path.cwd())
    try:
        expanded = path.expanduser() if str(path).startswith("~") else path
    except RuntimeError as error:
        raise ValueError("begins with the home of a user who is not there; give the whole path") from error
    rooted = Path(os.path.normpath(folder / expanded))
    if len(os.fsencode(rooted)) > _LONGEST_PATH or any(len(os.fsencode(part)) > 255 for part in rooted.parts):
        raise ValueError("is longer than any path can be")
    return rooted


def _rooted_url(url: str, info: ValidationInfo) -> str:
    if not url.strip():
        raise ValueError("is empty: give rtsp://…, usb:0, a video file or a folder of pictures")
    if re.fullmatch(r"[0-9]{1,3}", url):
        return f"usb:{url}"  # as OpenCV's users write it
    return url if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://|usb:", url) else str(_rooted(Path(url), info))


def _rooted_key(key: str, info: ValidationInfo) -> str:
    if not key.strip():
        raise ValueError("is empty: give the collector's public key or the path of the file that holds it")
    return key if _Z85_KEY.fullmatch(key) else str(_rooted(Path(key), info))


def _endpoint(address: str) -> str:
    found = re.fullmatch(r"tcp://(\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]+):(\d{1,5})", address)
    if not found or not 0 < int(found[2]) < 65536:
        raise ValueError("should be tcp://host:port with a port of 1 to 65535")
    return address


def _host_and_port(address: str) -> str:
    try:
        _endpoint(f"tcp://{address}")
    except ValueError as error:
        raise ValueError("should be host:port with a port of 1 to 65535") from error
    return address


RootedPath: TypeAlias = Annotated[Path, AfterValidator(_rooted)]
Endpoint: TypeAlias = Annotated[str, AfterValidator(_endpoint)]
Identity: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=3600)]
GeoPoint: TypeAlias = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
Receiver: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")]


class DeviceConfig(_Block):
    """The computer that the cameras hang on."""

    name: Identity
    """What people call it. Its identity towards the collector is its key, not this."""
    data_dir: RootedPath
    """Folder for the journal of reads and hits and for all else that it must remember. Made if missing."""
    max_disk_bytes: Annotated[int, Field(ge=100_000_000)] = 20_000_000_000
    """Bytes of all files in `data_dir`. Beyond it copies of damaged files go, then the oldest reads without a hit;
    hits and what waits for the collector (see `outbox`) never."""

    @property
    def journal(self) -> Path:
        """The file of reads, hits and outbox."""
        return self.data_dir / "journal.sqlite"

    @property
    def route(self) -> Path:
        """The log of the route of a device that drives."""
        return self.data_dir / "route.sqlite"

    @property
    def collector_keys(self) -> Path:
        """The file of the collector's keys that were told over the link."""
        return self.data_dir / "collector-keys"


class CameraConfig(_Block):
    """One source of frames."""

    id: Identity
    """Stands in every read; unique on the device."""
    url: Annotated[str, AfterValidator(_rooted_url)] = Field(repr=False)
    """`rtsp://…`, `http://…`, `usb:0`, `/dev/video0`, a video file, or a folder of pictures."""
    transport: Literal["auto", "tcp", "udp"] = "auto"
    """Of RTSP: `tcp` loses nothing and passes firewalls; `udp` for cameras that have nothing else; `auto` is the
    first of them that the camera offers."""
    max_lag_s: Annotated[float, Field(ge=0.2, le=60)] = 1.0
    """A live camera's picture that is older than this, in seconds, is not looked at any more: frames are left out up
    to the newest, counted, and the lag is reported."""
    realtime: bool = False
    """Play a file at its own pace, dropping what cannot be kept up with, as if it were a live camera."""
    detect_every: Annotated[int, Field(ge=1, le=100)] = 1
    """Look for plates in every n-th frame only."""
    look_nearer: bool = True
    """Where a frame shows no plate, look at a quarter of it from nearer, each in turn: finds plates half as wide.
    Such a frame takes twice as long; not needed where all vehicles come close."""
    mask: tuple[Polygon, ...] = ()
    """Polygons in which plates are ignored: lists of `[x, y]`, as shares 0–1 of the picture's width and height."""
    position: GeoPoint | None = None
    """Where the camera stands, `[latitude, longitude]` in degrees WGS84; for entries that count in an area."""
    heading_deg: Annotated[float, Field(ge=0, lt=360)] | None = None
    """Where it looks, clockwise from north; for entries that ask how a vehicle travels. Needs `position`."""

    mounted_deg: Annotated[float, Field(ge=0, lt=360)] | None = None
    """In a vehicle with `gps`: where it looks, clockwise from the vehicle's front; 0 is ahead, 180 behind."""
    group: Identity | None = None
    """Cameras of one group are one to the people who are alerted, such as those of a patrol car: a vehicle that
    passes several of them is told of once. Null: a group of its own."""
    on_vehicle: bool = False
    """The camera rides on a vehicle: its turns and jolts are taken out of how plates move, and nothing is said of
    lanes, speed and parking, which are about the road. So it is as well where `mounted_deg` is given."""
    lanes: tuple[LaneConfig, ...] = ()
    """Lanes of the road; each read says in which its vehicle was seen."""
    speed: SpeedConfig | None = None
    """Null: no speed is measured."""

    @model_validator(mode="after")
    def _has_a_road(self) -> CameraConfig:
        names = [lane.name for lane in self.lanes]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two lanes are named {twice}: every lane needs a name of its own")
        if self.is_moving and (self.lanes or self.speed):
            raise ValueError(
                "a camera on a vehicle with lanes or speed: these are drawn over a road that stands still"
            )
        return self

    @property
    def is_moving(self) -> bool:
        """True where the camera rides on a vehicle."""
        return self.on_vehicle or self.mounted_deg is not None

    @model_validator(mode="after")
    def _stands_somewhere(self) -> CameraConfig:
        if self.heading_deg is not None and self.position is None:
            raise ValueError("heading_deg without position: give both")
        if self.mounted_deg is not None and self.position is not None:
            raise ValueError("mounted_deg is of a camera that moves, position of one that stands: give one")
        return self


class ModelsConfig(_Block):
    """Model files, each with its card beside it, and who computes them."""

    detector: RootedPath | None = None
    """Null: the shipped one."""
    recogniser: RootedPath | None = None
    """Null: the shipped one."""
    variant: Literal["auto", "fp32", "int8"] = "auto"
    """Of the shipped models; `auto` is the one that is quicker here: `alpr doctor` tells which, and why."""
    provider: Literal["cpu", "openvino", "cuda", "tensorrt"] = "cpu"
    """Who computes; all but `cpu` need another make of onnxruntime. Checked against the CPU at start."""


class OcrConfig(_Block):
    """The OCR engine."""

    engine: Literal["onnx", "paddle"] = "onnx"
    """`onnx`: the recogniser of `models`. `paddle`: PaddleOCR, installed with `pip install 'alpr[paddle]'`."""
    model_dir: RootedPath | None = None
    """With `paddle`: the folder of `inference.onnx` and `inference.yml`; nothing is fetched."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> OcrConfig:
        if self.engine == "paddle" and self.model_dir is None:
            raise ValueError("engine paddle needs model_dir: the folder of inference.onnx and inference.yml")
        return self


class TrackConfig(_Block):
    """Begin and end of a vehicle pass, and how often its plate is read."""

    lost_after_s: Seconds = 1.0
    """Seconds without the plate in view after which the pass is over."""
    sure_confidence: Share = 0.9
    """Confidence from which a pass is reported at once; a better read may still correct it."""
    report_after_s: Seconds = 10.0
    """Seconds in view after which a vehicle that never became sure is reported as well as it is known."""
    min_observations: Annotated[int, Field(ge=1, le=100)] = 2
    """Readings that a read rests on, unless one alone is sure enough."""
    reread_every: Annotated[int, Field(ge=1, le=1000)] = 10
    """Frames between readings of a vehicle whose text is sure: more saves time, fewer corrects sooner."""
    parked_memory_s: Annotated[float, Field(ge=0, le=86400)] = 3600.0
    """Seconds for which a parked vehicle that was hidden is still the same pass when it shows again."""
    called_parked_after_s: Annotated[float, Field(ge=3, le=86400)] = 60.0
    """Seconds at one place after which a read says that its vehicle is parked."""
    join_s: Annotated[float, Field(ge=0, le=600)] = 10.0
    """Seconds between a vehicle's passes before two cameras of a `group`, of its front and its rear for one, within
    which their reads are joined. 0: never."""


class HotlistConfig(_Block):
    """The plates that are looked for."""

    database: RootedPath
    """SQLite file that `alpr hotlist import` fills."""
    receivers: tuple[Receiver, ...] = ()
    """Names that the people at this device go by. Hits of covert entries are told here only where one of the names
    is among the entry's receivers; they go to the collector all the same."""
    admins: RootedPath | None = None
    """File of those whose signed updates are taken, `NAME KEY` on each line; see `alpr hotlist key new`. Null: none
    are, lists come by `alpr hotlist import` only."""
    signatures_needed: Annotated[int, Field(ge=1, le=16)] = 1
    """Different people who have to have signed an update."""
    inboxes: tuple[RootedPath, ...] = ()
    """Folders that are watched for update files, such as where USB sticks are mounted. They need not be there."""
    past_hours: Annotated[float, Field(ge=0, le=8760)] = 24.0
    """Hours of own reads that are checked against what an update brings; 0: none."""
    max_age_h: Annotated[float, Field(gt=0, le=8760)] | None = 24.0
    """Hours after which a list is too old: its hits say so and are to be verified by radio. Null: never."""
    max_age_h_by_list: dict[str, Annotated[float, Field(gt=0, le=8760)]] = {}  # noqa: RUF012 - pydantic copies it
    """The same for single lists, by name."""

    @model_validator(mode="after")
    def _trusts_somebody(self) -> HotlistConfig:
        if self.inboxes and self.admins is None:
            raise ValueError("inboxes without admins: say in admins whose updates are taken")
        return self


class AlertsConfig(_Block):
    """Rules by which a person is alerted to hits. The other hits are in the history all the same, and are counted."""

    repeat_s: Annotated[float, Field(ge=0, le=86400)] = 120.0
    """Seconds after a hit that was told within which another of the same entry is a repeat and is not told, if it was
    seen by the same camera or one of its `group`. Never one that is more certain or more urgent, or whose card has
    changed."""
    mute_from: Annotated[int, Field(ge=1, le=99)] | None = None
    """Priorities from this number on (less urgent) are not told. Null mutes nothing."""
    never_muted: Annotated[int, Field(ge=1, le=99)] = 1
    """Priorities up to this number are always told, repeats included."""
    max_waiting: Annotated[int, Field(ge=1, le=1000)] = 20
    """Entries whose told hits may wait for a decision (`alpr hits dispose`), of each the latest; beyond it only more
    urgent ones are told."""

    @model_validator(mode="after")
    def _mutes_nothing_protected(self) -> AlertsConfig:
        if self.mute_from is not None and self.mute_from <= self.never_muted:
            raise ValueError(f"mute_from {self.mute_from} would mute what never_muted {self.never_muted} protects")
        return self


class ZoneConfig(_Block):
    """A part of the map in which the cameras look at nothing."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    """What people call it; stands in the log."""
    corners: Annotated[tuple[GeoPoint, ...], Field(min_length=3, max_length=1000)]
    """`[latitude, longitude]` of each corner of a polygon, in degrees WGS84."""


class PrivacyConfig(_Block):
    """The rules for what may be kept of what the cameras see. The device states them in each heartbeat."""

    reads_without_hit: Literal["kept", "minutes", "pseudonyms", "none"] = "kept"
    """`kept`: stored and delivered as all others. `minutes`: in memory alone, to be checked against what an update
    brings meanwhile. `pseudonyms`: on the device alone, sealed so that only an entry for the very plate opens them.
    `none`: not at all. But for `kept`, nothing else of them is stored, printed, logged or delivered, and what the
    journal holds of earlier ones is erased at the start."""
    minutes: Annotated[float, Field(gt=0, le=1440)] = 3.0
    """With `minutes`: how many."""
    pseudonym_hours: Annotated[float, Field(gt=0, le=8760)] = 24.0
    """With `pseudonyms`: hours for which one can be opened; each key is destroyed with the last that it sealed."""
    surroundings: Literal["shown", "blurred", "none"] = "shown"
    """In a vehicle's picture. `blurred`: all is but the vehicle's own front or rear below its windows, and with it
    people and other vehicles' plates, before anything is stored. `none`: only the plate's picture is kept."""
    no_collect: Annotated[tuple[ZoneConfig, ...], Field(max_length=1000)] = ()
    """Zones in which frames are not looked at, nor where the camera may be in one: its position has to be known."""


class GpsConfig(_Block):
    """The position of a vehicle by satellites, from gpsd; cameras with a `position` of their own keep it."""

    gpsd: Annotated[str, AfterValidator(_host_and_port)] = "127.0.0.1:2947"
    """`host:port` of gpsd."""
    route_every_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """Seconds between two points of the route that the device logs for itself, see `alpr route`; 0 logs none."""
    route_days: Annotated[float, Field(gt=0, le=3660)] = 30.0
    """Days for which a point of the route is kept."""
    sets_clock: bool = False
    """Set the computer's clock by satellites where it is off by more than a second and nothing better disciplines it
    (NTP, PTP). Takes the capability CAP_SYS_TIME; whoever can jam a receiver with a false time can then move it."""


class OutboxConfig(_Block):
    """Bounds of what waits for the collector; beyond them the oldest pictures of non-hits go first, hits never."""

    max_rows: Annotated[int, Field(ge=100)] = 1_000_000
    """Messages."""
    max_bytes: Annotated[int, Field(ge=1_000_000)] = 4_000_000_000
    """Bytes of all messages together."""


class LinkConfig(_Block):
    """The way to the collector."""

    collector: Endpoint
    """`tcp://host:port`."""
    server_key: Annotated[str, AfterValidator(_rooted_key)]
    """The collector's public key: 40 characters, or the path of the file that holds it."""
    key_file: RootedPath
    """This device's own key, made by `alpr device enrol`."""
    heartbeat_s: Seconds = 10.0
    """Seconds between two reports of the device's own health."""


class StickConfig(_Block):
    """USB sticks that carry reads to the collector, and lists and acks from it; see `alpr stick`."""

    folders: tuple[RootedPath, ...] = ()
    """Folders that are watched for a stick which `alpr stick` has marked, such as where it is mounted. They need not
    be there."""
    server_key: Annotated[str, AfterValidator(_rooted_key)] | None = None
    """The collector's public key, as in `link`. Null: that of `link`."""
    key_file: RootedPath | None = None
    """This device's own key, made by `alpr key new`. Null: that of `link`."""


class MetricsConfig(_Block):
    """Figures for Prometheus at `http://address:port/metrics`, unencrypted and open to whoever reaches the port."""

    address: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Of the network card to listen on; as it is, only this computer itself can ask."""
    port: Annotated[int, Field(ge=1, le=65535)]


class PageConfig(_Block):
    """The officer's page in a browser: hits, decisions, the state of the device. Needs `pip install 'alpr[page]'`."""

    address: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Of the network card to listen on; as it is, only this computer itself can ask. Any other needs `certificate`
    and `key`, or `unencrypted`."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8480
    users: RootedPath
    """File of those who may sign in; see `alpr page user add`."""
    names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")], ...] = ()
    """Host names under which the page may be asked for, beside `localhost` and plain addresses."""
    certificate: RootedPath | None = None
    """TLS certificate with its chain, PEM; needs `key`."""
    key: RootedPath | None = None
    """Its private key, PEM."""
    unencrypted: bool = False
    """Listen beyond this computer without TLS: passwords and hits can be read by all on that network. Only where
    nobody else is on it, such as a cable between two computers of a car."""
    session_h: Annotated[float, Field(gt=0, le=72)] = 12.0
    """Hours after which a person has to sign in again."""

    @model_validator(mode="after")
    def _keeps_secrets(self) -> PageConfig:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both, or neither")
        if self.certificate is None and not self.unencrypted and not _is_loopback(self.address):
            raise ValueError(
                f"address {self.address} is reached from other computers: give certificate and key, or "
                "unencrypted: true where nobody else is on that network"
            )
        return self


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


class EdgeConfig(_Block):
    """Configuration of `alpr run`."""

    device: DeviceConfig
    cameras: tuple[CameraConfig, ...] = Field(min_length=1)
    models: ModelsConfig = ModelsConfig()
    ocr: OcrConfig = OcrConfig()
    detection_threshold: Share | None = None
    """Least confidence of a detection; null takes what the model's card recommends."""
    recognition_threshold: Share = 0.4
    """Passes whose plate text is less probable than this are not reported."""
    min_plate_length: Annotated[int, Field(ge=1, le=12)] = 4
    """Shorter texts are not reported."""
    track: TrackConfig = TrackConfig()
    hotlist: HotlistConfig | None = None
    """Null: nothing is looked for, all is only recorded."""
    alerts: AlertsConfig = AlertsConfig()
    gps: GpsConfig | None = None
    """Null: no receiver."""
    privacy: PrivacyConfig = PrivacyConfig()
    outbox: OutboxConfig = OutboxConfig()
    link: LinkConfig | None = None
    """Null: the device stands alone."""
    stick: StickConfig | None = None
    """Null: no stick is taken unasked; `alpr stick` uses the keys of `link`."""
    metrics: MetricsConfig | None = None
    """Null: none."""
    page: PageConfig | None = None
    """Null: none."""

    @model_validator(mode="after")
    def _has_keys_for_sticks(self) -> EdgeConfig:
        stick = self.stick
        if stick is not None and self.link is None and None in (stick.server_key, stick.key_file):
            raise ValueError("stick: without a link, give server_key and key_file")
        return self


EventKind: TypeAlias = Literal["hit", "read", "disposition", "loss", "alert", "audit-head"]


class WebhookConfig(_Block):
    """Somewhere that events are posted to as signed JSON, once they are stored."""

    name: Identity
    """Unique among the webhooks and `mqtt`; a covert hit goes out only where this is among its receivers."""
    url: str = Field(pattern=r"^https?://\S+$", repr=False)
    """`https://…`; `http://` only to this very computer."""
    secret_file: RootedPath
    """File that holds the secret shared with the receiver, at least 16 bytes; it signs every request."""
    events: tuple[EventKind, ...] = Field(("hit",), min_length=1)
    """Which events are sent; `alert`: a device is silent, its clock is off, its hotlist is old, or the audit
    is not whole; `audit-head`: how long the audit is, for a witness."""
    format: Literal["alpr", "openalpr", "platerecognizer"] = "alpr"
    """Whose field names to use."""


class MqttConfig(_Block):
    """An MQTT broker that events are published to; needs `pip install 'alpr[mqtt]'`."""

    name: Identity = "mqtt"
    """As for a webhook."""
    host: Annotated[str, Field(min_length=1)]
    """Without TLS only this very computer."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8883
    tls: bool = True
    ca_file: RootedPath | None = None
    """Null: the system's own."""
    username: str = ""
    password_file: RootedPath | None = None
    events: tuple[EventKind, ...] = Field(("hit",), min_length=1)
    """Which events are published."""
    topic: Annotated[str, Field(pattern=r"^[^+#\s]+$")] = "alpr"
    """First part of all topics."""
    discovery: Annotated[str, Field(pattern=r"^[^+#\s]*$")] = "homeassistant"
    """Home Assistant's discovery prefix; empty announces nothing."""


class PublishedConfig(_Block):
    """Signed hotlist updates that are handed on to the devices."""

    folder: RootedPath
    """Where `alpr hotlist publish` puts them, or a copy of that; looked at every second. It need not be there yet."""
    admins: RootedPath
    """File of those whose updates are handed on, `NAME KEY` on each line; see `alpr hotlist key new`."""
    signatures_needed: Annotated[int, Field(ge=1, le=16)] = 1
    """Different people who have to have signed an update."""
    check_past: bool = True
    """Hold all stored reads against what an update brings."""
    max_age_h: Annotated[float, Field(gt=0, le=8760)] | None = 24.0
    """Hours after which a list is too old: past hits say so. Live hits have the limit of their device."""
    max_age_h_by_list: dict[str, Annotated[float, Field(gt=0, le=8760)]] = {}  # noqa: RUF012 - pydantic copies it
    """The same for single lists, by name."""


class HealthConfig(_Block):
    """Limits beyond which a device's health raises an alert at the collector."""

    silent_after_s: Seconds = 60.0
    """Seconds without any word from a device."""
    clock_offset_s: Annotated[float, Field(gt=0, le=86400)] = 1.0
    """Seconds between a device's clock and the collector's, beyond the uncertainty of the measure."""
    list_age_s: Annotated[float, Field(gt=0, le=31_536_000)] = 86_400.0
    """Seconds since a hotlist that a device holds was last brought up to date."""


class AuditConfig(_Block):
    """Witnesses of the audit: told how long it is, so that nobody shortens it unnoticed."""

    witness_file: RootedPath
    """File to which each new head of the audit is appended, a JSON line with its time: on another computer's disk, or
    where nobody can take anything away (`chattr +a`)."""


class CollectorConfig(_Block):
    """Configuration of `alpr collector` and of the commands that work on its database."""

    listen: Endpoint = "tcp://0.0.0.0:5577"
    """Where it listens for devices."""
    address: Endpoint | None = None
    """By which devices reach it, for claim codes. Null: `listen`."""
    database: RootedPath
    """SQLite file of reads, hits and pictures. Made if missing; the audit is beside it, as `*.audit.db`."""
    key_file: RootedPath
    """The collector's own key pair; its public half is what devices have as `server_key`."""
    allowed_devices: RootedPath
    """File of the devices that may connect, `NAME KEY` per line; re-read when it changes; see `alpr device new`.
    Claim codes stand beside it, as `*.claims`; the collector must be able to write both."""
    receivers: tuple[Receiver, ...] = ()
    """Names that those go by who see what the collector prints and logs. Hits of covert entries are told there only
    where one of the names is among the entry's receivers; they are stored all the same."""
    key_grace_s: Annotated[float, Field(ge=60, le=2_592_000)] = 86_400.0
    """Seconds for which a key that a device has replaced is still good."""
    device_gib_a_day: Annotated[float, Field(ge=0.1, le=100_000)] = 50.0
    """GiB of one device that are stored on a day (UTC). What is beyond it stays on the device, and an alert says so;
    the last tenth is for hits, decisions and reports of losses alone."""
    health: HealthConfig = HealthConfig()
    hotlists: PublishedConfig | None = None
    """Null: none are handed on."""
    stick_folders: tuple[RootedPath, ...] = ()
    """Folders that are watched for USB sticks of devices, such as where they are mounted; see `alpr stick`. They need
    not be there."""
    metrics: MetricsConfig | None = None
    """Null: none."""
    audit: AuditConfig | None = None
    """Null: the heads go to the log, the devices and the reads database alone."""
    webhooks: tuple[WebhookConfig, ...] = ()
    """Who is told of events over HTTPS."""
    mqtt: MqttConfig | None = None
    """Null: no broker is told."""


def load_edge_config(
    path: Path | str, *, environ: Mapping[str, str] = os.environ, files_must_exist: bool = True
) -> EdgeConfig:
    """Read the configuration of an edge device.

    Args:
        path: YAML file, UTF-8. Relative paths in it are meant from its folder.
        environ: `ALPR__CAMERAS__0__URL=…` overrides `cameras.0.url`.
        files_must_exist: also refuse model and key files that are not there.

    Raises:
        ConfigError: every mistake, one per line, with file, line and path.
    """
    document = read_document(Path(path), environ, _foreign_keys(EdgeConfig))
    config = validate(document, EdgeConfig, _twice_used_cameras(document))
    if files_must_exist:
        _refuse_missing(document, _files_of_edge(config))
    return config


def load_collector_config(
    path: Path | str, *, environ: Mapping[str, str] = os.environ, files_must_exist: bool = True
) -> CollectorConfig:
    """Read the configuration of a collector; as `load_edge_config`.

    Args:
        path: of the YAML file.
        environ: environment variables that the file may refer to; None for the process's.
        files_must_exist: False leaves the files that it names unchecked.

    Raises:
        ConfigError: every mistake, one per line, with file, line and path.
    """
    document = read_document(Path(path), environ, _foreign_keys(CollectorConfig))
    config = validate(document, CollectorConfig, ())
    if files_must_exist:
        _refuse_missing(document, _files_of_collector(config))
    return config


_NEW_KEY = "make one with `alpr device enrol` on a device, `alpr key new` for a collector"

_NEW_ADMIN = "put in it the line that `alpr hotlist key new` prints"


def _foreign_keys(model: type[BaseModel]) -> set[str]:
    """One machine's environment may serve an edge and a collector: what is the other's is no mistake here."""
    return (set(EdgeConfig.model_fields) | set(CollectorConfig.model_fields)) - set(model.model_fields)


def _twice_used_cameras(document: Document) -> Iterator[Mistake]:
    # On the plain tree, so that it is told together with all other mistakes.
    cameras = document.tree.get("cameras")
    first: dict[str, int] = {}
    for index, camera in enumerate(cameras if isinstance(cameras, list) else []):
        camera_id: Any = camera.get("id") if isinstance(camera, dict) else None
        if not isinstance(camera_id, str):
            continue
        if camera_id in first:
            loc = ("cameras", index, "id")
            yield Mistake(
                loc, f"{camera_id} is already the id of cameras.{first[camera_id]}; every camera needs its own"
            )
        first.setdefault(camera_id, index)


_NamedFile: TypeAlias = tuple[tuple[str, ...], Path, str]


def _files_of_edge(config: EdgeConfig) -> Iterator[_NamedFile]:
    for task in ("detector", "recogniser"):
        path = getattr(config.models, task)
        if path is not None:
            yield ("models", task), path, "null takes the shipped model"
    if config.hotlist is not None and config.hotlist.admins is not None:
        yield ("hotlist", "admins"), config.hotlist.admins, _NEW_ADMIN
    if config.link is not None:
        yield ("link", "key_file"), config.link.key_file, _NEW_KEY
        if not _Z85_KEY.fullmatch(config.link.server_key):
            hint = "copy the collector's public key there, or give its 40 characters here"
            yield ("link", "server_key"), Path(config.link.server_key), hint
    if config.page is not None and config.page.certificate is not None and config.page.key is not None:
        yield ("page", "certificate"), config.page.certificate, "PEM, with its chain"
        yield ("page", "key"), config.page.key, "PEM, the private key of the certificate"
    if config.stick is not None:
        yield from _files_of_stick(config.stick)


def _files_of_stick(stick: StickConfig) -> Iterator[_NamedFile]:
    if stick.key_file is not None:
        yield ("stick", "key_file"), stick.key_file, _NEW_KEY
    if stick.server_key is not None and not _Z85_KEY.fullmatch(stick.server_key):
        hint = "copy the collector's public key there, or give its 40 characters here"
        yield ("stick", "server_key"), Path(stick.server_key), hint


def _files_of_collector(config: CollectorConfig) -> Iterator[_NamedFile]:
    yield ("key_file",), config.key_file, _NEW_KEY
    if config.hotlists is not None:
        yield ("hotlists", "admins"), config.hotlists.admins, _NEW_ADMIN


def _refuse_missing(document: Document, files: Iterable[_NamedFile]) -> None:
    for loc, path, hint in files:
        try:
            if not path.is_file():
                document.mistakes.append(Mistake(loc, f"no file {path}; {hint}"))
        except OSError as error:
            document.mistakes.append(Mistake(loc, f"{path} cannot be looked at: {error.strerror}"))
    if document.mistakes:
        raise document.error()
