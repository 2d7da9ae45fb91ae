"""The reference page names every key at every depth."""

from __future__ import annotations

from alpr.config.reference import reference


def test_nested_keys_bounds_and_defaults() -> None:
    page = reference()
    for row in (
        "| `cameras.N.detect_every` | Look for plates in every n-th frame only. | whole number, ≥ 1, ≤ 100 | `1` |",
        "| `link.server_key` |",
        "| list of `hit` or `read` or `disposition` or `loss` or `alert` or `audit-head` | `[hit]` |",
        "| `cameras.N.mask` |",
        "| `detection_threshold` | Least confidence of a detection; null takes what the model's card recommends. "
        "| number, ≥ 0, ≤ 1 or null | null |",
        "| `device` | The computer that the cameras hang on. | block | required |",
    ):
        assert row in page
