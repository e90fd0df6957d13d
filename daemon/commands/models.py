"""`branchline models`: fetch, list, verify and bundle models."""

from __future__ import annotations

import json
from pathlib import Path

import click

from daemon.paths import models_dir
from models.base import ModelError
from models.registry import Registry


@click.group(
    epilog="Example: `branchline models pull` on a box with a network, or "
    "`branchline models bundle /mnt/usb` there and "
    "`branchline models pull --from /mnt/usb` on a box without."
)
def command() -> None:
    """Fetch, list, verify and bundle models.

    A model's files are checked against hashes that ship with Branchline; a file that
    does not match is never used.
    """


@command.command(epilog="Example: branchline models pull whisper-base en-us-joe")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the files from this directory (written by `models bundle`), not the network.",
)
def pull(names: tuple[str, ...], source: Path | None) -> None:
    """Fetch models; without a NAME those that the demo and a first campaign need.

    What is already here is kept, and a download that broke off is continued.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    registry = Registry(None, models_dir())
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]

        fetched = registry.pull(names, show, source)
    for name in names or registry.defaults():
        click.echo(f"{name}: {'fetched and verified' if name in fetched else 'already here'}")
        _warn_evaluation(registry, name)


@command.command("list", epilog="Example: branchline models list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per model.")
def list_models(as_json: bool) -> None:
    """List every model: what it is for, its licence, whether it is here."""
    registry = Registry(None, models_dir())
    if as_json:
        for name, spec in registry.specs.items():
            row = {
                "name": name,
                "purpose": spec.purpose,
                "languages": list(spec.languages),
                "licence": spec.licence,
                "evaluation_only": spec.evaluation_only,
                "default": spec.default,
                "size_bytes": spec.size,
                "installed": registry.installed(name),
            }
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "lang", "MB", "here"):
        table.add_column(heading, no_wrap=True)
    table.add_column("purpose")
    table.add_column("licence")
    for name, spec in registry.specs.items():
        licence = f"EVALUATION ONLY: {spec.licence}" if spec.evaluation_only else spec.licence
        here = "yes" if registry.installed(name) else ""
        languages = " ".join(spec.languages)
        table.add_row(name, languages, str(spec.size >> 20), here, spec.purpose, licence)
    Console().print(table)


@command.command(epilog="Example: branchline models verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def verify(names: tuple[str, ...]) -> None:
    """Hash the installed models anew; exit code 1 if one is damaged."""
    registry = Registry(None, models_dir())
    found = registry.verify(names)
    for name, state in found.items():
        click.echo(f"{name}: {state}")
    damaged = [name for name, state in found.items() if state not in ("ok", "missing")]
    if names:
        damaged += [name for name in names if found[name] == "missing"]
    if damaged:
        again = " ".join(damaged)
        raise ModelError(f"not usable: {again}; fetch with `branchline models pull {again}`")


@command.command(epilog="Example: branchline models bundle /mnt/usb")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", nargs=-1, metavar="[NAME]...")
def bundle(directory: Path, names: tuple[str, ...]) -> None:
    """Copy installed models to DIRECTORY, for `pull --from` on a box without a network."""
    registry = Registry(None, models_dir())
    for name in registry.bundle(directory, names):
        click.echo(f"{name}: copied to {directory / name}")
        _warn_evaluation(registry, name)


def _warn_evaluation(registry: Registry, name: str) -> None:
    spec = registry.spec(name)
    if spec.evaluation_only:
        click.echo(f"  note: {name} is for evaluation only: {spec.licence}", err=True)
