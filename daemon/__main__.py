"""The command line: `branchline COMMAND`. Each command lives in daemon/commands/."""

from __future__ import annotations

import importlib
import sys

import click

from daemon.errors import BranchlineError
from hw.base import LineError
from models.base import ModelError

COMMANDS = {
    "asr": "Recognise speech in audio files.",
    "bench": "Measure latency on simulated calls.",
    "call": "Place one call and talk.",
    "campaign": "List, start and stop campaigns.",
    "demo": "Call simulated people over loopback SIP and show what happens.",
    "leads": "Import and list leads; say why one is or is not called.",
    "models": "Fetch, list, verify and bundle models.",
    "run": "Run the daemon (what systemd starts).",
    "tts": "Speak a text into a WAV file.",
    "web": "Run the status page.",
}


class LazyGroup(click.Group):
    """Loads a command's module only when it is used, so that --help is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import daemon.commands.NAME and return its `command`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"daemon.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands from the table, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="branchline")
def cli() -> None:
    """Branchline calls the people on a list and talks with them, on this box alone.

    Try `branchline demo` first: real calls over loopback SIP, no hardware needed.
    """


def main() -> None:
    """Run a command; errors of ours are one clear line and exit code 1."""
    try:
        cli()
    except (BranchlineError, LineError, ModelError) as error:
        click.echo(f"branchline: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
