"""Which plates pass a camera: a model of their form and characters, made from plates of the same place. Pure."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from alpr.types import ALPHABET

ODD_SHARE = 0.01
"""Of plates that follow none of the forms (personal, foreign, misread): an assumption. Any characters, any order."""
_CLASS = {char: "d" if char.isdigit() else "l" for char in ALPHABET}
_MEMBERS = {"d": ALPHABET[:10], "l": ALPHABET[10:]}
_MOST_SAMPLED = 200_000


@dataclass(frozen=True, slots=True)
class PlateModel:
    """Plates by form (which places are letters, which digits), and each place's characters independent of the rest.

    What is registered is a thinned-out sample of what the form allows; so long as who gets which number has nothing
    to do with the list, the mean over the form is the mean over the registered.
    """

    forms: dict[str, float]
    """Such as "llldddd" → its share."""
    places: dict[str, tuple[dict[str, float], ...]]
    """Form → by place, each character's share."""
    lengths: dict[int, float]
    """Of the odd ones."""

    @classmethod
    def of(cls, plates: Iterable[str]) -> Self:
        """From plates, each counting once; characters not seen at a place count as half of one.

        Raises:
            ValueError: there are none.
        """
        by_form: defaultdict[str, list[str]] = defaultdict(list)
        for number, plate in enumerate(plates):
            if number < _MOST_SAMPLED:
                by_form["".join(map(_CLASS.__getitem__, plate))].append(plate)
        total = sum(map(len, by_form.values()))
        if not total:
            raise ValueError("a plate model needs at least one plate")
        lengths = Counter(len(form) for form in by_form)
        places = {
            form: tuple(_shares(form, plates, at) for at in range(len(form))) for form, plates in by_form.items()
        }
        return cls(
            {form: len(plates) / total * (1 - ODD_SHARE) for form, plates in by_form.items()},
            places,
            {length: count / len(by_form) for length, count in lengths.items()},
        )

    def probability(self, text: str) -> float:
        """That the next car has this plate."""
        form = "".join(map(_CLASS.__getitem__, text))
        probability = self.forms.get(form, 0.0)
        if probability:
            for place, char in zip(self.places[form], text, strict=True):
                probability *= place[char]
        return probability + ODD_SHARE * self.lengths.get(len(text), 0.0) / float(len(ALPHABET) ** len(text))

    def sample(self, rng: random.Random) -> str:
        """The plate of a car."""
        if rng.random() < ODD_SHARE:
            (length,) = rng.choices(list(self.lengths), list(self.lengths.values()))
            return "".join(rng.choices(ALPHABET, k=length))
        (form,) = rng.choices(list(self.forms), list(self.forms.values()))
        return "".join(rng.choices(list(place), list(place.values()))[0] for place in self.places[form])


def _shares(form: str, plates: list[str], place: int) -> dict[str, float]:
    counts = Counter(plate[place] for plate in plates)
    members = _MEMBERS[form[place]]
    whole = len(plates) + len(members) / 2
    return {char: (counts[char] + 0.5) / whole for char in members}
