"""What users hold on to: public names, commands, examples."""

from __future__ import annotations

import importlib
import pkgutil

import click
import pytest
from click.testing import CliRunner

import alpr
from alpr.cli import _COMMANDS, cli, hotlist_options
from alpr.hotlist.files.formats import Format


def all_commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        found.append(path)
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                walk(child, (*path, name))

    walk(cli, ())
    return found


@pytest.mark.parametrize("name", alpr.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(alpr, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = alpr.nonsense


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.walk_packages(alpr.__path__, "alpr.") if "__main__" not in module.name]
)
def test_every_module_imports_and_says_what_lives_there(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), f"{name}.__all__ names {public}"


@pytest.mark.parametrize("path", all_commands(), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(cli, [*path, "--help"])
    assert answer.exit_code == 0, answer.output
    assert len(answer.output.split()) > 10


def test_every_listed_command_exists() -> None:
    assert {path[0] for path in all_commands() if path} == set(_COMMANDS)


def test_the_version_is_the_packages() -> None:
    assert alpr.__version__ in CliRunner().invoke(cli, ["--version"]).output


def test_the_command_line_offers_every_format_of_hotlists() -> None:
    assert sorted(hotlist_options._FORMATS) == sorted(Format)
