"""`branchline bench`: figures anybody can measure again."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

EPILOG = """
\b
Example:
  branchline bench latency --calls 20 --lines 1 --json
"""


@click.group(name="bench", epilog=EPILOG)
def command() -> None:
    """Measure the box on this machine."""


@command.command(epilog=EPILOG)
@click.option("--calls", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--lines", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en", "both"]), default="both", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def latency(calls: int, lines: int, lang: str, as_json: bool) -> None:
    """Time how fast simulated people are answered, from what they heard.

    Every figure is read off the recording at the far end of a real SIP call, sample by
    sample; `stages` are the box's own notes and say where the time went.
    """
    from daemon.bench.latency import prepare, run
    from daemon.config import load_config
    from daemon.log import configure_logging

    configure_logging("WARNING")
    langs = ("zh", "en") if lang == "both" else (lang,)
    config = load_config()
    progress = Progress(console=Console(stderr=True), transient=True)
    with progress:
        voices = progress.add_task("Voices", total=None)
        prepare(config, langs, lambda: progress.advance(voices))
        task = progress.add_task("Calls", total=calls)
        figures = run(
            config, calls=calls, lines=lines, langs=langs, done=lambda: progress.advance(task)
        )
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
        return
    table = Table(title=f"{calls} calls over {lines} line(s)")
    for column in ("milliseconds", "n", "p50", "p95", "max"):
        table.add_column(column, justify="right")
    for name, row in {**figures, **figures["stages"]}.items():
        if isinstance(row, dict) and "p50" in row:
            table.add_row(name, *(str(row[key]) for key in ("n", "p50", "p95", "max")))
    Console().print(table)
