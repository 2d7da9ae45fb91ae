"""The progress bar: on a terminal only, and only for work that takes a while."""

from __future__ import annotations

import io
import sys

import pytest

from alpr.cli import progress
from alpr.cli.progress import progress_bar


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_bar_goes_to_its_end_with_a_label_that_is_made_printable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_a_terminal(monkeypatch)
    monkeypatch.setattr(progress, "SHORT_S", 0.0)
    with progress_bar("a\x1b[2J") as show:
        assert show is not None
        for share in (0.25, 0.5, 1.0):
            show(share)
    assert "a\\x1b[2J" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_short_work_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    with progress_bar("a") as show:
        assert show is not None
        show(1.0)
    assert terminal.getvalue() == ""


def test_a_pipe_gets_none() -> None:
    with progress_bar("a") as show:
        assert show is None
