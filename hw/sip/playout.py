"""The queue of sound a call has yet to send, cut into frames of 20 ms."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hw.base import FRAME_BYTES, FRAME_MS, PlaybackFinished, PlaybackStarted

_BYTES_PER_MS = FRAME_BYTES // FRAME_MS
SILENCE = bytes(FRAME_BYTES)


@dataclass
class _Sound:
    token: str
    pcm: bytes
    sent_bytes: int = 0


@dataclass(frozen=True)
class OutgoingFrame:
    """20 ms to send: the sound, or None for silence, and what began or ended with it."""

    pcm: bytes | None
    started: PlaybackStarted | None = None
    finished: PlaybackFinished | None = None


_NOTHING = OutgoingFrame(None)


class Playout:
    """Sounds in order; each starts on a frame and its last frame is filled with silence."""

    def __init__(self) -> None:
        self._sounds: deque[_Sound] = deque()

    def add(self, token: str, pcm: bytes) -> None:
        """Queue 16-bit 8 kHz sound of any length; an odd last byte is dropped."""
        self._sounds.append(_Sound(token, pcm[: len(pcm) // 2 * 2]))

    def next_frame(self, index: int) -> OutgoingFrame:
        """What frame `index` carries."""
        if not self._sounds:
            return _NOTHING
        sound = self._sounds[0]
        started = PlaybackStarted(sound.token, index) if sound.sent_bytes == 0 else None
        pcm = sound.pcm[sound.sent_bytes : sound.sent_bytes + FRAME_BYTES]
        sound.sent_bytes += FRAME_BYTES
        finished = None
        if sound.sent_bytes >= len(sound.pcm):
            self._sounds.popleft()
            played_ms = len(sound.pcm) // _BYTES_PER_MS
            finished = PlaybackFinished(sound.token, index, played_ms, complete=True)
        return OutgoingFrame(pcm.ljust(FRAME_BYTES, b"\0"), started, finished)

    def stop(self, last_index: int) -> list[PlaybackFinished]:
        """Forget everything; one report per sound cut off, `last_index` being the last sent."""
        cut = [
            PlaybackFinished(each.token, last_index, each.sent_bytes // _BYTES_PER_MS, False)
            for each in self._sounds
        ]
        self._sounds.clear()
        return cut
