"""Fills gaps in received sound: the last pitch period, fading, then low noise.

After ITU-T G.711 Appendix I in outline, with its 60 ms limit, made cheap enough to
run inside the media loop without numpy.
"""

from __future__ import annotations

import random
from array import array
from operator import mul

_HISTORY_SAMPLES = 400
_TEMPLATE_SAMPLES = 160
_SHORTEST_PITCH = 40
_LONGEST_PITCH = 160
_STEADY_SAMPLES = 80
_FADED_SAMPLES = 480
_CROSSFADE_SAMPLES = 40
_NOISE_SAMPLES = 4096
_DEFAULT_NOISE_DBOV = -66
_LOUDEST_NOISE_DBOV = -40


def _noise_shape() -> list[float]:
    generator = random.Random(711)
    return [max(-3.0, min(3.0, generator.gauss(0.0, 1.0))) for _ in range(_NOISE_SAMPLES)]


_NOISE_SHAPE = _noise_shape()


def pitch_period(history: array[int]) -> int:
    """Samples of the period (40-160) that best repeats the end of `history` (>= 320).

    Normalised cross-correlation at half rate, then the best of three neighbours.
    """
    half = history[::2]
    template = half[-_TEMPLATE_SAMPLES // 2 :]
    coarse = _best_lag(half, template, range(_SHORTEST_PITCH // 2, _LONGEST_PITCH // 2 + 1))
    template = history[-_TEMPLATE_SAMPLES:]
    near = range(max(_SHORTEST_PITCH, 2 * coarse - 1), min(_LONGEST_PITCH, 2 * coarse + 1) + 1)
    return _best_lag(history, template, near)


def _best_lag(samples: array[int], template: array[int], lags: range) -> int:
    best, best_score = lags[0], float("-inf")
    end = len(samples)
    for lag in lags:
        window = samples[end - lag - len(template) : end - lag]
        product = sum(map(mul, window, template))
        energy = sum(map(mul, window, window)) + 1
        score = product * abs(product) / energy
        if score > best_score:
            best, best_score = lag, score
    return best


class Concealer:
    """Follows one received stream; told of every good stretch and asked for every gap."""

    def __init__(self) -> None:
        self._history = array("h", bytes(2 * _HISTORY_SAMPLES))
        self._period = array("h", [0])
        self._lost_samples = _FADED_SAMPLES
        self._noise_at = 0
        self._noise = array("h")
        self.set_noise(_DEFAULT_NOISE_DBOV)

    def set_noise(self, level_dbov: int) -> None:
        """Level of the noise that follows faded gaps; at most -40 dBov."""
        rms = 32767 * 10 ** (min(level_dbov, _LOUDEST_NOISE_DBOV) / 20)
        self._noise = array("h", (round(rms * each) for each in _NOISE_SHAPE))

    def fade_now(self) -> None:
        """The far end announced silence: the next gap is noise from its start."""
        self._lost_samples = max(self._lost_samples, _FADED_SAMPLES)

    def good(self, pcm: bytes) -> bytes:
        """Sound that arrived: unchanged, but blended in for 5 ms after a gap."""
        samples = array("h", pcm)
        if self._lost_samples > 0:
            if self._lost_samples < _FADED_SAMPLES:
                self._blend(samples)
                pcm = samples.tobytes()
            self._lost_samples = 0
        self._history = (self._history + samples)[-_HISTORY_SAMPLES:]
        return pcm

    def conceal(self, count: int) -> bytes:
        """`count` samples for a gap that starts or goes on here."""
        if self._lost_samples == 0:
            self._period = self._history[-pitch_period(self._history) :]
        filled = self._continuation(count)
        self._lost_samples += count
        return filled.tobytes()

    def _blend(self, samples: array[int]) -> None:
        length = min(_CROSSFADE_SAMPLES, len(samples))
        for at, old in enumerate(self._continuation(length)):
            samples[at] = (samples[at] * at + old * (length - at)) // length

    def _continuation(self, count: int) -> array[int]:
        filled = array("h")
        period, begin = self._period, self._lost_samples
        for at in range(begin, min(begin + count, _FADED_SAMPLES)):
            gain = min(1.0, (_FADED_SAMPLES - at) / (_FADED_SAMPLES - _STEADY_SAMPLES))
            filled.append(round(period[at % len(period)] * gain))
        rest = count - len(filled)
        while rest > 0:
            piece = self._noise[self._noise_at : self._noise_at + rest]
            self._noise_at = (self._noise_at + len(piece)) % _NOISE_SAMPLES
            filled += piece
            rest -= len(piece)
        return filled
