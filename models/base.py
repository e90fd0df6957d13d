"""What every model is to the rest of the house.

Recognisers and the voice detector work at 16 kHz, float32 in [-1, 1], mono.
Synthesisers return what the line takes: 16-bit little-endian mono PCM at 8 kHz.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

MODEL_RATE_HZ = 16000
LINE_RATE_HZ = 8000


class ModelError(Exception):
    """Root of every error a model raises; the message says what to do."""


class ModelMissingError(ModelError):
    """A model is not installed; the message names the command that fetches it."""


@dataclass(frozen=True)
class Transcript:
    """What was understood of one utterance.

    Attributes:
        text: the words; "" when nothing was said.
        confidence: 0 to 1.
        engine: "vosk" or "whisper".
        decode_ms: time the last decode took, milliseconds.
    """

    text: str
    confidence: float
    engine: str
    decode_ms: float


class RecogniserStream(ABC):
    """One utterance being heard. Not thread-safe: one owner at a time."""

    @abstractmethod
    def feed(self, audio: Audio) -> None:
        """Add 16 kHz audio of any length. Cheap for Whisper, decodes for Vosk."""

    @abstractmethod
    def partial(self) -> str:
        """The words so far, at no extra cost; "" where the engine has none."""

    @abstractmethod
    def decode(self) -> Transcript:
        """Understand everything fed so far. May be called again after more feed()."""


class Recogniser(ABC):
    """A loaded recogniser; streams may run in several threads at once."""

    engine: str

    @abstractmethod
    def stream(self, lang: str) -> RecogniserStream:
        """Begin one utterance."""


class Synthesiser(ABC):
    """A loaded voice for one language. Safe to call from several threads.

    Attributes:
        voice: its name in the manifest.
        lang: the language it speaks.
        evaluation_only: its licence forbids production use.
    """

    voice: str
    lang: str
    evaluation_only: bool = False

    @abstractmethod
    def synthesise(self, text: str) -> bytes:
        """Speak one sentence: 16-bit 8 kHz PCM. Text may hold digits, money, dates."""
