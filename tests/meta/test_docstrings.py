"""Docstrings of what is public: a noun phrase or a verb first, and `Args:` where there are parameters."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.test_layers import PACKAGE, ROOT, modules

LEAST_SHARE = 0.8
"""Of the public functions with parameters, in each package, that explain them under `Args:`."""
RIDDLES = {
    *(
        "And",
        "As",
        "Asked",
        "But",
        "By",
        "Called",
        "For",
        "From",
        "How",
        "If",
        "In",
        "Of",
        "On",
        "Once",
        "Takes",
        "Than",
        "That",
    ),
    *("To", "Told", "What", "Whatever", "When", "Where", "Whether", "Which", "Who", "Whose", "Why", "With"),
}
"""First words that leave open what a thing is or does."""
Public = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_in(body: list[ast.stmt]) -> Iterator[Public]:
    """Functions and classes without an underscore, and those within such classes."""
    for node in body:
        if isinstance(node, Public) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_in(node.body)


def first_word(node: Public) -> str:
    words = (ast.get_docstring(node) or "").split()
    return words[0].strip(".,:;`\"'") if words else ""


def needs_args(node: Public) -> bool:
    """True for a function with parameters that somebody calls: no command of the command line, no overload."""
    if isinstance(node, ast.ClassDef):
        return False
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    is_called = not any(
        name in ast.dump(each) for each in node.decorator_list for name in ("click", "command", "overload")
    )
    return is_called and any(each.arg not in ("self", "cls") for each in given)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_docstring_begins_with_what_it_is_about(path: Path) -> None:
    for node in public_in(ast.parse(path.read_text(encoding="utf-8")).body):
        word = first_word(node)
        assert word not in RIDDLES, f"{node.name}: {word!r} …: begin with a verb or a noun phrase"


def test_public_functions_explain_their_parameters() -> None:
    explained = defaultdict[str, list[bool]](list)
    for path in modules():
        room = path.relative_to(PACKAGE).parts[0]
        for node in public_in(ast.parse(path.read_text(encoding="utf-8")).body):
            if needs_args(node):
                explained[room].append("Args:" in (ast.get_docstring(node) or ""))
    assert sum(map(len, explained.values())) > 500
    shares = {room: sum(each) / len(each) for room, each in explained.items()}
    assert not {room: share for room, share in shares.items() if share < LEAST_SHARE}


def test_the_check_sees_what_it_should() -> None:
    source = '''
class A:
    """What it is."""
    def f(self, x): "Of x."
    def _g(self, x): "Of x."
@click.command()
def command(x): "Do it."
def plain(x): "Do it."
def bare(): "Do it."
'''
    found = list(public_in(ast.parse(source).body))
    assert [node.name for node in found if first_word(node) in RIDDLES] == ["A", "f"]
    assert [node.name for node in found if needs_args(node)] == ["f", "plain"]
