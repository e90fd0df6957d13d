"""The recording of a call: two channels (us left, them right), sample-aligned.

A thread of its own writes, so that a slow disk never delays the conversation. The
file's header is kept true once a second: a power cut loses at most that second.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import wave
from pathlib import Path

import numpy as np

from hw.base import SAMPLE_RATE_HZ, Frame

log = logging.getLogger(__name__)

FRAMES_PER_WRITE = 50
QUEUE_FRAMES = 3000
CLOSE_S = 5.0


class Recorder:
    """Writes one call to one WAV file. `trouble` is set if it could not."""

    def __init__(self, path: Path) -> None:
        """Remember where; `start` opens the file."""
        self.path = path
        self.trouble = ""
        self._frames: queue.Queue[Frame | None] = queue.Queue(QUEUE_FRAMES)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def add(self, frame: Frame) -> None:
        """Take 20 ms of both directions; never blocks."""
        try:
            self._frames.put_nowait(frame)
        except queue.Full:
            self._fail("the disk is too slow for the recording")

    def close(self) -> None:
        """Finish the file. Idempotent; waits for what is queued, at most 2 * CLOSE_S."""
        if not self._thread.is_alive():
            return
        try:
            self._frames.put(None, timeout=CLOSE_S)
        except queue.Full:
            self._fail("the disk is too slow for the recording; its end is lost")
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as raw, wave.open(raw, "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(SAMPLE_RATE_HZ)
                self._write(file)
        except OSError as error:
            self._fail(f"cannot write the recording {self.path}: {error.strerror}")
            self._drain()

    def _write(self, file: wave.Wave_write) -> None:
        batch: list[Frame] = []
        while True:
            frame = self._frames.get()
            if frame is not None:
                batch.append(frame)
            if batch and (frame is None or len(batch) >= FRAMES_PER_WRITE):
                file.writeframes(interleave(batch))
                batch.clear()
            if frame is None:
                return

    def _drain(self) -> None:
        while self._frames.get() is not None:
            pass

    def _fail(self, what: str) -> None:
        if not self.trouble:
            self.trouble = what
            log.error("%s", what)


def interleave(frames: list[Frame]) -> bytes:
    """Join frames into 16-bit stereo: what we said left, what they said right."""
    said = np.frombuffer(b"".join(frame.said for frame in frames), dtype="<i2")
    heard = np.frombuffer(b"".join(frame.heard for frame in frames), dtype="<i2")
    return np.stack((said, heard), axis=1).tobytes()
