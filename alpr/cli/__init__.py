"""The command line: stdout is data, stderr is talk.

Exit 0 done, 1 an error we foresaw (one line), 2 usage, 3 a check that failed. Each command stands in a module of
its own, imported only when it is called. Knows arguments and how results are shown; what is done lies elsewhere.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Any

import click

from alpr.cli.output import log_to_stderr, log_what_nobody_catches, say, say_error
from alpr.cli.paths import refuse_empty_paths
from alpr.errors import AlprError
from alpr.system.printable import printable

_COMMANDS = {
    "audit": "show, verify: who looked at what, and whether the record is whole",
    "bench": "latency against the budget",
    "camera": "test: what a camera sends, how well plates show, what to change",
    "collector": "receive, store and serve what devices send",
    "demo": "one edge and one collector on the sample clip",
    "device": "new, enrol, list, revoke, rotate: which devices may connect to the collector, and their state",
    "doctor": "what is installed, which providers really run, models' hashes, clock, disk",
    "evaluate": "accuracy against labels",
    "forward": "state of webhooks and brokers",
    "hits": "list, dispose, export-misreads: what was hit, and what people decided on it",
    "hotlist": "import, list, status: the plates that are looked for",
    "key": "new, rotate: the collector's key pair",
    "page": "user: who may sign in on the officer's page of a device",
    "read": "read the plates in photographs or a video",
    "reload": "make a running device take its changed configuration",
    "route": "where a device has driven, from its own log",
    "run": "the main job: cameras in, reads and hits out",
    "stick": "device, collector: reads out and lists in by USB stick, signed and encrypted",
    "search": "find reads at the collector; every search is recorded",
}


_log = logging.getLogger(__name__)
_HEADLESS = (
    "for OpenCV's X libraries: pip uninstall opencv-python && pip install opencv-python-headless, which needs none"
)


class _LazyGroup(click.Group):
    """Imports `alpr.cli.<command>` when the command is called, so that `alpr --help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"alpr.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - each command module defines `command`
        refuse_empty_paths(command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what click finds wrong with its words is told as all else is."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise click.UsageError(printable(error.format_message()), error.ctx) from error
        except click.ClickException as error:
            raise click.ClickException(printable(error.format_message())) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Log more to stderr.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    envvar="ALPR_LOG_FORMAT",
    help="Of the log on stderr; also by the environment's ALPR_LOG_FORMAT.",
)
@click.version_option(package_name="alpr")
def cli(verbose: bool, log_format: str) -> None:
    """Reads licence plates where the cameras are."""
    log_to_stderr(logging.DEBUG if verbose else logging.INFO, as_json=log_format == "json")


def main() -> None:
    """Entry point of the `alpr` command."""
    log_what_nobody_catches()
    try:
        cli()
    except AlprError as error:
        say_error(error)
        sys.exit(1)
    except PermissionError as error:  # also of a mere look whether a file is there, in a folder that others own
        if error.filename is None:
            raise
        _log.debug("not permitted", exc_info=True)
        say(f"alpr: {error.filename}: {error.strerror}; check the owner and mode of it and of its folder")
        sys.exit(1)
    except ImportError as error:
        if "cannot open shared object file" not in str(error):
            raise
        say(f"alpr: a system library is missing ({error}); {_HEADLESS}")
        sys.exit(1)
