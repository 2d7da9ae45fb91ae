"""`alpr hotlist status --collector`: the hotlists that each device holds."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from alpr.cli.output import print_rows
from alpr.clock import SystemClock


def devices_status(database: Path, max_age_h: float | None, *, as_json: bool) -> None:
    """Print what each device of a collector holds; exit 3 where a list is older than asked for or there is none.

    Args:
        database: the collector's.
        max_age_h: hours; None asks for no age.
        as_json: JSON lines even on a terminal.
    """
    from alpr.collector.hotlists.status import hotlist_status

    now = SystemClock().now()
    rows, is_bad = [], False
    for each in hotlist_status(database):
        report, age_s = each.report, each.age_s(now)
        is_stale = max_age_h is not None and (age_s is None or age_s > max_age_h * 3600)
        is_bad |= is_stale
        rows.append(
            {
                "device": each.device,
                "set": report and report.list_set,
                "revision": report and report.revision,
                "newest": each.newest,
                "behind": each.is_behind,
                "since": report and _instant(report.applied_at),
                "age_s": None if age_s is None else round(age_s),
                "stale": is_stale,
                "entries": report and report.entries,
                "said_at": report and _instant(report.reported_at),
                "refused": report.refused if report else 0,
                "last_refused_at": report and _instant(report.last_refused_at),
                "last_refusal": report.last_refusal if report else "",
            }
        )
    print_rows(rows, as_json=as_json)
    if is_bad or not rows:
        sys.exit(3)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
