"""What is said about licences is what the model cards say."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TERMS = ROOT / "models" / "LICENSE.md"
NETWORKS = ("detector", "recogniser")


def sources_of(name: str) -> list[dict[str, object]]:
    """The sources that a model card names, the long list of typefaces cut off."""
    sources: list[dict[str, object]] = yaml.safe_load((ROOT / "models" / f"{name}.yaml").read_text())["trained_on"]
    return [{**source, "source": str(source["source"]).partition("; faces")[0]} for source in sources]


def test_the_terms_of_the_weights_list_every_source_of_the_cards() -> None:
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for name in NETWORKS:
        for source in sources_of(name):
            counts[str(source["source"]), str(source["licence"])][name] = int(str(source["samples"]))
    said = {
        line for line in TERMS.read_text().splitlines() if line.startswith("| ") and not line.startswith("| source |")
    }
    stated = {
        f"| {source} | {licence} | " + " | ".join(f"{of[n]:,}" if n in of else "–" for n in NETWORKS) + " |"
        for (source, licence), of in counts.items()
    }
    assert said == stated


@pytest.mark.parametrize("name", NETWORKS)
def test_the_int8_variant_states_the_sources_of_the_network_it_was_made_from(name: str) -> None:
    assert sources_of(f"{name}.int8") == sources_of(name)


def test_the_sources_under_agpl_or_without_a_licence_are_named_to_the_owner() -> None:
    text = TERMS.read_text()
    for name in NETWORKS:
        for source in sources_of(name):
            if source["licence"] == "none" or "AGPL" in str(source["licence"]):
                assert f"`{source['source']}`" in text.partition("## Sources")[0], (
                    f"{source['source']} goes unmentioned"
                )
    crops = sum(int(str(s["samples"])) for s in sources_of("recogniser") if "AGPL" in str(s["licence"]))
    assert f"{crops:,} crops" in text
    assert not any("AGPL" in str(s["licence"]) for s in sources_of("detector"))


def test_the_licence_is_the_full_text_of_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert re.search(r"Apache License\s+Version 2.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text
