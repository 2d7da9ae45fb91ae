"""Takes the browser's scripts that we serve, and those that only tests use, from npm by name and version.

    python -m tools.web_assets           # alpr/web/static/vendor anew, as SOURCES.json lists it
    python -m tools.web_assets axe       # build/npm/axe.min.js, for the tests in a browser

What SOURCES.json says is what is taken. To take another version, change it there and give `--update`, which writes
the new hashes; without it, a file of another hash is refused.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "alpr" / "web" / "static" / "vendor"
SOURCES = VENDOR / "SOURCES.json"
AXE = ("axe-core", "4.14.1", "axe.min.js")


def fetch(package: str, version: str, file: str) -> bytes:
    """Return one file of a package.

    Args:
        package: name on npm.
        version: exact.
        file: path within the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603 - names from our own file
            ["npm", "pack", "--silent", f"{package}@{version}"],  # noqa: S607
            cwd=folder,
            check=True,
            capture_output=True,
        )
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            member = archive.extractfile(f"package/{file}")
            if member is None:
                raise SystemExit(f"{package}@{version} has no file {file}")
            return member.read()


def main(words: list[str]) -> None:
    """Do what the command line says.

    Args:
        words: of it.
    """
    if "axe" in words:
        target = ROOT / "build" / "npm" / AXE[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(fetch(*AXE))
        return
    sources = json.loads(SOURCES.read_text())
    for name, source in sources.items():
        content = fetch(source["package"], source["version"], source["file"])
        found = hashlib.sha256(content).hexdigest()
        if "--update" in words:
            source["sha256"] = found
        elif found != source["sha256"]:
            raise SystemExit(f"{name}: its hash is {found}, expected {source['sha256']}")
        (VENDOR / name).write_bytes(content)
    SOURCES.write_text(json.dumps(sources, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
