"""How a simulated customer notices that the far end starts and stops speaking."""

from __future__ import annotations

from array import array
from operator import mul

from hw.base import FRAME_MS, FRAME_SAMPLES

# Mean squares of -45 and -51 dBov; codec hiss and comfort noise stay below both.
_LOUD = 32767**2 * 10**-4.5
_SOFT = 32767**2 * 10**-5.1
_ONSET_FRAMES = 3


class PromptDetector:
    """Energy with hysteresis: a prompt starts after 60 ms of sound, ends after a gap.

    Attributes:
        speaking: the far end is within a prompt (short pauses included).
        onset_ms: when the latest prompt started, or -1.
        last_sound_ms: when the far end was last heard, or -1.
        sound_ms: how much of it was heard in all.
    """

    def __init__(self) -> None:
        self.speaking = False
        self.onset_ms = -1
        self.last_sound_ms = -1
        self.sound_ms = 0
        self._loud_frames = 0

    def feed(self, heard: bytes, now_ms: int, gap_ms: int) -> None:
        """Take the 20 ms that end at `now_ms`; a silence of `gap_ms` ends a prompt."""
        samples = array("h", heard)
        power = sum(map(mul, samples, samples)) / FRAME_SAMPLES
        if self.speaking:
            if power > _SOFT:
                self.last_sound_ms = now_ms
                self.sound_ms += FRAME_MS
            elif now_ms - self.last_sound_ms >= gap_ms:
                self.speaking = False
            return
        self._loud_frames = self._loud_frames + 1 if power > _LOUD else 0
        if self._loud_frames == _ONSET_FRAMES:
            self._loud_frames = 0
            self.speaking = True
            self.onset_ms = now_ms - _ONSET_FRAMES * FRAME_MS
            self.last_sound_ms = now_ms
            self.sound_ms += _ONSET_FRAMES * FRAME_MS
