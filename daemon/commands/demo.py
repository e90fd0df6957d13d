"""`branchline demo`: what `make demo` runs."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from daemon import paths
from daemon.config import load_config
from daemon.errors import BranchlineError

if TYPE_CHECKING:
    from daemon.app import Box
    from daemon.demo import Skipped
    from daemon.store.rows import CallRow, LeadRow
    from hw.sim.personas import Persona

EPILOG = """
\b
Examples:
  branchline demo                  both languages, two lines at once
  branchline demo --lang zh --hold Mandarin only; the page stays up until Ctrl-C

Run it twice: whoever said "stop calling me" is not called again, and
`branchline leads why NUMBER` says which call that was.
"""

ANY_PORT = 0


@click.command(name="demo", epilog=EPILOG)
@click.option("--lang", type=click.Choice(["zh", "en", "both"]), default="both", show_default=True)
@click.option("--hold", is_flag=True, help="Keep the status page up afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Events and results as JSON lines.")
def command(lang: str, hold: bool, as_json: bool) -> None:
    """Call simulated people over loopback SIP and talk with them.

    Nothing is hardware, everything else is real: SIP and RTP between two processes,
    G.711, recognition, dialogue, synthesis, the database, the status page.
    """
    from daemon import demo
    from daemon.console import JsonPrinter, TranscriptPrinter, prepare_prompts
    from daemon.log import configure_logging
    from daemon.rehearsal import Rehearsal, people

    configure_logging("WARNING")
    console = Console(highlight=False, stderr=False)
    langs = ("zh", "en") if lang == "both" else (lang,)
    demo.choose_state()
    config = load_config()
    personas = demo.cast(people(langs), langs)
    prepare_voices(personas)
    with (
        Rehearsal(personas, config, channels=len(langs)) as box,
        status_page(config.web.port) as url,
    ):
        demo.enlist(box.store, personas)
        prepare_prompts(box, [(demo.SCENARIO, each) for each in langs])
        skipped = demo.skipped(box.store, box)
        if not as_json:
            console.print(f"\nThe status page shows these calls live: [bold]{url}[/]\n")
            show_skipped(skipped, console)
        listener = JsonPrinter(console) if as_json else TranscriptPrinter(console, label(box))
        called = demo.run(box, listener)
        report(called, skipped, url, console, as_json=as_json)
        if hold and not as_json:
            console.print("The page stays up; Ctrl-C ends it.")
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    if not called and not skipped:
        raise BranchlineError("nobody was called and nobody was skipped: see the log above")


def label(box: Box) -> Callable[[str], str]:
    """Number and language in front of each line: calls on two lines are printed mixed."""

    @cache
    def of_call(call_id: str) -> str:
        call = box.store.call(call_id)
        return f"{call.lang} {call.number[-3:]}  "

    return of_call


def prepare_voices(personas: list[Persona]) -> None:
    """Speak the simulated people's lines before any call, with a progress bar."""
    from daemon.rehearsal import render_voices, voices_dir
    from hw.sim.personas import lines
    from models.registry import Registry
    from models.tts import load_synthesiser

    registry = Registry(None, paths.models_dir())
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Voices of the simulated people", total=len(lines(personas)))
        render_voices(
            personas,
            lambda lang: load_synthesiser(registry, lang),
            voices_dir(),
            lambda: progress.advance(task),
        )


@contextlib.contextmanager
def status_page(port: int) -> Iterator[str]:
    """The page as a process of its own, on the usual port or on any free one."""
    process, url = start_page(port)
    if not url:
        process, url = start_page(ANY_PORT)
    try:
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def start_page(port: int) -> tuple[subprocess.Popen[str], str]:
    """Start the page; its address, or "" if the port is taken."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", "web", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def show_skipped(skipped: list[Skipped], console: Console) -> None:
    """Say who is not called, and why."""
    for lead in skipped:
        console.print(f"not called: {lead.number}: {lead.rule} ({lead.detail})", style="magenta")


def report(
    called: list[tuple[LeadRow, CallRow]],
    skipped: list[Skipped],
    url: str,
    console: Console,
    *,
    as_json: bool,
) -> None:
    """What came of it, and where to look."""
    if as_json:
        for lead, call in called:
            line = {
                "number": lead.number,
                "persona": lead.fields.get("persona"),
                "call_id": call.id,
                "disposition": call.disposition,
                "outcome": call.outcome,
                "duration_ms": call.duration_ms,
            }
            console.out(json.dumps(line, ensure_ascii=False), highlight=False)
        for one in skipped:
            line = {"number": one.number, "skipped_by": one.rule, "detail": one.detail}
            console.out(json.dumps(line, ensure_ascii=False), highlight=False)
        return
    table = Table(title="What came of it", box=None, pad_edge=False)
    for column in ("number", "who", "disposition", "outcome", "talked"):
        table.add_column(column, no_wrap=True)
    for lead, call in called:
        talked = f"{(call.duration_ms or 0) / 1000:.0f} s"
        who = lead.fields.get("persona", "")
        table.add_row(lead.number, who, call.disposition, call.outcome, talked)
    for one in skipped:
        table.add_row(one.number, "", "not called", one.rule, "")
    console.print(table)
    console.print(f"\npage        {url}", f"database    {paths.database_file()}", sep="\n")
    console.print(f"recordings  {paths.recordings_dir()}")
    number = next((lead.number for lead, call in called if call.outcome == "do_not_call"), "")
    number = number or next((one.number for one in skipped), "NUMBER")
    console.print(f"why         branchline leads why {number}")
