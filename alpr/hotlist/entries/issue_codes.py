"""Codes of the issues with rows of a hotlist file, so that programs can count and filter them."""

from __future__ import annotations

from enum import StrEnum


class IssueCode(StrEnum):
    """Codes of rejections and notes other than for a bad value.

    The code of a bad value is "bad-" and the field's name with hyphens, such as "bad-valid-to"; "bad-row" if the
    error is about the row as a whole.
    """

    DUPLICATE = "duplicate"
    """An earlier row has the same plate, region and case reference."""
    EXPIRED = "expired"
    """The entry's validity is over."""
    IMPLAUSIBLE = "implausible-plate"
    """The plate is not an ordinary one of its region."""
    UNWRITTEN = "unwritten-letters"
    """The plate has letters that no read can hold, such as 京."""
    BROAD = "broad-pattern"
    """The plate is a pattern that a great many plates fit."""
    ODD = "odd-value"
    """A value that is not understood was left out, cut, or given to the officer as it is written."""
