"""Calls on a terminal: the transcript as it happens, and the same as JSON lines."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from daemon.events import (
    CallEvent,
    Dialled,
    Effected,
    Heard,
    HungUp,
    Interrupted,
    PickedUp,
    Pressed,
    Rang,
    Said,
    Trouble,
)

if TYPE_CHECKING:
    from daemon.app import Box


def prepare_prompts(box: Box, wanted: Sequence[tuple[str, str]]) -> None:
    """Load the models and render the fixed prompts, with a progress bar on stderr.

    `wanted` are (scenario, language) pairs.
    """
    total = sum(len(box.engine(*pair).cached_sentences()) for pair in wanted)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Models and prompts", total=total)
        box.prepare(wanted, lambda: progress.advance(task))


class TranscriptPrinter:
    """Prints each turn as it is spoken, with intent, layer and latency. Thread-safe."""

    def __init__(self, console: Console, label: Callable[[str], str] = lambda _: "") -> None:
        """`label` gives what stands in front of each line of a call, by its id."""
        self._console, self._label = console, label
        self._lock = threading.Lock()

    def __call__(self, call_id: str, event: CallEvent) -> None:
        """Show one event, if a person would want to see it."""
        line = describe(event)
        if line is None:
            return
        with self._lock:
            self._console.print(Text(self._label(call_id), style="dim") + line, soft_wrap=True)


class JsonPrinter:
    """Prints every event as one JSON object a line. Thread-safe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()

    def __call__(self, call_id: str, event: CallEvent) -> None:
        """Print one event."""
        line = {"call_id": call_id, "event": event.kind, "at_ms": event.at_ms, **event.payload()}
        with self._lock:
            self._console.out(json.dumps(line, ensure_ascii=False), highlight=False)


def describe(event: CallEvent) -> Text | None:
    """One event as a line of the transcript, or None for what is only of technical interest."""
    at = f"{event.at_ms / 1000:7.2f} s  " if event.at_ms >= 0 else "           "
    match event:
        case Said():
            after = f"  ({event.latency_ms} ms)" if event.latency_ms >= 0 else ""
            return Text(at, "dim") + Text(f"us    {event.text}", "cyan") + Text(after, "bold green")
        case Heard():
            meaning = f"  [{event.intent}/{event.layer}, recognised in {event.decode_ms:.0f} ms]"
            text = event.text or "(nothing understood)"
            return Text(at, "dim") + Text(f"them  {text}", "yellow") + Text(meaning, "dim")
        case Pressed():
            return Text(at, "dim") + Text(f"them  [key {event.digit}]  [{event.intent}]", "yellow")
        case Interrupted():
            return Text(f"{at}      (they interrupt: we stop)", "magenta")
        case Effected():
            return Text(f"{at}      -> {event.effect}: {event.detail}", "bold magenta")
        case _:
            return _progress(event, at)


def _progress(event: CallEvent, at: str) -> Text | None:
    match event:
        case Dialled():
            return Text(f"{at}dialling on {event.line}", "dim")
        case Rang():
            return Text(f"{at}ringing ({event.status})", "dim")
        case PickedUp():
            return Text(f"{at}answered", "dim")
        case HungUp():
            status = f", {event.status}" if event.status else ""
            text = f"{at}ended: {event.disposition} by {event.ended_by}{status} {event.reason}"
            return Text(text.rstrip(), "dim")
        case Trouble():
            return Text(f"{at}trouble: {event.what}", "bold red")
        case _:
            return None
