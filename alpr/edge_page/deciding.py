"""From a form of the page to a decision on a hit. Pure; the rules themselves are `alpr.dispositions`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from alpr.errors import DispositionError
from alpr.types import Action, Disposition, Verdict

NO_REASON = {
    Verdict.MISREAD: "misread, the true text was not given",
    Verdict.DISMISSED: "dismissed, no reason was given",
    Verdict.STALE_ENTRY: "out of date, no reason was given",
}
"""Reasons of decisions that were made with one touch; whoever has more time states one afterwards."""
_AHEAD = timedelta(hours=12)
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)")
_MOST_CHARACTERS = 500


def disposition_from(form: Mapping[str, str], hit_id: str, user: str, now: datetime) -> Disposition:
    """Build the decision that a form says.

    Args:
        form: fields `verdict`, `action`, `reason`, `true_text`, `verified_with`, `verified_at` (a time of day).
        hit_id: of the hit that it is about.
        user: who is signed in.
        now: aware, in the device's own time zone.

    Raises:
        DispositionError: a field does not say what it should.
    """
    try:
        verdict, action = Verdict(form.get("verdict", "")), Action(form.get("action") or Action.NONE.value)
    except ValueError as error:
        raise DispositionError("this button is not known: load the page again") from error
    texts = {name: form.get(name, "").strip() for name in ("reason", "true_text", "verified_with")}
    for name, text in texts.items():
        if len(text) > _MOST_CHARACTERS:
            raise DispositionError(f"{name.replace('_', ' ')}: at most {_MOST_CHARACTERS} characters")
    reason = texts["reason"]
    if not reason and not texts["true_text"]:
        reason = NO_REASON.get(verdict, "")
    return Disposition(
        disposition_id=uuid.uuid4().hex,
        hit_id=hit_id,
        verdict=verdict,
        action=action,
        by=user,
        decided_at=now,
        reason=reason,
        verified_with=texts["verified_with"],
        verified_at=instant_from_clock(form.get("verified_at", ""), now),
        true_text=texts["true_text"] if verdict is Verdict.MISREAD else "",
    )


def instant_from_clock(text: str, now: datetime) -> datetime | None:
    """Return the last instant at which a clock showed a time of day; None for "".

    A time that is up to twelve hours ahead is a slip of the finger and not one of yesterday.

    Args:
        text: "23:58", also "2358".
        now: aware, in the zone of the clock.

    Raises:
        DispositionError: it is no time of day, or ahead.
    """
    if not text.strip():
        return None
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise DispositionError(f"{text.strip()[:20]!r} is no time of day: give it as 23:58")
    at = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    if at <= now:
        return at
    if at - now < _AHEAD:
        raise DispositionError(f"{at:%H:%M} is still to come: it is {now:%H:%M} now")
    return at - timedelta(days=1)
