"""Latency of a conversation, measured on what simulated people heard."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import wave
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daemon import paths
from daemon.app import Box, CallOrder
from daemon.bench.audio import CallTimes, Spoken, call_times, summary
from daemon.call.result import CallResult
from daemon.config import Config
from daemon.events import CallEvent, Heard, Said, SpeechEnded
from daemon.rehearsal import LINE, Rehearsal, people, render_voices, voices_dir
from hw.sim.personas import Persona
from models.tts import load_synthesiser

SCENARIO = "finance/credit_card_installment"


@dataclass
class Stages:
    """Milliseconds of each stage between their last sound and our first, as we saw them.

    Attributes:
        endpoint: from the end of their voice to the decision that they have finished.
        recognise: from that decision to the text (negative parts were done before it).
        decode: time the recogniser worked.
        reply: from the text to our first frame: planning, synthesis, media process.
    """

    endpoint: list[float] = field(default_factory=list)
    recognise: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)
    reply: list[float] = field(default_factory=list)


def run(
    config: Config, *, calls: int, lines: int, langs: Sequence[str], done: Callable[[], None]
) -> dict[str, Any]:
    """Place `calls` calls over `lines` channels and measure them.

    The database and recordings of the run live in a temporary directory; models and
    rendered prompts are the box's own.
    """
    models = paths.models_dir()
    with tempfile.TemporaryDirectory(prefix="branchline-bench-") as scratch:
        paths.prompts_dir().mkdir(parents=True, exist_ok=True)
        (Path(scratch) / "prompts").symlink_to(paths.prompts_dir().absolute())
        os.environ["BRANCHLINE_MODELS"] = str(models)
        os.environ["BRANCHLINE_STATE"] = scratch
        record = Path(scratch) / "far-end"
        chosen = [p for p in people(langs) if talks(p)]
        queue = list(islice(cycle(chosen), calls))
        stages = Stages()
        with Rehearsal(chosen, config, channels=lines, record=record) as box:
            results = place_all(box, queue, lines, stages, done)
        times = [read_recording(path) for path in sorted(record.glob("*.json"))]
    return report(times, stages, results, calls, lines, langs)


def prepare(config: Config, langs: Sequence[str], done: Callable[[], None]) -> None:
    """Speak the simulated people's lines, before anything is measured."""
    box = Box(config)
    chosen = [p for p in people(langs) if talks(p)]
    render_voices(chosen, lambda lang: load_synthesiser(box.registry, lang), voices_dir(), done)


def talks(persona: Persona) -> bool:
    """True for people who pick up and say something."""
    return persona.answer.kind == "pick_up" and any(turn.say for turn in persona.turns)


def place_all(
    box: Box, queue: Sequence[Persona], lines: int, stages: Stages, done: Callable[[], None]
) -> list[CallResult]:
    """Call everybody in the queue, `lines` at a time."""
    box.prepare({(SCENARIO, persona.lang) for persona in queue})

    def one(persona: Persona) -> CallResult:
        order = CallOrder(persona.number, SCENARIO, persona.lang, {"name": ""})
        watch = StageWatch(stages)
        result = box.place(order, LINE, watch)
        done()
        return result

    with ThreadPoolExecutor(lines) as callers:
        return list(callers.map(one, queue))


class StageWatch:
    """Follows one call's events and adds each answered turn to the stages."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._ended: SpeechEnded | None = None
        self._heard: Heard | None = None

    def __call__(self, _call_id: str, event: CallEvent) -> None:
        """Take one event."""
        match event:
            case SpeechEnded():
                self._ended = event
            case Heard():
                self._heard = event
            case Said() if event.latency_ms >= 0 and self._ended and self._heard:
                self._stages.endpoint.append(self._ended.at_ms - self._ended.voice_end_ms)
                self._stages.recognise.append(self._heard.at_ms - self._ended.at_ms)
                self._stages.decode.append(self._heard.decode_ms)
                self._stages.reply.append(event.at_ms - self._heard.at_ms)
                self._ended = self._heard = None
            case _:
                pass


def read_recording(sidecar: Path) -> CallTimes:
    """Measure one recording of the far end: left what it said, right what it heard."""
    notes = json.loads(sidecar.read_text(encoding="utf-8"))
    with wave.open(str(sidecar.with_suffix(".wav"))) as file:
        sound: NDArray[np.int16] = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    both = sound.reshape(-1, 2)
    spoken = [
        Spoken(u["start_ms"], u["end_ms"], bool(u.get("interrupts"))) for u in notes["utterances"]
    ]
    return call_times(both[:, 0], both[:, 1], spoken)


def report(
    times: Sequence[CallTimes],
    stages: Stages,
    results: Sequence[CallResult],
    calls: int,
    lines: int,
    langs: Sequence[str],
) -> dict[str, Any]:
    """The figures of a run."""
    outcomes: dict[str, int] = {}
    for result in results:
        outcomes[result.outcome] = outcomes.get(result.outcome, 0) + 1
    return {
        "calls": calls,
        "lines": lines,
        "langs": list(langs),
        "end_of_speech_to_first_sound_ms": summary(
            [ms for t in times for ms in t.end_of_speech_to_first_sound]
        ),
        "answer_to_first_sound_ms": summary(
            [t.answer_to_first_sound for t in times if t.answer_to_first_sound is not None]
        ),
        "interruption_to_silence_ms": summary(
            [ms for t in times for ms in t.interruption_to_silence]
        ),
        "overlapped": sum(t.overlapped for t in times),
        "unanswered": sum(t.unanswered for t in times),
        "stages": {name: summary(values) for name, values in vars(stages).items()},
        "outcomes": outcomes,
        "machine": {"cpu_count": os.cpu_count(), "processor": platform.machine()},
    }
