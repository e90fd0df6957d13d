"""From what a voice made to what the line takes: trimmed, levelled, faded 8 kHz PCM."""

from __future__ import annotations

import numpy as np

from models.base import LINE_RATE_HZ, Audio
from models.resample import float_to_pcm, resample

ACTIVE_LEVEL_DBOV = -20.0
"""RMS of the speech itself relative to full scale; telephone speech is -26 to -16."""

PEAK_LIMIT_DBOV = -1.0
SILENCE_BELOW_DB = -38.0
"""A frame this far under the loud ones is silence at the edges."""

LEAD_MS = 20
TAIL_MS = 60
FADE_IN_MS = 4
FADE_OUT_MS = 12
FRAME_MS = 5


def to_line(audio: Audio, rate_hz: int) -> bytes:
    """Speech of a voice, mono float32, as 16-bit 8 kHz PCM for the line.

    Silence before it is cut to 20 ms, for it would only delay the reply, and after it
    to 60 ms. The active level becomes -20 dBov, less where peaks would pass -1 dBov.
    Nothing but silence gives no sound at all.
    """
    speech = trim(resample(audio, rate_hz, LINE_RATE_HZ), LINE_RATE_HZ)
    return float_to_pcm(fade(level(speech, LINE_RATE_HZ), LINE_RATE_HZ))


def trim(audio: Audio, rate_hz: int) -> Audio:
    """Cut silence at both edges, leaving LEAD_MS and TAIL_MS."""
    powers, frame = _frame_powers(audio, rate_hz)
    active = np.flatnonzero(powers > _threshold(powers))
    if not len(active):
        return audio[:0]
    start = active[0] * frame - LEAD_MS * rate_hz // 1000
    end = (active[-1] + 1) * frame + TAIL_MS * rate_hz // 1000
    return audio[max(0, start) : end]


def level(audio: Audio, rate_hz: int) -> Audio:
    """Scale to the active level, keeping peaks under the limit."""
    powers, _frame = _frame_powers(audio, rate_hz)
    active = powers[powers > _threshold(powers)]
    if not len(active):
        return audio
    gain = _amplitude(ACTIVE_LEVEL_DBOV) / np.sqrt(active.mean())
    peak = float(np.abs(audio).max())
    gain = min(gain, _amplitude(PEAK_LIMIT_DBOV) / peak)
    levelled: Audio = (audio * gain).astype(np.float32)
    return levelled


def fade(audio: Audio, rate_hz: int) -> Audio:
    """Fade in and out, so that a prompt begins and ends without a click."""
    faded = audio.copy()
    fade_in = min(FADE_IN_MS * rate_hz // 1000, len(audio) // 2)
    fade_out = min(FADE_OUT_MS * rate_hz // 1000, len(audio) // 2)
    if fade_in and fade_out:
        faded[:fade_in] *= np.linspace(0, 1, fade_in, dtype=np.float32)
        faded[-fade_out:] *= np.linspace(1, 0, fade_out, dtype=np.float32)
    return faded


def active_level_dbov(audio: Audio, rate_hz: int) -> float:
    """RMS level of the active frames relative to full scale; -inf for silence."""
    powers, _frame = _frame_powers(audio, rate_hz)
    active = powers[powers > _threshold(powers)]
    return float(10 * np.log10(active.mean())) if len(active) else float("-inf")


def _frame_powers(audio: Audio, rate_hz: int) -> tuple[np.ndarray, int]:
    """Mean square of each whole 5 ms frame, and the frame's length in samples."""
    frame = rate_hz * FRAME_MS // 1000
    whole = len(audio) // frame * frame
    frames = audio[:whole].reshape(-1, frame).astype(np.float64)
    return np.mean(np.square(frames), axis=1), frame


def _threshold(powers: np.ndarray) -> float:
    """Power under which a frame is silence, relative to the loud tenth of the frames."""
    if not len(powers):
        return 0.0
    loud = float(np.percentile(powers, 95))
    return max(loud * 10 ** (SILENCE_BELOW_DB / 10), 1e-10)


def _amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))
