"""When has the person begun, paused, gone on, finished?

Pure: voice probabilities in, signs out. Times are milliseconds on the call's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daemon.dialog.reply import Expects

VOICED_ABOVE = 0.5
UNVOICED_BELOW = 0.35
ONSET_CHUNKS = 2
MIN_VOICED_MS = 96


@dataclass(frozen=True)
class TurnSettings:
    """How long a pause may be, milliseconds.

    Attributes:
        speculate_after_ms: silence after which recognition starts on suspicion.
        endpoint_ms: silence that ends a turn, by what the question expects.
        barge_in_ms: voiced time that counts as an interruption of our own sound.
    """

    speculate_after_ms: int
    endpoint_ms: Mapping[Expects, int]
    barge_in_ms: int


@dataclass(frozen=True)
class VoiceBegan:
    """Speech set in at `onset_ms`."""

    onset_ms: int


@dataclass(frozen=True)
class VoiceHolds:
    """Speech has lasted long enough to count as an interruption."""

    onset_ms: int


@dataclass(frozen=True)
class Paused:
    """A short silence: worth recognising what was said so far."""

    voice_end_ms: int


@dataclass(frozen=True)
class Resumed:
    """The person went on after a pause: what was recognised is incomplete."""


@dataclass(frozen=True)
class TurnEnded:
    """The person has finished; the last voiced sound ended at `voice_end_ms`."""

    voice_end_ms: int


@dataclass(frozen=True)
class FalseStart:
    """What began was too short to be speech (a click, a cough)."""


Sign = VoiceBegan | VoiceHolds | Paused | Resumed | TurnEnded | FalseStart


class TurnDetector:
    """Turns voice probabilities into signs. One per call; not thread-safe."""

    def __init__(self, settings: TurnSettings) -> None:
        """Begin in silence."""
        self._settings = settings
        self.expects = Expects.OPEN
        self._run_of_voice = 0
        self._speaking = False
        self._onset_ms = 0
        self._voice_end_ms = 0
        self._voiced_ms = 0
        self._paused = False
        self._held = False

    @property
    def speaking(self) -> bool:
        """True between the onset of a turn and its end."""
        return self._speaking

    def feed(self, end_ms: int, chunk_ms: int, probability: float) -> list[Sign]:
        """Take the probability of voice in the chunk that ended at `end_ms`."""
        if not self._speaking:
            return self._in_silence(end_ms, chunk_ms, probability)
        threshold = UNVOICED_BELOW if not self._paused else VOICED_ABOVE
        if probability >= threshold:
            return self._voiced(end_ms, chunk_ms)
        return self._unvoiced(end_ms)

    def _in_silence(self, end_ms: int, chunk_ms: int, probability: float) -> list[Sign]:
        if probability < VOICED_ABOVE:
            self._run_of_voice = 0
            return []
        self._run_of_voice += 1
        if self._run_of_voice < ONSET_CHUNKS:
            return []
        self._speaking, self._paused, self._held = True, False, False
        self._voiced_ms = ONSET_CHUNKS * chunk_ms
        self._onset_ms = end_ms - self._voiced_ms
        self._voice_end_ms = end_ms
        return [VoiceBegan(self._onset_ms)]

    def _voiced(self, end_ms: int, chunk_ms: int) -> list[Sign]:
        signs: list[Sign] = []
        if self._paused:
            self._paused = False
            signs.append(Resumed())
        self._voice_end_ms = end_ms
        self._voiced_ms += chunk_ms
        if not self._held and self._voiced_ms >= self._settings.barge_in_ms:
            self._held = True
            signs.append(VoiceHolds(self._onset_ms))
        return signs

    def _unvoiced(self, end_ms: int) -> list[Sign]:
        silence_ms = end_ms - self._voice_end_ms
        if silence_ms >= self._settings.endpoint_ms[self.expects]:
            self._speaking, self._run_of_voice = False, 0
            if self._voiced_ms < MIN_VOICED_MS:
                return [FalseStart()]
            return [TurnEnded(self._voice_end_ms)]
        if not self._paused and silence_ms >= self._settings.speculate_after_ms:
            self._paused = True
            return [Paused(self._voice_end_ms)]
        return []
