"""The kinds of finding on the rows of a hotlist file, so that programs can count and filter them."""

from __future__ import annotations

from enum import StrEnum


class IssueCode(StrEnum):
    """Why a row was rejected or noted, where it is not simply a bad value.

    That is "bad-" and the field's name with hyphens, such as "bad-valid-to"; "bad-row" where the row has no fields.
    """

    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    """Past its validity."""
    IMPLAUSIBLE = "implausible-plate"
    """Not an ordinary plate of its region."""
    UNWRITTEN = "unwritten-letters"
    """Letters that no read can hold."""
    BROAD = "broad-pattern"
    """Wildcards that fit a great many plates."""
