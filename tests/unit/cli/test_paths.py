"""An empty path is refused by every command; `alpr read ""` read the current folder."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from alpr.cli import cli
from alpr.cli.paths import NamedPath


def paths_of(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, click.Parameter]]:
    for param in command.params:
        if isinstance(param.type, click.Path):
            yield " ".join((*words, str(param.name))), param
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from paths_of(inner, (*words, name))


@pytest.mark.parametrize(("name", "param"), list(paths_of(cli, ())))
def test_every_path_of_the_command_line_is_refused_where_it_is_empty(name: str, param: click.Parameter) -> None:
    assert isinstance(param.type, NamedPath), name
    with pytest.raises(click.BadParameter, match="the path is empty"):
        param.type.convert("", param, None)


def test_reading_nothing_is_a_wrong_use() -> None:
    answer = CliRunner().invoke(cli, ["read", ""])
    assert answer.exit_code == 2
    assert "the path is empty; give a name, or . for the current folder" in answer.stderr
