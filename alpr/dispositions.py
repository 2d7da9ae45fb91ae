"""The rules that a decision on a hit must meet before it stands. Pure.

A hit alone is no ground to act on: whatever was done about one needs a verdict that it is correct, and the source
and time of a verification that came first.
"""

from __future__ import annotations

from dataclasses import replace

from alpr.errors import DispositionError
from alpr.plates import normalise
from alpr.types import Action, Disposition, Verdict

_REASONED = (Verdict.STALE_ENTRY, Verdict.DISMISSED)


def validate_disposition(disposition: Disposition, hit_text: str, *, is_withdrawn: bool) -> Disposition:
    """Return the decision with its texts stripped and its plate text normalised.

    Args:
        disposition: as the person gave it.
        hit_text: the plate's text according to the hit; "" skips the comparison with it.
        is_withdrawn: True where the hit no longer stands, so that no action may follow from it.

    Raises:
        DispositionError: what is missing or contradictory, and what to give instead.
    """
    tidy = replace(
        disposition,
        by=disposition.by.strip(),
        reason=disposition.reason.strip(),
        verified_with=disposition.verified_with.strip(),
        true_text=normalise(disposition.true_text),
    )
    for mistake in (_verdict_mistake(tidy, hit_text), _verification_mistake(tidy, is_withdrawn=is_withdrawn)):
        if mistake:
            raise DispositionError(f"hit {disposition.hit_id}: {mistake}")
    return tidy


def _verdict_mistake(said: Disposition, hit_text: str) -> str:
    if not said.by:
        return "the person who decides must be named"
    if said.verdict in _REASONED and not said.reason:
        return f"{said.verdict.value!r} needs a reason"
    if said.verdict is Verdict.MISREAD and not (said.reason or said.true_text):
        return "a misread needs the true text of the plate, or a reason why it is not known"
    if said.true_text and said.verdict is not Verdict.MISREAD:
        return f"the true text of the plate goes with 'misread', not with {said.verdict.value!r}"
    if said.true_text and said.true_text == hit_text:
        return f"the true text {hit_text} is the text that was read, so the hit is no misread"
    return ""


def _verification_mistake(said: Disposition, *, is_withdrawn: bool) -> str:
    if bool(said.verified_with) != (said.verified_at is not None):
        return "a verification needs both its source and its time"
    if said.verified_at is not None and said.verified_at > said.decided_at:
        return "the verification is later than the decision"
    return "" if said.action is Action.NONE else _action_mistake(said, is_withdrawn=is_withdrawn)


def _action_mistake(said: Disposition, *, is_withdrawn: bool) -> str:
    if said.verdict is not Verdict.CORRECT:
        return f"{said.action.value!r} goes only with the verdict 'correct', not with {said.verdict.value!r}"
    if said.verified_at is None:
        return f"{said.action.value!r} needs the source and the time of a verification that came first"
    if is_withdrawn:
        return "the hit was withdrawn, so no action may follow from it; give 'dismissed' with a reason"
    return ""
