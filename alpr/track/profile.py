"""The texts of one plate aligned with each other: slots, and what each text has in them. Grows; holds no readings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from alpr.track.reading_alignment import GAP, Rows, align_reading

_ALIKE_PLACES = 2  # texts of one length that differ in no more places than this lie the same way


class Profile:
    """A profile alignment: slots in which every text added so far has its characters, in order."""

    def __init__(self) -> None:
        self._mass: Rows = np.zeros((0, GAP + 1))  # per slot: the weighted sum of the rows in it
        self._present: Rows = np.zeros(0)  # per slot: the weight that has a character in it
        self._total = 0.0
        self._first = ""
        self._slots_of: dict[str, npt.NDArray[np.intp]] = {}

    def __len__(self) -> int:
        """Return the number of slots."""
        return len(self._mass)

    def slots_of(self, text: str) -> npt.NDArray[np.intp]:
        """Return the slot of each character of a text.

        Args:
            text: added before, else KeyError is raised.
        """
        return self._slots_of[text]

    def add(self, text: str, rows: Rows, weight: float) -> None:
        """Align another text with the slots, inserting those that only it needs.

        Args:
            text: not added before, not empty.
            rows: (n, 37), the weighted mean of the rows of its readings.
            weight: sum over these readings, positive.
        """
        pairs = self._pairs(text, rows)
        spoken = np.array([slot for slot, (_, char) in enumerate(pairs) if char is not None])
        if len(pairs) > len(self):
            self._put_in(
                np.array([slot for slot, (old, _) in enumerate(pairs) if old is not None], np.intp), len(pairs)
            )
        self._mass[spoken] += weight * rows
        self._present[spoken] += weight
        self._total += weight
        self._first = self._first or text
        self._slots_of[text] = spoken

    def _pairs(self, text: str, rows: Rows) -> list[tuple[int | None, int | None]]:
        if not self._slots_of:
            return [(None, position) for position in range(len(text))]
        if len(self) == len(self._first) == len(text):
            differing = sum(a != b for a, b in zip(self._first, text, strict=True))
            if differing <= _ALIKE_PLACES:
                return [(position, position) for position in range(len(text))]
        mean = self._mass / self._total
        mean[:, GAP] += 1.0 - self._present / self._total
        return align_reading(mean, rows)

    def _put_in(self, kept_at: npt.NDArray[np.intp], length: int) -> None:
        """Extend to `length` slots; those that exist move to `kept_at`."""
        mass, present = np.zeros((length, GAP + 1)), np.zeros(length)
        mass[kept_at], present[kept_at] = self._mass, self._present
        self._mass, self._present = mass, present
        self._slots_of = {text: kept_at[slots] for text, slots in self._slots_of.items()}
