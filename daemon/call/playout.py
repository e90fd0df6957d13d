"""The speaking side of a call: sentences rendered ahead, played in order.

Prompts without slots are rendered once and kept on disk; sentences with slots are
rendered in a pool while the one before them is playing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from pathlib import Path

from daemon.dialog.reply import Utterance
from hw.base import Leg
from models.base import Synthesiser

log = logging.getLogger(__name__)

MEMORY_SENTENCES = 256


class PromptBook:
    """Rendered sentences of one voice, in memory and on disk. Shared by all calls."""

    def __init__(self, synthesiser: Synthesiser, directory: Path) -> None:
        """Keep files under `directory`/VOICE."""
        self._synthesiser = synthesiser
        self._directory = directory / synthesiser.voice
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def ready(self, text: str) -> bytes | None:
        """The sentence's sound if it is in memory already."""
        with self._lock:
            sound = self._memory.get(text)
            if sound is not None:
                self._memory.move_to_end(text)
            return sound

    def render(self, utterance: Utterance) -> bytes:
        """The sentence's sound, 16-bit 8 kHz; from memory, disk or the synthesiser."""
        sound = self.ready(utterance.text)
        if sound is not None:
            return sound
        if utterance.cached:
            sound = self._from_disk(utterance.text)
        else:
            sound = self._synthesiser.synthesise(utterance.text)
        with self._lock:
            self._memory[utterance.text] = sound
            while len(self._memory) > MEMORY_SENTENCES:
                self._memory.popitem(last=False)
        return sound

    def prepare(self, texts: Iterable[str], done: Callable[[], None] = lambda: None) -> None:
        """Render every sentence before it is needed; `done` is called after each."""
        for text in texts:
            self.render(Utterance(text))
            done()

    def _from_disk(self, text: str) -> bytes:
        name = hashlib.sha256(text.encode()).hexdigest()[:24]
        path = self._directory / f"{name}.s16"
        with contextlib.suppress(OSError):
            return path.read_bytes()
        sound = self._synthesiser.synthesise(text)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
            part.write_bytes(sound)
            part.replace(path)
        except OSError as error:
            log.warning("cannot keep a rendered prompt in %s: %s", path, error.strerror)
        return sound


class Playout:
    """One call's mouth. All methods belong to the driver's thread."""

    def __init__(
        self, leg: Leg, book: PromptBook, pool: Executor, wake: Callable[[], None]
    ) -> None:
        """`wake` is called from the pool when a sentence has become ready."""
        self._leg, self._book, self._pool, self._wake = leg, book, pool, wake
        self._waiting: deque[tuple[str, Future[bytes]]] = deque()
        self._rendering: dict[str, Future[bytes]] = {}

    def say(self, token: str, utterance: Utterance) -> None:
        """Play this sentence behind those already ordered."""
        self._waiting.append((token, self._start(utterance)))

    def prepare(self, utterances: Iterable[Utterance]) -> None:
        """Render sentences that may be wanted soon."""
        for utterance in utterances:
            self._start(utterance)

    def pump(self) -> list[tuple[str, Exception]]:
        """Hand the sentences that are ready to the leg; return those that failed."""
        failed: list[tuple[str, Exception]] = []
        while self._waiting and self._waiting[0][1].done():
            token, future = self._waiting.popleft()
            try:
                self._leg.play(token, future.result())
            except Exception as error:
                failed.append((token, error))
        return failed

    def stop(self) -> None:
        """Silence at once; nothing ordered before is played."""
        self._waiting.clear()
        self._leg.stop_playback()

    def _start(self, utterance: Utterance) -> Future[bytes]:
        sound = self._book.ready(utterance.text)
        if sound is not None:
            done: Future[bytes] = Future()
            done.set_result(sound)
            return done
        running = self._rendering.get(utterance.text)
        if running is not None and not running.done():
            return running
        future = self._pool.submit(self._book.render, utterance)
        self._rendering[utterance.text] = future
        future.add_done_callback(lambda _: self._wake())
        return future
