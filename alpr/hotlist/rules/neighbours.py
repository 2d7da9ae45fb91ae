"""Where in a sorted list the plates within one or two edits of a text must stand. Pure.

What is found there is a superset: each plate is still to be checked.
"""

from __future__ import annotations

from alpr.types import ALPHABET

ENDING_LENGTH = 4
"""As many characters of a plate's ending, last first, are indexed."""


def openings_and_ending(text: str, edits: int) -> tuple[list[str], str]:
    """Every text within the edits begins with one of the openings, or its last characters begin with the ending.

    One edit leaves one half of a text as it was: the first half is the opening, the second gives the ending. Of two
    edits over three parts, either the first or the last part is as it was, or each of these has one and the middle
    none: the openings are the first part, and every one-edit variant of it followed by the middle.

    Args:
        text: at least 4 characters for one edit, 6 for two.
        edits: 1 or 2.

    Returns:
        The openings, and the ending, last character first, at most `ENDING_LENGTH` of it.

    >>> openings_and_ending("AB12CDE", 1)
    (['AB1'], 'EDC2')
    """
    if edits == 1:
        half = len(text) // 2
        return [text[:half]], _reversed_ending(text[half:])
    middle = max(1, len(text) // 4)
    first = (len(text) - middle + 1) // 2
    opening, inner, rest = text[:first], text[first : first + middle], text[first + middle :]
    return [opening, *(variant + inner for variant in sorted(one_edit_variants(opening)))], _reversed_ending(rest)


def one_edit_variants(text: str) -> set[str]:
    """All texts of A-Z and 0-9 at edit distance 1."""
    variants = {text[:at] + text[at + 1 :] for at in range(len(text))}
    for char in ALPHABET:
        variants.update(text[:at] + char + text[at + 1 :] for at in range(len(text)))
        variants.update(text[:at] + char + text[at:] for at in range(len(text) + 1))
    return variants - {text}


def _reversed_ending(part: str) -> str:
    return part[::-1][:ENDING_LENGTH]
