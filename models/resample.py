"""Between the line's 8 kHz and the models' rates, and between integers and floats.

Whole recordings go through soxr. Live audio does not: soxr's streaming filters hold
back 60 to 115 ms (measured for LQ to VHQ with 20 ms blocks), which would be added to
every reply, so the live path is one half-band filter with 2 ms of delay.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from models.base import LINE_RATE_HZ, MODEL_RATE_HZ, Audio

FULL_SCALE = 32768.0
HALF_BAND_TAPS = 63
KAISER_BETA = 6.0


def pcm_to_float(pcm: bytes) -> Audio:
    """16-bit little-endian PCM as float32 in [-1, 1)."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(FULL_SCALE)


def float_to_pcm(audio: Audio) -> bytes:
    """Float32 as 16-bit little-endian PCM; what exceeds full scale is clipped."""
    scaled = np.rint(np.asarray(audio, dtype=np.float32) * FULL_SCALE)
    pcm: bytes = np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()
    return pcm


def resample(audio: Audio, from_hz: int, to_hz: int) -> Audio:
    """A whole recording at another rate (soxr, high quality, no delay)."""
    if from_hz == to_hz or len(audio) == 0:
        return np.asarray(audio, dtype=np.float32)
    converted: Audio = soxr.resample(np.asarray(audio, np.float32), from_hz, to_hz, quality="HQ")
    return converted


def line_to_model(pcm: bytes) -> Audio:
    """A whole 8 kHz PCM recording as 16 kHz float32."""
    return resample(pcm_to_float(pcm), LINE_RATE_HZ, MODEL_RATE_HZ)


class Upsampler:
    """Live 8 kHz to 16 kHz. Not thread-safe; one per leg.

    A windowed-sinc half-band filter of 63 taps: flat to 3.4 kHz, images of it at least
    50 dB down, output `DELAY_SAMPLES` behind the input.
    """

    DELAY_SAMPLES = (HALF_BAND_TAPS - 1) // 2
    """Group delay in 16 kHz samples: 31, that is 1.9 ms."""

    def __init__(self) -> None:
        """Start in silence."""
        self._history = np.zeros(HALF_BAND_TAPS - 1, dtype=np.float32)

    def feed(self, pcm: bytes) -> Audio:
        """The 16 kHz samples of a block of 8 kHz PCM: always twice as many as came."""
        return self.feed_float(pcm_to_float(pcm))

    def feed_float(self, audio: Audio) -> Audio:
        """As `feed`, for float32 at 8 kHz."""
        if not len(audio):
            return np.zeros(0, dtype=np.float32)
        stuffed = np.zeros(2 * len(audio), dtype=np.float32)
        stuffed[::2] = audio
        signal = np.concatenate((self._history, stuffed))
        self._history = signal[len(signal) - (HALF_BAND_TAPS - 1) :]
        filtered: Audio = np.convolve(signal, _HALF_BAND, mode="valid").astype(np.float32)
        return filtered


def _half_band() -> NDArray[np.float32]:
    """Taps of the filter; gain 2 makes up for the stuffed zeros."""
    n = np.arange(HALF_BAND_TAPS) - (HALF_BAND_TAPS - 1) / 2
    return (np.sinc(n / 2) * np.kaiser(HALF_BAND_TAPS, KAISER_BETA)).astype(np.float32)


_HALF_BAND = _half_band()
