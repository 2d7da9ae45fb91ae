"""What comes from elsewhere and is served by us is listed with its version, licence and hash, and is unchanged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "alpr" / "web" / "static" / "vendor"
LICENCES = {"0BSD", "MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC"}


def test_every_file_is_listed_and_as_it_was_taken() -> None:
    sources = json.loads((FOLDER / "SOURCES.json").read_text())
    assert {path.name for path in FOLDER.iterdir()} == {*sources, "SOURCES.json"}
    for name, source in sources.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == source["sha256"], name
        assert source["licence"] in LICENCES, name
        assert source["package"], name
        assert source["version"], name


def test_no_page_fetches_from_another_host() -> None:
    for folder in (ROOT / "alpr" / "web", ROOT / "alpr" / "edge_page"):
        for path in (*folder.rglob("*.html"), *folder.glob("static/*.*")):
            text = path.read_text().replace("http://www.w3.org/", "")
            assert "http://" not in text, path
            assert "https://" not in text, path
