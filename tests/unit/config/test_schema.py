"""Configuration: every mistake at once, with file, line and path."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from alpr.config import CollectorConfig, EdgeConfig, load_collector_config, load_edge_config
from alpr.config.reference import reference
from alpr.config.schema import MetricsConfig
from alpr.edge.settings import facts_of
from alpr.errors import ConfigError
from alpr.track.facts.settings import FactSettings, SpeedLines
from alpr.track.joining import JoiningRules
from alpr.track.settings import TrackSettings

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "configs"
GOOD = """\
device:
  name: box
  data_dir: state
cameras:
  - id: north
    url: clips/north.mp4
"""


def _load(folder: Path, text: str | bytes, environ: dict[str, str] | None = None) -> EdgeConfig:
    path = folder / "edge.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_edge_config(path, environ=environ or {})


def _mistakes(folder: Path, text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text, environ)
    return str(caught.value).replace(str(folder) + "/", "").splitlines()


def test_defaults_and_paths_from_the_files_folder(tmp_path: Path) -> None:
    config = _load(tmp_path, GOOD)
    assert config.device.data_dir == tmp_path / "state"
    assert config.cameras[0].url == str(tmp_path / "clips/north.mp4")
    assert (config.cameras[0].realtime, config.cameras[0].detect_every, config.cameras[0].mask) == (False, 1, ())
    assert (config.models.detector, config.detection_threshold, config.hotlist, config.link) == (None,) * 4


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
device:
  name: box 1
  data_dir: state
cameras:
  - id: north
    urll: rtsp://viewer:secret@192.0.2.1/s
    realtime: "yes"
    detect_every: yes
    mask: [[[0, 0], [1, 0]]]
  - id: 007
    url: 5
  - id: north
    url: a.mp4
    url: b.mp4
trak: {}
recognition_threshold: 1.5
link:
  collector: http://x
  server_key: collector.pub
detection_threshold: .nan
xyz: 1
min_plate_length:
"""
    assert _mistakes(tmp_path, text) == [
        "edge.yaml:2: device.name: should be letters, digits and . _ - only, a letter or digit first, got box 1",
        "edge.yaml:5: cameras.0.url: is required and not given",
        "edge.yaml:6: cameras.0.urll: unknown key, did you mean 'url'?",
        "edge.yaml:7: cameras.0.realtime: should be a valid boolean, got yes",
        "edge.yaml:8: cameras.0.detect_every: should be a valid integer, got True",
        "edge.yaml:9: cameras.0.mask.0: should have at least 3 entries",
        "edge.yaml:10: cameras.1.id: should be text; put it in quotes, got 7",
        "edge.yaml:11: cameras.1.url: should be text; put it in quotes",
        "edge.yaml:12: cameras.2.id: north is already the id of cameras.0; every camera needs its own",
        "edge.yaml:14: cameras.2.url: given twice, first on line 13",
        "edge.yaml:15: trak: unknown key, did you mean 'track'?",
        "edge.yaml:16: recognition_threshold: should be less than or equal to 1, got 1.5",
        "edge.yaml:17: link.key_file: is required and not given",
        "edge.yaml:18: link.collector: should be tcp://host:port with a port of 1 to 65535, got http://x",
        "edge.yaml:20: detection_threshold: should be a finite number, got nan",
        f"edge.yaml:21: xyz: unknown key; known here: {', '.join(EdgeConfig.model_fields)}",
        "edge.yaml:22: min_plate_length: should be a valid integer, got nothing",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "edge.yaml: the file is empty"),
        ("# nothing\n", "edge.yaml: the file is empty"),
        ("- a\n- b\n", "edge.yaml:1: the file should hold 'key: value' lines"),
        ("device\n", "edge.yaml:1: the file should hold 'key: value' lines"),
        ("device:\n  name: a\n bad: [\n", "edge.yaml:3: not valid YAML: "),
        ("device:\n\tname: a\n", "indent with spaces, not tabs"),
        ("a: 1\n--- \nb: 2\n", "edge.yaml:2: not valid YAML: but found another document"),
        ("device: !!python/object:os.system {}\n", "edge.yaml:1: "),
        ("device: &a\n  name: *a\n", "edge.yaml:1: device.name: an alias that unfolds without end"),
        ("device: *missing\n", "edge.yaml:1: not valid YAML: found undefined alias"),
        ("device: 2026-13-40\n", "edge.yaml:1: device: '2026-13-40' is no timestamp (month must be in 1..12)"),
        ("a: " + "[" * 5000, "edge.yaml:1: nested too deep"),
        ("? [a, b]\n: c\n", "edge.yaml:1: a key should be a word"),
        (GOOD.encode("utf-16"), "edge.yaml: not UTF-8 text (byte 0); save it as UTF-8"),
        (GOOD.encode() + b"# \xe9\n", f"edge.yaml: not UTF-8 text (byte {len(GOOD) + 2})"),
        (GOOD.encode() + b"# \x00\n", "edge.yaml:7: control character '\\x00'"),
    ],
)
def test_what_is_no_configuration_at_all_is_one_plain_sentence(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert any(told in line for line in _mistakes(tmp_path, text))


def test_aliases_that_multiply_are_refused_quickly(tmp_path: Path) -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert "unfolds without end" in _mistakes(tmp_path, text)[0]


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match=reason):
            load_edge_config(path, environ={})


def test_byte_order_mark_anchors_and_merge_keys(tmp_path: Path) -> None:
    text = GOOD + "  - &usb\n    id: east\n    url: '0'\n    detect_every: 3\n  - <<: *usb\n    id: west\n"
    config = _load(tmp_path, text.encode("utf-8-sig"))
    assert [(camera.id, camera.url, camera.detect_every) for camera in config.cameras[1:]] == [
        ("east", "usb:0", 3),
        ("west", "usb:0", 3),
    ]


@pytest.mark.parametrize("url", ["rtsp://192.0.2.1/s", "usb:1", "/dev/video0", "http://192.0.2.1/mjpeg"])
def test_addresses_that_are_no_paths_stay_as_they_are(tmp_path: Path, url: str) -> None:
    assert _load(tmp_path, GOOD.replace("clips/north.mp4", f'"{url}"')).cameras[0].url == url


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        GOOD,
        {
            "ALPR__CAMERAS__0__URL": "0",
            "ALPR__CAMERAS__1__ID": "007",
            "ALPR__CAMERAS__1__URL": "rtsp://192.0.2.1/s",
            "ALPR__RECOGNITION_THRESHOLD": "0.25",
            "ALPR__TRACK__LOST_AFTER_S": "2",
            "ALPR__DETECTION_THRESHOLD": "null",
            "ALPR__LISTEN": "tcp://127.0.0.1:1",  # the collector's, on the same machine
            "OTHER": "x",
        },
    )
    assert [(camera.id, camera.url) for camera in config.cameras] == [
        ("north", "usb:0"),
        ("007", "rtsp://192.0.2.1/s"),
    ]
    assert (config.recognition_threshold, config.track.lost_after_s, config.detection_threshold) == (0.25, 2, None)


def test_mistakes_in_the_environment_name_the_variable(tmp_path: Path) -> None:
    environ = {
        "ALPR__CAMERAS__4__URL": "x",
        "ALPR__CAMERAS__0__URLL": "x",
        "ALPR__MIN_PLATE_LENGTH": "many",
        "ALPR__DEVICE": "box",
    }
    assert sorted(_mistakes(tmp_path, GOOD, environ)) == [
        "edge.yaml (ALPR__CAMERAS__0__URLL): cameras.0.urll: unknown key, did you mean 'url'?",
        "edge.yaml (ALPR__CAMERAS__4__URL): cameras.4.url: there is no such place in the file",
        "edge.yaml (ALPR__DEVICE): device: should be a block of 'key: value' lines, got box",
        "edge.yaml (ALPR__MIN_PLATE_LENGTH): min_plate_length: should be a valid integer, got many",
    ]


def test_files_that_are_not_there_are_refused_with_what_to_do(tmp_path: Path) -> None:
    text = GOOD + (
        "models:\n  recogniser: mine.onnx\n"
        "link:\n  collector: tcp://[::1]:5577\n  server_key: collector.pub\n  key_file: device.key\n"
    )
    assert [line.replace(str(tmp_path), "") for line in _mistakes(tmp_path, text)] == [
        "edge.yaml:8: models.recogniser: no file mine.onnx; null takes the shipped model",
        "edge.yaml:11: link.server_key: no file collector.pub; "
        "copy the collector's public key there, or give its 40 characters here",
        "edge.yaml:12: link.key_file: no file device.key; make one with `alpr device enrol` on a device, "
        "`alpr key new` for a collector",
    ]
    for name in ("mine.onnx", "collector.pub", "device.key"):
        (tmp_path / name).touch()
    assert _load(tmp_path, text).link is not None


def test_a_key_given_as_text_is_no_path(tmp_path: Path) -> None:
    key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
    (tmp_path / "device.key").touch()
    text = GOOD + f"link: {{collector: 'tcp://a:1', server_key: '{key}', key_file: device.key}}\n"
    config = _load(tmp_path, text)
    assert config.link is not None
    assert config.link.server_key == key


@pytest.mark.parametrize("address", ["tcp://a:0", "tcp://a:65536", "tcp://:1", "a:1", "ipc:///x", "tcp://a:1/x"])
def test_bad_endpoints(tmp_path: Path, address: str) -> None:
    path = tmp_path / "collector.yaml"
    path.write_text(f"listen: {address}\ndatabase: a\nkey_file: b\nallowed_devices: c\n")
    with pytest.raises(ConfigError, match=r"collector.yaml:1: listen: should be tcp://host:port"):
        load_collector_config(path, environ={}, files_must_exist=False)


def test_passwords_are_never_repeated(tmp_path: Path) -> None:
    config = _load(tmp_path, GOOD.replace("clips/north.mp4", "rtsp://viewer:secret@192.0.2.1/s"))
    assert "secret" not in repr(config)
    bad = GOOD.replace("clips/north.mp4", "{a: 'rtsp://viewer:secret@192.0.2.1/s'}")
    assert "secret" not in "\n".join(_mistakes(tmp_path, bad))


def test_configurations_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        _load(tmp_path, GOOD).min_plate_length = 1


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_examples_load(path: Path) -> None:
    if path.name == "collector.yaml":
        collector = load_collector_config(path, environ={}, files_must_exist=False)
        assert collector.database.is_absolute()
    else:
        assert load_edge_config(path, environ={}, files_must_exist=False).cameras


def test_defaults_are_those_of_the_tracker(tmp_path: Path) -> None:
    config = _load(tmp_path, GOOD)
    chosen = config.track.model_dump()
    assert chosen.pop("join_s") == JoiningRules({}).within_s
    settings = TrackSettings(
        facts=FactSettings(called_parked_after_s=chosen.pop("called_parked_after_s")),
        **chosen,
        min_confidence=config.recognition_threshold,
        min_length=config.min_plate_length,
    )
    assert settings == TrackSettings()


ROAD = """\
    lanes:
      - {name: "1", polygon: [[0.1, 0.2], [0.4, 0.2], [0.4, 0.9], [0.1, 0.9]]}
      - {name: "2", polygon: [[0.4, 0.2], [0.8, 0.2], [0.8, 0.9], [0.4, 0.9]]}
    speed:
      lines: [[[0.2, 0.4], [0.8, 0.4]], [[0.1, 0.7], [0.9, 0.7]]]
      distance_m: 12
      camera_height_m: 5
"""


def test_lanes_and_lines_of_a_camera_reach_its_tracker(tmp_path: Path) -> None:
    text = f"""{GOOD}{ROAD}
  - {{id: car, url: "usb:0", on_vehicle: true}}
  - {{id: rear, url: "usb:1", mounted_deg: 180}}
track: {{called_parked_after_s: 30}}
"""
    north, car, rear = facts_of(_load(tmp_path, text)).values()
    assert [lane.name for lane in north.lanes] == ["1", "2"]
    assert north.lanes[0].polygon == ((0.1, 0.2), (0.4, 0.2), (0.4, 0.9), (0.1, 0.9))
    lines = (((0.2, 0.4), (0.8, 0.4)), ((0.1, 0.7), (0.9, 0.7)))
    assert north.speed == SpeedLines(lines, distance_m=12, distance_error_m=0.2, camera_height_m=5)
    assert (north.is_camera_moving, north.called_parked_after_s) == (False, 30)
    assert car == rear == FactSettings(is_camera_moving=True, called_parked_after_s=30)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[0.4, 0.2], [0.4, 0.9], [0.1, 0.9]", "[0.4, 0.9], [0.4, 0.2], [0.1, 0.9]", "crosses itself"),
        ("[0.4, 0.2], [0.4, 0.9], [0.1, 0.9]", "[0.1, 0.4], [0.1, 0.9]", "has no area"),
        ("[0.4, 0.2], [0.4, 0.9], [0.1, 0.9]", "[0.4, 0.2], [0.4, 900]", "less than or equal to 1"),
        ('"2"', '"1"', "two lanes are named 1: every lane needs a name of its own"),
        ("[[0.2, 0.4], [0.8, 0.4]]", "[[0.2, 0.4], [0.2, 0.4]]", "is a point: give both ends"),
        ("[[0.2, 0.4], [0.8, 0.4]]", "[[0.2, 0.6], [0.8, 0.8]]", "the two lines cross"),
        ("[[0.2, 0.4], [0.8, 0.4]]", "[[0.1, 0.7], [0.9, 0.7]]", "the two lines cross"),
        ("distance_m: 12", "distance_m: 12\n      distance_error_m: 6", "half of distance_m or more"),
        ("camera_height_m: 5", "camera_height_m: 0.5", "greater than or equal to 1.2"),
        ("      camera_height_m: 5\n", "", "camera_height_m"),
        ("    lanes:", "    on_vehicle: true\n    lanes:", "drawn over a road that stands still"),
    ],
)
def test_what_is_no_road_is_one_clear_line_each(tmp_path: Path, old: str, new: str, told: str) -> None:
    mistakes = _mistakes(tmp_path, GOOD + ROAD.replace(old, new))
    assert len(mistakes) == 1
    assert told in mistakes[0]
    assert re.match(r"edge\.yaml:\d+: cameras\.0", mistakes[0])


def test_there_is_an_example_for_each_use() -> None:
    names = {path.name for path in CONFIGS.glob("*.yaml")}
    assert names >= {"roadside.yaml", "patrol-car.yaml", "file.yaml", "collector.yaml"}


def test_reference_is_fresh() -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert page == reference(), "write it anew: python -m alpr.config.reference > docs/config.md"
    for model in (EdgeConfig, CollectorConfig):
        for name in model.model_fields:
            assert f"`{name}`" in page


@pytest.mark.parametrize("char", ["\x1e", "\x85", "\u2028", "\x0c"])
def test_a_mistake_stays_in_one_line_whatever_the_file_holds(tmp_path: Path, char: str) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(f'device: "{char.encode("unicode_escape").decode()}"\ncameras: []\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_edge_config(path, environ={})
    assert all(line.startswith(f"{path}:") for line in str(caught.value).splitlines())


def test_paddleocr_needs_a_folder_and_models_a_known_variant_and_provider(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(
        "device: {name: gate, data_dir: data}\ncameras: [{id: a, url: a.mp4}]\n"
        "ocr: {engine: paddle}\nmodels: {variant: int4, provider: gpu}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_edge_config(path)
    assert [line.rpartition("edge.yaml:")[2] for line in str(caught.value).splitlines()] == [
        "3: ocr: engine paddle needs model_dir: the folder of inference.onnx and inference.yml",
        "4: models.variant: should be 'auto', 'fp32' or 'int8', got int4",
        "4: models.provider: should be 'cpu', 'openvino', 'cuda' or 'tensorrt', got gpu",
    ]
    path.write_text(
        "device: {name: gate, data_dir: data}\ncameras: [{id: a, url: a.mp4}]\nocr: {engine: paddle, model_dir: m}\n"
    )
    config = load_edge_config(path)
    assert (config.ocr.model_dir, config.models.variant, config.models.provider) == (tmp_path / "m", "auto", "cpu")


def _again(number: int) -> str:
    return ", ".join([f"*a{number}"] * 9)


def _many(line: str, count: int) -> str:
    return "".join(line.format(n) for n in range(count))


_HEAD = "device: {name: box, data_dir: x}\ncameras: [{id: a, url: b}]\n"
ATTACKS: dict[str, tuple[str | bytes, str]] = {
    "cycle": ("a: &a\n  b: *a\n", "edge.yaml:1: a.b: an alias that unfolds without end"),
    "cycle of merging": ("device: &a\n  <<: *a\n  name: x\n", "edge.yaml:1: device.data_dir: is required"),
    "cycle in a key": ("? &a [*a]\n: 1\n", "edge.yaml:1: a key should be a word"),
    "billion laughs": (
        "a: &a0 [x, x, x]\n" + "".join(f"b{n}: &a{n + 1} [{_again(n)}]\n" for n in range(12)),
        "an alias that unfolds without end",
    ),
    "billion laughs by merging": (
        "a: &a0 {x: 1}\n" + "".join(f"b{n}: &a{n + 1} {{<<: [{_again(n)}]}}\n" for n in range(12)),
        "keys and values",
    ),
    "time beyond the calendar": ("device: 2026-13-40\n", "edge.yaml:1: device: '2026-13-40' is no timestamp"),
    "offset beyond the day": ("device: 2026-01-01T00:00:00+99:99\n", "is no timestamp"),
    "half a character": ('device: {name: "\\ud800", data_dir: x}\n', "1: device.name: holds the character U+D800"),
    "half a character in a key": ('"\\ud800": 1\n', "edge.yaml:1: a key should be a word"),
    "no character": ('device: "\\U00110000"\n', "edge.yaml: not valid YAML: line 1: no such character"),
    "NUL in a path": (_HEAD.replace("x}", '"a\\0b"}'), "edge.yaml:1: device.data_dir: holds the character U+0000"),
    "escape sequence": (_HEAD.replace("url: b", 'url: "\\e[2J"'), "cameras.0.url: holds the character U+001B"),
    "path too long": (_HEAD.replace("x}", "x/" * 3000 + "}"), "device.data_dir: is longer than any path can be"),
    "name too long": (_HEAD.replace("x}", "x" * 300 + "}"), "device.data_dir: is longer than any path can be"),
    "nobody's home": (_HEAD.replace("x}", "~nobody-at-all/x}"), "device.data_dir: begins with the home of a user"),
    "100,000 keys": (_many("k{0}: 1\n", 100_000), "edge.yaml: cannot be read: Is larger than"),
    "40,000 times one key": ("a: 1\n" * 40_000, "edge.yaml:10000: has more than 20,000 keys and values"),
    "9,000 unknown keys": (_many("k{0}: 1\n", 9_000), "edge.yaml: and more mistakes: mend these first"),
    "deep": ("a: " + "{a: " * 20_000, "edge.yaml:1: nested too deep"),
    "deep in columns": ("".join(" " * n + "a:\n" for n in range(500)), "edge.yaml:100: nested too deep"),
    "deep by aliases": (
        "a: &a0 [x]\n" + "".join(f"b{n}: &a{n + 1} [*a{n}]\n" for n in range(300)),
        "nested too deep",
    ),
    "5000 digits": ("device: {name: " + "9" * 5000 + "}\n", "is no int"),
    "100,000 digits in base 16": ("device: {name: 0x" + "f" * 100_000 + "}\n", "device.name: is a number of more"),
    "base 60": ("device: 1" + ":59" * 400 + ".5\n", "is no float"),
    "python tag": ("device: !!python/object/apply:os.system ['id']\n", "edge.yaml:1: "),
    "bool that is none": ("device: !!bool foo\n", "edge.yaml:1: device: 'foo' is no bool"),
    "timestamp that is none": ("device: !!timestamp foo\n", "edge.yaml:1: device: 'foo' is no timestamp"),
    "int that is none": ("device: !!int ''\n", "edge.yaml:1: device: '' is no int"),
    "a tag of megabytes": ("device: " + "!" * 300_000 + "\n", "edge.yaml:1: not valid YAML"),
    "binary": (bytes(range(256)) * 100, "edge.yaml: not UTF-8 text (byte 128)"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_file_is_told_in_short_lines_and_quickly(attack: str, tmp_path: Path) -> None:
    content, told = ATTACKS[attack]
    started = time.process_time()
    lines = _mistakes(tmp_path, content)
    assert time.process_time() - started < 3  # within 1 s on a computer that does nothing else
    assert any(told in line for line in lines), lines[:3]
    assert len(lines) <= 101
    assert all(len(line) < 500 and line.isprintable() and line.startswith("edge.yaml") for line in lines)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("pipe", "Is a pipe"),
        ("folder", "Is a directory"),
        ("device", "Is a device"),
        ("loop", "Too many levels of symbolic links"),
        ("gigabytes", "Is larger than"),
        ("long", "File name too long"),
        ("nul", "No file can have such a name"),
    ],
)
def test_what_is_no_configuration_file_is_told_at_once(kind: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "gigabytes":
        with path.open("wb") as file:
            file.truncate(64 << 30)
    path = {"device": Path("/dev/zero"), "long": tmp_path / ("x" * 300), "nul": Path("a\0b")}.get(kind, path)
    with pytest.raises(ConfigError, match=f"cannot be read: {told}"):
        load_edge_config(path, environ={})


@pytest.mark.parametrize("value", ["!!bool foo", "9" * 5000, "[" * 5000, "0x" + "f" * 9000, "2026-13-45", "\udcff"])
def test_a_hostile_variable_is_a_mistake_of_its_own(value: str, tmp_path: Path) -> None:
    lines = _mistakes(tmp_path, GOOD, {"ALPR__DETECTION_THRESHOLD": value})
    for line in lines:
        assert line.startswith("edge.yaml (ALPR__DETECTION_THRESHOLD): detection_threshold: ")
        assert len(line) < 300


def test_figures_are_off_and_once_on_shown_to_this_machine_only() -> None:
    assert [model.model_fields["metrics"].default for model in (CollectorConfig, EdgeConfig)] == [None, None]
    assert MetricsConfig(port=9578).address == "127.0.0.1"


@pytest.mark.parametrize(
    ("page", "mistake"),
    [
        ("{users: u}", ""),
        ("{users: u, address: '::1'}", ""),
        ("{users: u, address: 0.0.0.0}", "is reached from other computers"),
        ("{users: u, address: car-112}", "is reached from other computers"),
        ("{users: u, address: 0.0.0.0, unencrypted: true}", ""),
        ("{users: u, certificate: a.pem}", "go together"),
        ("{users: u, names: ['a b']}", "names"),
        ("{port: 8480}", "users"),
    ],
)
def test_a_page_is_for_this_computer_unless_it_is_encrypted_or_said_to_need_none(
    tmp_path: Path, page: str, mistake: str
) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(f"device: {{name: d, data_dir: x}}\ncameras: [{{id: c, url: film.mp4}}]\npage: {page}\n")
    if not mistake:
        assert load_edge_config(path, environ={}).page is not None
        return
    with pytest.raises(ConfigError, match=mistake):
        load_edge_config(path, environ={})
