"""Paths on the command line: an empty one is a mistake (an unset variable in a script), never the current folder."""

from __future__ import annotations

from typing import Any

import click


class NamedPath(click.Path):
    """A path that is not empty.

    Args:
        like: the path whose other properties it has.
    """

    def __init__(self, like: click.Path) -> None:
        super().__init__()
        self.__dict__.update(like.__dict__)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert a word of the command line as `click.Path` does; an empty one is refused."""
        if value == "":
            self.fail("the path is empty; give a name, or . for the current folder", param, ctx)
        return super().convert(value, param, ctx)


def refuse_empty_paths(command: click.Command) -> None:
    """Make a command and all commands in it refuse empty paths.

    Args:
        command: changed in place.
    """
    for param in command.params:
        if isinstance(param.type, click.Path) and not isinstance(param.type, NamedPath):
            param.type = NamedPath(param.type)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            refuse_empty_paths(inner)
