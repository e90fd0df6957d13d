"""How fast we answered, read off the recording of the far end, not off our own clocks.

Sound is int16, 8 kHz. Times are milliseconds from the answer. A block of 10 ms is
active when its level is above ACTIVE_DBOV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hw.base import SAMPLE_RATE_HZ

BLOCK_MS = 10
ACTIVE_DBOV = -46.0
STOPPED_MS = 400
FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Spoken:
    """One utterance of the far end as its own notes have it, milliseconds."""

    start_ms: int
    end_ms: int
    interrupts: bool = False


@dataclass(frozen=True)
class CallTimes:
    """What one recording shows, milliseconds.

    Attributes:
        answer_to_first_sound: None if we never made a sound.
        end_of_speech_to_first_sound: one figure per answered utterance.
        interruption_to_silence: one figure per utterance that interrupted us.
        overlapped: utterances during whose end we were sounding (no latency exists).
        unanswered: utterances after which we made no sound before the next or the end.
    """

    answer_to_first_sound: int | None
    end_of_speech_to_first_sound: list[int] = field(default_factory=list)
    interruption_to_silence: list[int] = field(default_factory=list)
    overlapped: int = 0
    unanswered: int = 0


def activity(sound: NDArray[np.int16]) -> NDArray[np.bool_]:
    """One truth value per 10 ms block: is there sound in it?"""
    size = SAMPLE_RATE_HZ * BLOCK_MS // 1000
    blocks = sound[: len(sound) // size * size].astype(np.float64).reshape(-1, size)
    rms = np.sqrt(np.mean(np.square(blocks), axis=1)) / FULL_SCALE
    return np.asarray(20 * np.log10(np.maximum(rms, 1e-9)) > ACTIVE_DBOV)


def call_times(
    theirs: NDArray[np.int16], ours: NDArray[np.int16], spoken: Sequence[Spoken]
) -> CallTimes:
    """Measure one call from both channels as recorded at the far end."""
    them, us = activity(theirs), activity(ours)
    first = np.flatnonzero(us)
    times = CallTimes(int(first[0]) * BLOCK_MS if len(first) else None)
    overlapped = unanswered = 0
    for number, utterance in enumerate(spoken):
        span = _span(them, utterance)
        if span is None:
            continue
        onset, end = span
        if utterance.interrupts and us[onset]:
            times.interruption_to_silence.append((_stop(us, onset) - onset) * BLOCK_MS)
        following = spoken[number + 1] if number + 1 < len(spoken) else None
        until = following.start_ms // BLOCK_MS if following else len(us)
        if us[end : end + 2].any():
            overlapped += 1
            continue
        sounds = np.flatnonzero(us[end + 1 : until])
        if len(sounds):
            times.end_of_speech_to_first_sound.append((int(sounds[0]) + 1) * BLOCK_MS)
        else:
            unanswered += 1
    return CallTimes(
        times.answer_to_first_sound,
        times.end_of_speech_to_first_sound,
        times.interruption_to_silence,
        overlapped,
        unanswered,
    )


def _span(them: NDArray[np.bool_], utterance: Spoken) -> tuple[int, int] | None:
    """First and last active block of an utterance."""
    start = utterance.start_ms // BLOCK_MS
    active = np.flatnonzero(them[start : utterance.end_ms // BLOCK_MS + 1])
    if not len(active):
        return None
    return start + int(active[0]), start + int(active[-1])


def _stop(us: NDArray[np.bool_], onset: int) -> int:
    """The block after `onset` with which our sound ended for at least STOPPED_MS."""
    quiet = 0
    for block in range(onset, len(us)):
        quiet = 0 if us[block] else quiet + 1
        if quiet * BLOCK_MS >= STOPPED_MS:
            return block - quiet + 1
    return len(us)


def summary(values: Sequence[float]) -> dict[str, float | int]:
    """n, p50, p95 and max of some milliseconds."""
    if not values:
        return {"n": 0, "p50": 0, "p95": 0, "max": 0}
    return {
        "n": len(values),
        "p50": round(float(np.percentile(values, 50))),
        "p95": round(float(np.percentile(values, 95))),
        "max": round(float(max(values))),
    }
