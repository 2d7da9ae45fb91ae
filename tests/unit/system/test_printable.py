"""What cannot be seen is shown escaped: in lines, JSON, CSV cells, logs and metrics' labels."""

from __future__ import annotations

import json
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from alpr.evaluation.markup import plain
from alpr.system.metrics_endpoint import Exporter
from alpr.system.printable import LogFormatter, csv_cell, json_line, printable

POISON = (
    "x\x00\x07\x1b[2J\x9b31m\x7f\r\n2026-01-01 00:00:00,000 CRITICAL alpr: forged\u202e\u2066\u2028\u2029\u200b\ufeff"
)
"""What a hostile name may hold: controls, escape sequences, a forged line, bidirectional and invisible characters."""
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def hidden_in(text: str, *but: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in HIDDEN} - set(but)


@given(st.text(st.characters()))
def test_nothing_hidden_is_left_and_what_is_seen_stays(text: str) -> None:
    shown = printable(text)
    assert not hidden_in(shown)
    assert shown.isascii() or shown.encode("utf-8")
    assert printable(shown) == shown
    if not hidden_in(text) and text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller, Øst 京A·12345 مرور", "Müller, Øst 京A·12345 مرور"),
        ("a\u00a0b", "a\u00a0b"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("AB\u202e12", "AB\\u202e12"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_letters_of_all_scripts_stay(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters())))
def test_a_json_line_shows_nothing_hidden_and_says_the_same(row: dict[str, str]) -> None:
    line = json_line(row)
    assert not hidden_in(line)
    assert json.loads(line) == row


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d"])
def test_a_cell_is_no_formula(first: str) -> None:
    assert csv_cell(f"{first}HYPERLINK(1)").startswith("'")


def test_other_cells_stay() -> None:
    assert [csv_cell(value) for value in ("AB12", "a-b", "", -3, None, 0.5)] == ["AB12", "a-b", "", -3, None, 0.5]


def a_log_of(message: str, *args: object, error: Exception | None = None) -> str:
    record = logging.LogRecord("alpr.x", logging.WARNING, "x.py", 1, message, args, None)
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return LogFormatter().format(record)


def test_a_name_forges_no_line_of_the_log() -> None:
    line = a_log_of("%s connected, %s", "edge", POISON)
    assert "\n" not in line
    assert not hidden_in(line)
    assert line.endswith("\\ufeff")


def test_what_a_traceback_says_looks_like_no_line_of_the_log() -> None:
    try:
        raise ValueError(POISON)
    except ValueError as error:
        first, *rest = a_log_of("died", error=error).split("\n")
    assert first.endswith("WARNING alpr.x: died")
    assert len(rest) > 3
    assert all(line.startswith("    ") for line in rest)
    assert not hidden_in("".join(rest))


def test_a_traceback_that_another_formatter_left_is_not_taken_over() -> None:
    try:
        raise ValueError(POISON)
    except ValueError as error:
        record = logging.LogRecord("a", logging.ERROR, "x", 1, "died", (), (type(error), error, error.__traceback__))
    logging.Formatter().format(record)
    assert not hidden_in(LogFormatter().format(record), "\n")


def test_names_of_devices_cannot_spoil_a_scrape() -> None:
    def figures() -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily("alpr_x", "x", labels=["device"])
        family.add_metric([POISON + "\ud800"], 1.0)
        return [family]

    text = generate_latest(Exporter("127.0.0.1", 0, figures).registry).decode("utf-8")
    assert not hidden_in(text, "\n")
    assert len(text.splitlines()) == 3
    [family] = text_string_to_metric_families(text)
    assert [sample.value for sample in family.samples] == [1.0]


def test_the_page_of_an_evaluation_shows_what_is_hidden() -> None:
    assert plain("<b>\u202e\x1b") == "&lt;b&gt;\\u202e\\x1b"
