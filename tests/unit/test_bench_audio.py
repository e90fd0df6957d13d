"""The latency measurement, on sound made with known gaps."""

import numpy as np

from daemon.bench.audio import Spoken, call_times, summary

RATE = 8000


def tone(*spans_ms: tuple[int, int], length_ms: int = 6000) -> np.ndarray:
    sound = np.zeros(length_ms * RATE // 1000, dtype=np.int16)
    for start, end in spans_ms:
        t = np.arange((end - start) * RATE // 1000)
        sound[start * 8 : end * 8] = (4000 * np.sin(2 * np.pi * 300 * t / RATE)).astype(np.int16)
    return sound


def test_latency_is_the_gap_in_the_recording() -> None:
    theirs = tone((2000, 3000))
    ours = tone((150, 1500), (3480, 4500))
    times = call_times(theirs, ours, [Spoken(1980, 3020)])
    assert times.answer_to_first_sound == 150
    assert times.end_of_speech_to_first_sound == [490]
    assert times.interruption_to_silence == []


def test_interruption_is_timed_from_their_first_voiced_sound() -> None:
    theirs = tone((1000, 2000))
    ours = tone((100, 1330), (2500, 3000))
    times = call_times(theirs, ours, [Spoken(900, 2000, interrupts=True)])
    assert times.interruption_to_silence == [330]
    assert times.end_of_speech_to_first_sound == [510]


def test_no_figure_is_invented_when_we_talk_over_them_or_stay_silent() -> None:
    theirs = tone((1000, 2000), (4000, 4500))
    ours = tone((100, 2500))
    times = call_times(theirs, ours, [Spoken(1000, 2000), Spoken(4000, 4500)])
    assert (times.overlapped, times.unanswered) == (1, 1)
    assert times.end_of_speech_to_first_sound == []


def test_summary() -> None:
    assert summary([]) == {"n": 0, "p50": 0, "p95": 0, "max": 0}
    assert summary([100, 200, 300])["p50"] == 200
