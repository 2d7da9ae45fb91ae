"""TileTurns: which tile of a frame is enlarged next. Pure."""

from __future__ import annotations

from collections.abc import Collection

from alpr.detect.refine import TILES


class TileTurns:
    """The tiles take turns; while one shows a plate, it has every second turn."""

    def __init__(self) -> None:
        self._next = 0
        self._held: int | None = None
        self._is_helds_turn = False

    def take(self, among: Collection[int] = range(TILES)) -> int:
        """Return the tile whose turn it is.

        Args:
            among: the tiles that may be looked at, at least one.
        """
        self._is_helds_turn = self._held in among and not self._is_helds_turn
        if self._held is not None and self._is_helds_turn:
            return self._held
        while self._next not in among:
            self._next = (self._next + 1) % TILES
        tile, self._next = self._next, (self._next + 1) % TILES
        return tile

    def note(self, tile: int, *, shows_plates: bool) -> None:
        """Take over what came of a look.

        Args:
            tile: the one that was looked at.
            shows_plates: True where it shows a plate.
        """
        if shows_plates:
            self._held = tile
        elif tile == self._held:
            self._held = None
