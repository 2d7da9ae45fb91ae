"""Model of the plates that pass a camera: their forms and characters, made from plates of the same region. Pure."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from alpr.types import ALPHABET

ODD_SHARE = 0.01
"""Share of plates that follow none of the forms (personal, foreign, misread), of any characters: an assumption."""
_CLASS = {char: "d" if char.isdigit() else "l" for char in ALPHABET}
_MEMBERS = {"d": ALPHABET[:10], "l": ALPHABET[10:]}
_MOST_SAMPLED = 200_000


@dataclass(frozen=True, slots=True)
class PlateModel:
    """Probabilities of plates by form (which positions are letters or digits); positions are taken as independent.

    Registered plates are a thinned-out sample of what a form allows. As long as the number that a car gets has
    nothing to do with the list, the mean over the form is the mean over the registered plates.
    """

    forms: dict[str, float]
    """Form, such as "llldddd" → share of plates that have it, in [0, 1]."""
    characters: dict[str, tuple[dict[str, float], ...]]
    """Form → for each position, character → its share, in [0, 1]."""
    lengths: dict[int, float]
    """Length of plates that follow no form → its share, in [0, 1]."""

    @classmethod
    def of(cls, plates: Iterable[str]) -> Self:
        """Make a model from plates.

        Args:
            plates: normalised, of one region; each counts once, the first 200,000. A character that never appears at
                a position of a form counts as half a plate.

        >>> model = PlateModel.of(["ABC123", "ABD456"])
        >>> model.forms, model.probability("ABC456") > model.probability("XYZ789") > 0
        ({'lllddd': 0.99}, True)

        Raises:
            ValueError: there are no plates.
        """
        by_form: defaultdict[str, list[str]] = defaultdict(list)
        for number, plate in enumerate(plates):
            if number < _MOST_SAMPLED:
                by_form["".join(map(_CLASS.__getitem__, plate))].append(plate)
        total = sum(map(len, by_form.values()))
        if not total:
            raise ValueError("a plate model needs at least one plate")
        lengths = Counter(len(form) for form in by_form)
        characters = {
            form: tuple(_shares(form, plates, at) for at in range(len(form))) for form, plates in by_form.items()
        }
        return cls(
            {form: len(plates) / total * (1 - ODD_SHARE) for form, plates in by_form.items()},
            characters,
            {length: count / len(by_form) for length, count in lengths.items()},
        )

    def probability(self, text: str) -> float:
        """Return the probability, in [0, 1], that the next car has a plate.

        Args:
            text: the plate, normalised.
        """
        form = "".join(map(_CLASS.__getitem__, text))
        probability = self.forms.get(form, 0.0)
        if probability:
            for shares, char in zip(self.characters[form], text, strict=True):
                probability *= shares[char]
        return probability + ODD_SHARE * self.lengths.get(len(text), 0.0) / float(len(ALPHABET) ** len(text))

    def sample(self, rng: random.Random) -> str:
        """Return a random plate, drawn by its probability.

        Args:
            rng: source of randomness.
        """
        if rng.random() < ODD_SHARE:
            (length,) = rng.choices(list(self.lengths), list(self.lengths.values()))
            return "".join(rng.choices(ALPHABET, k=length))
        (form,) = rng.choices(list(self.forms), list(self.forms.values()))
        return "".join(rng.choices(list(shares), list(shares.values()))[0] for shares in self.characters[form])


def _shares(form: str, plates: list[str], position: int) -> dict[str, float]:
    counts = Counter(plate[position] for plate in plates)
    members = _MEMBERS[form[position]]
    whole = len(plates) + len(members) / 2
    return {char: (counts[char] + 0.5) / whole for char in members}
