"""The documents hang together: links lead somewhere, decisions are numbered and listed, cited files exist."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

import alpr.types
from tools.site.pages import OUTSIDE

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted(
    path
    for where in (".", "bench", "docs", "docs/decisions", "examples", "models", "samples", "training")
    for path in (ROOT / where).glob("*.md")
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CITED = re.compile(r"\bdocs/[\w./-]+\.md\b")
NAMED = re.compile(
    r"(?<![\w./-])((?:alpr|bench|configs|docs|examples|samples|tests|tools)/[\w./-]+\.\w{2,5})(?![\w*-])"
)
MADE_OF = {page: f"../{file}" for file, page in OUTSIDE.items()}
"""Pages of the site that are made of files outside docs/, as pages in docs/ link to them."""
SOURCES = [".py", ".yaml", ".yml", ".toml", ".txt", ".md", "Makefile"]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), flags=re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        goal = (page.parent / MADE_OF.get(name, name)).resolve() if name else page
        assert goal.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(goal), f"{page.name} links to {target}; {goal.name} has no such heading"


def test_decisions_are_numbered_without_gaps_and_named_like_their_files() -> None:
    files = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    for number, path in enumerate(files, start=1):
        assert re.fullmatch(rf"{number:04}-[a-z0-9-]+\.md", path.name), f"{path.name} should begin with {number:04}-"
        assert path.read_text().startswith(f"# {number}. "), (
            f"the title of {path.name} should begin with '# {number}. '"
        )


def test_every_decision_is_in_the_index_under_its_title() -> None:
    index = (DECISIONS / "README.md").read_text()
    for path in DECISIONS.glob("0*.md"):
        title = path.read_text().splitlines()[0].partition(". ")[2]
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index, (
            f"{path.name} is not in the index as it is titled"
        )


def test_code_and_pages_cite_documents_that_exist() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout: which files are the project's is not known")
    for name in tracked.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and name.endswith(tuple(SOURCES)):
            for cited in CITED.findall(path.read_text()):
                assert (ROOT / cited).exists(), f"{name} cites {cited}, which is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    for named in NAMED.findall(page.read_text()):
        assert (ROOT / named).exists(), f"{page.name} names {named}, which is not there"


def test_every_module_of_the_api_pages_defines_something() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
    named = re.findall(r"^::: ([\w.]+)$", pages, flags=re.MULTILINE)
    assert named
    for name in named:
        tree = ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text())
        defined = [part for part in tree.body if isinstance(part, ast.ClassDef | ast.FunctionDef)]
        assert [part for part in defined if not part.name.startswith("_")], f"{name} would be an empty page"


def test_the_glossary_gives_each_word_once_and_names_types_that_exist() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text().partition("## Retired words")[0]
    words = re.findall(r"^\| (?!word \|)([^|]+) \|", text, flags=re.MULTILINE)
    assert len(words) > 50
    assert len(set(words)) == len(words)
    for name in re.findall(r"`([A-Z][a-z]\w+)`", text):
        assert hasattr(alpr.types, name), f"the glossary names `{name}`, which is not in alpr.types"
