"""The listening side of a call: frames in, signs of turns and recognised text out.

The driver's thread feeds frames; recognition runs in a pool. An utterance belongs to
one decode at a time, so recognisers need no locks of their own.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from daemon.call.turns import (
    FalseStart,
    Paused,
    Resumed,
    Sign,
    TurnDetector,
    TurnEnded,
    VoiceBegan,
)
from hw.base import FRAME_MS
from models.base import MODEL_RATE_HZ, Audio, Recogniser, RecogniserStream, Transcript
from models.resample import Upsampler
from models.vad import CHUNK_SAMPLES, VoiceDetector

log = logging.getLogger(__name__)

PRE_ROLL_MS = 320
PARTIAL_EVERY_MS = 240
CHUNK_MS = CHUNK_SAMPLES * 1000 // MODEL_RATE_HZ


@dataclass(frozen=True)
class Decoded:
    """A recognition is done.

    Attributes:
        asked: utterance and generation, as `Ears.asked`; generation -1 for words so far.
        transcript: what was recognised.
    """

    asked: tuple[int, int]
    transcript: Transcript


class Utterance:
    """Sound of one turn on its way into a recogniser."""

    def __init__(self, stream: RecogniserStream) -> None:
        self._stream = stream
        self._backlog: deque[Audio] = deque()
        self._busy = threading.Lock()

    def feed(self, audio: Audio) -> None:
        """Add sound; cheap, never waits for a decode in progress."""
        self._backlog.append(audio)

    def partial(self) -> str:
        """Let a streaming recogniser catch up; its words so far."""
        with self._busy:
            self._drain()
            return self._stream.partial()

    def decode(self) -> Transcript:
        """Recognise everything fed so far; what fails counts as not understood."""
        with self._busy:
            self._drain()
            try:
                return self._stream.decode()
            except Exception:
                log.exception("recognition failed; the turn counts as not understood")
                return Transcript("", 0.0, "", 0.0)

    def _drain(self) -> None:
        while self._backlog:
            self._stream.feed(self._backlog.popleft())


class Ears:
    """One call's hearing. `feed` belongs to the driver's thread."""

    def __init__(
        self,
        recogniser: Recogniser,
        lang: str,
        turns: TurnDetector,
        pool: Executor,
        deliver: Callable[[Decoded], None],
    ) -> None:
        """`deliver` is called from the pool's threads with every recognition."""
        self._recogniser, self._lang, self._turns = recogniser, lang, turns
        self._pool, self._deliver = pool, deliver
        self._upsampler = Upsampler()
        self._detector = VoiceDetector()
        self._pre_roll: deque[Audio] = deque(maxlen=PRE_ROLL_MS // FRAME_MS)
        self._utterance: Utterance | None = None
        self._count = 0
        self._generation = 0
        self._asked_generation = -1
        self._since_partial_ms = 0
        self._heard_samples = 0

    def feed(self, heard: bytes, end_ms: int) -> list[Sign]:
        """Take 20 ms of their sound, ending at `end_ms`; return what it means."""
        audio = self._upsampler.feed(heard)
        self._heard_samples += len(audio)
        if self._utterance is not None and self._turns.speaking:
            self._utterance.feed(audio)
            self._maybe_partial()
        self._pre_roll.append(audio)
        signs: list[Sign] = []
        for chunk_end, probability in self._detector.feed(audio):
            behind = (self._heard_samples - chunk_end) * 1000 // MODEL_RATE_HZ
            for sign in self._turns.feed(end_ms - behind, CHUNK_MS, probability):
                self._follow(sign)
                signs.append(sign)
        return signs

    @property
    def asked(self) -> tuple[int, int]:
        """Utterance and generation of the recognition that covers all that was said."""
        return self._count, self._generation

    @property
    def utterance(self) -> Utterance | None:
        """The turn being spoken, or the last one."""
        return self._utterance

    def _follow(self, sign: Sign) -> None:
        match sign:
            case VoiceBegan():
                self._begin()
            case Paused():
                self._ask()
            case Resumed():
                self._generation += 1
            case TurnEnded():
                self._ask()
            case FalseStart():
                self._generation += 1

    def _begin(self) -> None:
        self._count += 1
        self._generation = 0
        self._asked_generation = -1
        self._utterance = Utterance(self._recogniser.stream(self._lang))
        for audio in self._pre_roll:
            self._utterance.feed(audio)

    def _ask(self) -> None:
        """Have the utterance recognised as it stands, once per pause."""
        if self._utterance is None or self._asked_generation == self._generation:
            return
        self._asked_generation = self._generation
        utterance, number, generation = self._utterance, self._count, self._generation

        def job() -> None:
            if (number, generation) < self.asked and number == self._count:
                return  # they went on while this waited its turn
            self._deliver(Decoded((number, generation), utterance.decode()))

        self._pool.submit(job)

    def _maybe_partial(self) -> None:
        self._since_partial_ms += FRAME_MS
        if self._utterance is None or self._since_partial_ms < PARTIAL_EVERY_MS:
            return
        self._since_partial_ms = 0
        utterance, number = self._utterance, self._count

        def job() -> None:
            if text := utterance.partial():
                self._deliver(Decoded((number, -1), Transcript(text, 0.0, "", 0.0)))

        if self._recogniser.engine == "vosk":
            self._pool.submit(job)
