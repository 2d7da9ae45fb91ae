"""Nobody speaks through us: whatever prints or formats a log goes through `alpr.system.printable`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.meta.test_layers import PACKAGE, ROOT, modules

PRINTERS = {"print", "echo", "secho", "echo_via_pager", "print_exc", "print_exception", "print_stack"}
STREAMS = {"stdout", "stderr"}
LOGS = {"basicConfig", "Formatter", "StreamHandler", "FileHandler"}
HOMES = {"cli/output.py", "printable.py"}
ALLOWED = {
    ("cli/device.py", "stderr"),  # a QR code, drawn by segno of a code that we made
    ("cli/progress.py", "stderr"),  # click's progress bar, whose label is made printable
    ("cli/hotlist_publish.py", "stderr"),  # asked whether it is a terminal
    ("collector/service/app.py", "stdout"),  # handed to the EventPrinter, which writes `json_line`
    ("config/reference.py", "stdout"),  # docs/config.md, from our own source
}


def voices_in(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in PRINTERS | LOGS:
                found.add(name)
        elif isinstance(node, ast.Attribute) and node.attr in STREAMS and getattr(node.value, "id", "") == "sys":
            found.add(node.attr)
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_shared_layer_prints_and_formats_logs(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    if name in HOMES:
        return
    loose = {voice for voice in voices_in(path) if (name, voice) not in ALLOWED}
    assert not loose, f"{name} speaks by {sorted(loose)}: print through alpr.cli.output"


def test_the_check_sees_what_it_should(tmp_path: Path) -> None:
    source = "import sys, logging\nprint(1)\nsys.stdout.write('a')\nlogging.basicConfig()\n"
    (tmp_path / "loose.py").write_text(source, "utf-8")
    assert voices_in(tmp_path / "loose.py") == {"print", "stdout", "basicConfig"}
