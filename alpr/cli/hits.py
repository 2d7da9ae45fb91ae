"""`alpr hits`: what was hit, and what people decided on it; at a device or at the centre."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from alpr.cli.instants import instant
from alpr.cli.output import json_option, print_rows, say
from alpr.cli.purpose import case_option, purpose_needed, purpose_option
from alpr.events.hit_text import age_warning
from alpr.types import Action, Disposition, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from alpr.config import EdgeConfig
    from alpr.link.protocol.messages import DispositionRecord, HitRecord

_F = TypeVar("_F", bound="Callable[..., Any]")


def _where(function: _F) -> _F:
    """Options that say whose hits are meant: a device's (-c) or the centre's (--db)."""
    config = click.option(
        "-c", "--config", "edge_path", type=click.Path(path_type=Path), help="A device's edge.yaml: its own hits."
    )
    database = click.option("--db", "database", type=click.Path(path_type=Path), help="The collector's database.")
    purpose = click.option("--purpose", default="", help="Why, in your own words. Recorded; required with --db.")
    return config(database(purpose(case_option(function))))


@click.group()
def command() -> None:
    """Show hits and record dispositions.

    At a device (-c edge.yaml) or at the centre (--db, where every look is recorded in the audit).
    """


@command.command("list")
@_where
@click.option("--undecided", is_flag=True, help="Only those that wait for a decision.")
@click.option("--since", callback=instant, help="Raised at or after this (ISO 8601; UTC unless it says otherwise).")
@click.option("--until", callback=instant, help="Raised before this.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Newest only.")
@json_option
def list_hits(
    edge_path: Path | None,
    database: Path | None,
    purpose: str,
    case_id: str,
    undecided: bool,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Hits, newest first, with what was decided on them."""
    if database is None:
        config = _edge(edge_path)
        rows = _rows_of_device(
            config.device.journal, _names(config), undecided=undecided, since=since, until=until, limit=limit
        )
    else:
        from alpr.collector.access.access import audited_hits
        from alpr.collector.access.hits import HitQuery
        from alpr.collector.audit.heads import open_audit
        from alpr.system.os_user import os_user

        _need_database(database)
        query = HitQuery(since, until, is_undecided=undecided, limit=limit)
        with closing(open_audit(database)) as audit:
            found = audited_hits(database, audit, query, who=os_user(), purpose=purpose, case_id=case_id)
        rows = (_row(one.device, one.hit, one.dispositions) for one in found)
    print_rows(rows, as_json=as_json)


@command.command()
@click.argument("hit_id")
@click.argument("verdict", type=click.Choice([verdict.value for verdict in Verdict]))
@_where
@click.option("--action", type=click.Choice([action.value for action in Action]), default=Action.NONE.value)
@click.option("--reason", default="", help="Why; required if a hit is dismissed or an entry is stale.")
@click.option("--true-text", default="", help="What the plate really says, where it was misread.")
@click.option("--verified-with", default="", help="What was asked before anything was done: 'NCIC by radio'.")
@click.option("--verified-at", callback=instant, help="When (ISO 8601).")
@json_option
def dispose(
    hit_id: str,
    verdict: str,
    edge_path: Path | None,
    database: Path | None,
    purpose: str,
    case_id: str,
    action: str,
    reason: str,
    true_text: str,
    verified_with: str,
    verified_at: datetime | None,
    as_json: bool,
) -> None:
    """Decide on a hit: VERDICT is correct, misread, wrong-state, stale-entry or dismissed.

    Nothing counts as done (--action) without the source and time of a verification that came first. Who decides is
    the person that is logged in. A later decision overrules an earlier one; both are kept.
    """
    from alpr.collector.access.access import audited_decision
    from alpr.system.os_user import os_user

    disposition = Disposition(
        disposition_id=uuid.uuid4().hex,
        hit_id=hit_id,
        verdict=Verdict(verdict),
        action=Action(action),
        by=os_user(),
        decided_at=datetime.now(UTC),
        reason=reason,
        verified_with=verified_with,
        verified_at=verified_at,
        true_text=true_text,
    )
    if database is None:
        from alpr.hotlist.rules.receivers import may_learn
        from alpr.journal.dispositions import decide

        config = _edge(edge_path)
        names = _names(config)
        kept = decide(config.device.journal, disposition, lambda receivers: may_learn(receivers, names))
    else:
        from alpr.collector.audit.heads import open_audit

        _need_database(database)
        with closing(open_audit(database)) as audit:
            stated = purpose or reason or "decides on a hit"
            kept = audited_decision(database, audit, disposition, purpose=stated, case_id=case_id)
    print_rows([_decision_row(kept)], as_json=as_json)


@command.command("export-misreads")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--db", "database", required=True, type=click.Path(path_type=Path), help="The collector's database.")
@purpose_option
@case_option
def export_misreads(folder: Path, database: Path, purpose: str | None, case_id: str) -> None:
    """Write the hits that were found to be misreads to FOLDER as crops with labels, to learn from.

    Only those where the person said what the plate really says. `alpr evaluate FOLDER/labels.jsonl --split train`
    reads them.
    """
    from alpr.collector.access.access import audited_misreads
    from alpr.collector.audit.heads import open_audit
    from alpr.system.os_user import os_user

    _need_database(database)
    with closing(open_audit(database)) as audit, purpose_needed(purpose) as stated:
        count = audited_misreads(database, audit, folder, who=os_user(), purpose=stated, case_id=case_id)
    say(f"{count} crops in {folder}; this export was recorded")


def _edge(edge_path: Path | None) -> EdgeConfig:
    from alpr.config import load_edge_config

    if edge_path is None:
        raise click.UsageError("say whose hits are meant: -c edge.yaml for a device's own, --db for the collector's")
    return load_edge_config(edge_path, files_must_exist=False)


def _names(config: EdgeConfig) -> Collection[str]:
    """Of those who learn of hits at a device."""
    return config.hotlist.receivers if config.hotlist else ()


def _need_database(database: Path) -> None:
    from alpr.errors import StoreError

    if not database.is_file():  # before the audit file is made beside it
        raise StoreError(f"{database}: no such database; give the file that the collector writes")


def _rows_of_device(
    journal: Path,
    names: Collection[str],
    *,
    undecided: bool,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> Iterator[dict[str, Any]]:
    from alpr.hotlist.rules.receivers import may_learn
    from alpr.journal.dispositions import read_hits

    count = 0
    for decided in read_hits(journal):
        hit = decided.hit
        if not may_learn(hit.entry.receivers, names):
            continue
        is_open = not decided.dispositions and not hit.is_withdrawn
        if (undecided and not is_open) or (since and hit.raised_at < since) or (until and hit.raised_at >= until):
            continue
        count += 1
        if count > limit:
            return
        yield _row(None, hit, decided.dispositions)


def _row(device: str | None, hit: HitRecord, decided: tuple[DispositionRecord, ...]) -> dict[str, Any]:
    last = decided[-1] if decided else None
    return {
        "hit_id": hit.hit_id,
        "raised_at": hit.raised_at.isoformat(timespec="milliseconds"),
        **({"device": device} if device else {}),
        "camera": hit.camera_id,
        "plate": hit.plate,
        "entry_plate": hit.entry.plate,
        "match": hit.match,
        "probability": round(hit.probability, 4),
        "list": hit.entry.list_name,
        "priority": hit.entry.priority,
        "reason": hit.entry.reason,
        "list_warning": age_warning(hit.list_age_s, hit.list_max_age_s),
        "is_past": hit.is_past,
        "is_withdrawn": hit.is_withdrawn,
        "verdict": last.verdict if last else None,
        "action": last.action if last else None,
        "decided_by": last.by if last else None,
    }


def _decision_row(kept: Disposition) -> dict[str, Any]:
    return {
        "disposition_id": kept.disposition_id,
        "hit_id": kept.hit_id,
        "verdict": kept.verdict.value,
        "action": kept.action.value,
        "by": kept.by,
        "decided_at": kept.decided_at.isoformat(timespec="milliseconds"),
        "verified_with": kept.verified_with or None,
        "verified_at": kept.verified_at.isoformat() if kept.verified_at else None,
        "true_text": kept.true_text or None,
    }
