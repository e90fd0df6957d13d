"""Was a sound carried as G.711 alone would leave it?"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.sip import g711

FRAME = 160
RATE = 8000
Samples = NDArray[np.float64]


def samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def read(path: Path) -> Samples:
    with wave.open(str(path), "rb") as file:
        assert file.getframerate() == 8000
        return samples(file.readframes(file.getnframes()))


def offset_of(part: Samples, whole: Samples) -> int:
    """Where `part` lies in `whole`, by cross-correlation."""
    size = len(part) + len(whole)
    product = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    return int(np.argmax(np.fft.irfft(product, size)[: len(whole)]))


def segmental_snr_db(sent: Samples, heard: Samples) -> Samples:
    """Signal to noise of each 20 ms in which something was sent, in dB, at most 60."""
    count = min(len(sent), len(heard)) // FRAME
    signal = sent[: count * FRAME].reshape(count, FRAME)
    noise = signal - heard[: count * FRAME].reshape(count, FRAME)
    power = (signal**2).mean(axis=1)
    ratio = 10 * np.log10((power + 1e-9) / ((noise**2).mean(axis=1) + 1e-9))
    return np.minimum(ratio[power > 300**2], 60.0)


def assert_undistorted(pcm: bytes, recording: Samples, codec: str) -> None:
    """The recording holds the sound as G.711 alone would leave it.

    Each second is found by itself: a receive buffer may move by a frame during a call.
    """
    law = g711.BY_NAME[codec]
    ideal = samples(law.decode(law.encode(pcm)))
    ratios = []
    for piece in np.split(ideal, range(8000, len(ideal), 8000)):
        at = offset_of(piece, recording)
        heard = recording[at : at + len(piece)]
        assert np.corrcoef(piece[: len(heard)], heard)[0, 1] > 0.95
        ratios.append(segmental_snr_db(piece, heard))
    assert np.median(np.concatenate(ratios)) > 35
    assert np.mean(np.concatenate(ratios) > 30) > 0.9
