"""Vosk: words while the person is still speaking."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import vosk

from models.asr.text import clean
from models.base import MODEL_RATE_HZ, Audio, ModelError, Recogniser, RecogniserStream, Transcript
from models.resample import float_to_pcm

FLUSH_S = 0.3
"""Silence put after the speech when it is decoded: the model looks that far ahead."""


class VoskRecogniser(Recogniser):
    """One loaded Vosk model, one language; each stream has a decoder of its own."""

    engine = "vosk"

    def __init__(self, directory: Path, lang: str) -> None:
        """Load from a verified directory (am, conf, graph, ivector).

        Raises:
            ModelError: it is not a Vosk model.
        """
        vosk.SetLogLevel(-1)
        self._lang = lang
        try:
            self._model = vosk.Model(str(directory))
        except Exception as error:
            raise ModelError(
                f"the recogniser in {directory} cannot be loaded ({error}); "
                "fetch it again with `branchline models pull`"
            ) from error

    def stream(self, lang: str) -> RecogniserStream:
        """Begin one utterance.

        Raises:
            ModelError: the model is for another language.
        """
        if lang != self._lang:
            raise ModelError(f"this Vosk model is for {self._lang!r}, not {lang!r}")
        return VoskStream(self._model, lang)


class VoskStream(RecogniserStream):
    """One utterance, decoded as it is fed.

    Vosk closes a sentence at a pause; `decode` closes one too. Sentences closed so far
    are kept and joined, so `decode` may be called again after more audio. Audio that
    came after the last `decode` continues the utterance.
    """

    def __init__(self, model: Any, lang: str) -> None:
        """Begin with no audio."""
        self._lang = lang
        self._decoder = vosk.KaldiRecognizer(model, MODEL_RATE_HZ)
        self._decoder.SetWords(True)
        self._closed: list[dict[str, Any]] = []
        self._unheard = False
        self._decoded = Transcript("", 0.0, VoskRecogniser.engine, 0.0)

    def feed(self, audio: Audio) -> None:
        """Decode the audio so far."""
        if not len(audio):
            return
        self._unheard = True
        if self._decoder.AcceptWaveform(float_to_pcm(audio)):
            self._closed.append(json.loads(self._decoder.Result()))

    def partial(self) -> str:
        """The words so far."""
        if not self._unheard:
            return self._decoded.text
        words = [part.get("text", "") for part in self._closed]
        words.append(json.loads(self._decoder.PartialResult()).get("partial", ""))
        return self._join(words)

    def decode(self) -> Transcript:
        """Close the sentence; free when nothing came since the last time."""
        if not self._unheard:
            return self._decoded
        started = time.perf_counter()
        silence = np.zeros(int(FLUSH_S * MODEL_RATE_HZ), dtype=np.float32)
        if self._decoder.AcceptWaveform(float_to_pcm(silence)):
            self._closed.append(json.loads(self._decoder.Result()))
        self._closed.append(json.loads(self._decoder.FinalResult()))
        self._unheard = False
        words = [word["conf"] for part in self._closed for word in part.get("result", ())]
        text = self._join([part.get("text", "") for part in self._closed])
        self._decoded = Transcript(
            text=text,
            confidence=sum(words) / len(words) if words and text else 0.0,
            engine=VoskRecogniser.engine,
            decode_ms=(time.perf_counter() - started) * 1000,
        )
        return self._decoded

    def _join(self, parts: list[str]) -> str:
        return clean(" ".join(part for part in parts if part), self._lang)
