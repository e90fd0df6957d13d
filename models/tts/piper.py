"""Piper voices, English and Mandarin."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
from piper import PiperVoice
from piper.config import PiperConfig, SynthesisConfig

from models.base import Audio, ModelError, Synthesiser
from models.tts.levels import to_line
from models.tts.normalise import normalise

THREADS = 2
SENTENCE_GAP_MS = 180

_SYNTHESIS = SynthesisConfig(noise_scale=0.5, noise_w_scale=0.6, normalize_audio=False)
"""Less variation than the voice's own defaults: even, clear telephone prompts."""


class PiperSynthesiser(Synthesiser):
    """One Piper voice. onnxruntime sessions may be used from several threads."""

    def __init__(self, directory: Path, lang: str, voice: str) -> None:
        """Load the one .onnx file, with its .json, in a verified directory.

        Raises:
            ModelError: they are not a Piper voice.
        """
        self.lang = lang
        self.voice = voice
        try:
            model = next(directory.glob("*.onnx"))
            config = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = THREADS
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(
                str(model), sess_options=options, providers=["CPUExecutionProvider"]
            )
            self._piper = PiperVoice(session=session, config=PiperConfig.from_dict(config))
        except (StopIteration, OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"the voice in {directory} cannot be loaded ({error!r}); "
                f"fetch it again with `branchline models pull {voice}`"
            ) from error

    def synthesise(self, text: str) -> bytes:
        """Speak; empty when nothing in the text can be spoken.

        Raises:
            ModelError: the network failed on this text.
        """
        parts: list[Audio] = []
        rate_hz = self._piper.config.sample_rate
        gap = np.zeros(rate_hz * SENTENCE_GAP_MS // 1000, dtype=np.float32)
        try:
            for chunk in self._piper.synthesize(normalise(text, self.lang), _SYNTHESIS):
                parts += [gap] if parts else []
                parts.append(np.ravel(chunk.audio_float_array))
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"voice {self.voice} failed on a sentence: {error}") from error
        return to_line(np.concatenate(parts), rate_hz) if parts else b""
