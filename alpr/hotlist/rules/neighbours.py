"""Ranges of a sorted list in which all plates within one or two edits of a text are found. Pure.

The ranges hold other plates too: the distance of each is still to be checked.
"""

from __future__ import annotations

from alpr.types import ALPHABET

ENDING_LENGTH = 4
"""Number of characters of a plate's ending, last first, that are indexed."""


def openings_and_ending(text: str, edits: int) -> tuple[list[str], str]:
    """Return the openings, one of which every text within the edits begins with unless it ends with the ending.

    One edit leaves one half of a text as it was: the first half is the opening, the second gives the ending. Of two
    edits over three parts, either the first or the last part is as it was, or each of these has one and the middle
    none: the openings are the first part, and every one-edit variant of it followed by the middle.

    Args:
        text: normalised, of at least 4 characters for one edit and 6 for two.
        edits: 1 or 2.

    Returns:
        The openings, and the ending with its last character first, cut to `ENDING_LENGTH` characters.

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
    """Return all texts of A-Z and 0-9 at edit distance 1.

    Args:
        text: normalised.

    >>> variants = one_edit_variants("A")
    >>> len(variants), sorted(variants)[:4]
    (107, ['', '0', '0A', '1'])
    """
    variants = {text[:at] + text[at + 1 :] for at in range(len(text))}
    for char in ALPHABET:
        variants.update(text[:at] + char + text[at + 1 :] for at in range(len(text)))
        variants.update(text[:at] + char + text[at:] for at in range(len(text) + 1))
    return variants - {text}


def _reversed_ending(part: str) -> str:
    return part[::-1][:ENDING_LENGTH]
