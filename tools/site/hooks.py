"""Called by mkdocs: puts the pages that are made of files outside docs/ among the others."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # mkdocs runs this file, not the package

from tools.site.pages import OUTSIDE, page_of  # noqa: E402


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for file, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=page_of(file, (ROOT / file).read_text())))
    return files
