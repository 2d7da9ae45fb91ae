"""PlateRecogniser: rectified patches in, text with probabilities out, by one ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from alpr.errors import ModelError
from alpr.models.provider import open_model
from alpr.models.session import Model
from alpr.models.variant import Variant, choose_variant
from alpr.ocr.ctc import decode
from alpr.ocr.format_prior import apply_format_prior
from alpr.plate_formats import fits_format
from alpr.system.shipped import shipped
from alpr.types import ALPHABET, FloatArray, Image, PlateText

_MIN_REGION_CONFIDENCE = 0.5
_NEGLIGIBLE = 1e-3
_CANDIDATES = 5
_LINES = 2  # the steps of the whole plate or of its upper line, then as many of the lower (decision 3)
_FORMAT_EVIDENCE = {True: 1.0, None: 0.5, False: 0.03}
"""Likelihood of a text that fits, is not covered by, or breaks a region's format, relative to one that fits."""


class Recogniser(Protocol):
    """Reads patches: the interface of every OCR engine."""

    @property
    def model_id(self) -> str:
        """`NAME@first 12 hex digits of the SHA-256`: names the model in its reads."""

    @property
    def patch_size_wh(self) -> tuple[int, int]:
        """Width and height of the patches that it takes, pixels."""

    @property
    def margin(self) -> tuple[float, float]:
        """Share of the plate's width and height that a patch shows around it on each side."""

    def recognise(self, patches: Sequence[Image]) -> list[PlateText]:
        """Read the text of each patch, in order.

        Args:
            patches: each (height, width, 3) uint8 BGR, of `patch_size_wh`, cut with `margin` around the plate.
        """


class PlateRecogniser:
    """Reads plates by the shipped ONNX recogniser or one with the same card.

    The model takes uint8 BGR (N, 48, 160, 3) and gives `char_probabilities` (N, T, 37), blank first, and
    `region_probabilities` (N, R) in the order of the card's `regions`.

    Args:
        path: model file or card; None takes the shipped one.
        variant: of the shipped model; a model that is named by its path runs as it is.
        provider: the processor to run on; a key of `alpr.models.provider.PROVIDERS`.

    Raises:
        ModelError: see `alpr.models.variant.choose_variant` and `alpr.models.provider.open_model`.
    """

    def __init__(
        self, path: Path | None = None, *, variant: Variant | str = Variant.AUTO, provider: str = "cpu"
    ) -> None:
        path = path or choose_variant(shipped("models"), "recogniser", variant, provider=provider).path
        self.model: Model = open_model(path, "recogniser", provider=provider)
        card = self.model.card
        try:
            shape, margin = card.fields["input"]["shape"], card.fields["input"]["margin"]
            self._size_wh = (int(shape[2]), int(shape[1]))
            self._margin = (float(margin[0]), float(margin[1]))
            self._regions = [str(region) for region in card.fields["regions"]]
            alphabet = str(card.fields["alphabet"])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelError(
                f"model card {card.path}: a recogniser needs input.shape, input.margin, regions and alphabet"
            ) from error
        if alphabet != ALPHABET:
            raise ModelError(f"model card {card.path}: alphabet is {alphabet!r}, expected {ALPHABET!r}")

    @property
    def model_id(self) -> str:
        """`NAME@first 12 hex digits of the SHA-256`: names the model in its reads."""
        return self.model.card.model_id

    @property
    def patch_size_wh(self) -> tuple[int, int]:
        """Width and height of the patches that it takes, pixels."""
        return self._size_wh

    @property
    def margin(self) -> tuple[float, float]:
        """Share of the plate's width and height that a patch shows around it on each side."""
        return self._margin

    def recognise(self, patches: Sequence[Image]) -> list[PlateText]:
        """Read the text of each patch, in order.

        Args:
            patches: each (48, 160, 3) uint8 BGR, cut with `margin` around the plate.

        Raises:
            ModelError: the runtime failed.
        """
        if not patches:
            return []
        outputs = self.model.run(np.stack(patches))
        return [
            self._with_region(decode(steps, max_candidates=_CANDIDATES, lines=_LINES), regions)
            for steps, regions in zip(outputs["char_probabilities"], outputs["region_probabilities"], strict=True)
        ]

    def _with_region(self, plate: PlateText, probabilities: FloatArray) -> PlateText:
        if not plate.text:
            return plate
        by_look = {
            region: share
            for region, share in zip(self._regions, probabilities.tolist(), strict=True)
            if share > _NEGLIGIBLE
        }
        plate = apply_format_prior(plate, by_look)
        region, confidence = most_likely_region(by_look, plate.text)
        if confidence < _MIN_REGION_CONFIDENCE:
            return plate
        return replace(plate, region=region, region_confidence=confidence)


def most_likely_region(by_look: Mapping[str, float], text: str) -> tuple[str, float]:
    """Return the most likely region and its probability; a country where its states are too close.

    By Bayes' rule, with the national format as evidence and no more: a text that breaks a region's format makes the
    region unlikely, not impossible, since formats change and readers err.

    Args:
        by_look: probability of each by the look of the plate, summing to at most 1; names such as "DE" or "US-NY".
        text: normalised text of the plate.

    >>> most_likely_region({"GB": 0.5, "BR": 0.5}, "AB12CDE")[0]
    'GB'
    """
    weighed = {region: p * _FORMAT_EVIDENCE[fits_format(text, region)] for region, p in by_look.items()}
    total = sum(weighed.values()) or 1.0
    shares = {region: weight / total for region, weight in weighed.items()}
    best = max(shares, key=shares.__getitem__, default="")
    if not best or shares[best] >= _MIN_REGION_CONFIDENCE:
        return best, shares.get(best, 0.0)
    countries: dict[str, float] = {}
    for region, share in shares.items():
        country = region.partition("-")[0]
        countries[country] = countries.get(country, 0.0) + share
    country = max(countries, key=countries.__getitem__)
    return country, countries[country]
