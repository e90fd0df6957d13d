"""A long call to baresip: it lasts, ends by our BYE, and both sides heard each other whole."""

from __future__ import annotations

import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hw.base import Answered, Disposition, Ended, Frame, LegEvent, PlaybackFinished
from hw.sip.line import SipLine, SipSettings
from tests.peers.baresip import Baresip
from tests.peers.sound import assert_undistorted, read, samples

LONG_CALL_FRAMES = 42 * 50


def speech_like(seconds: float, seed: int) -> bytes:
    """Noise in the speech band, in syllables four times a second: no two parts alike."""
    count = int(seconds * 8000)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / 8000)
    spectrum[(hertz < 200) | (hertz > 3000)] = 0
    noise = np.fft.irfft(spectrum, count)
    syllables = np.sin(np.pi * 4 * np.arange(count) / 8000) ** 2
    samples = noise / np.abs(noise).max() * syllables * 16000
    return samples.astype("<i2").tobytes()


@pytest.fixture
def line() -> Iterator[SipLine]:
    line = SipLine(SipSettings("test"))
    line.start()
    yield line
    line.stop()


@pytest.mark.parametrize(
    ("codec", "frames"), [("PCMA", LONG_CALL_FRAMES), ("PCMU", 10 * 50)], ids=["long", "short"]
)
def test_a_call_to_baresip(line: SipLine, tmp_path: Path, codec: str, frames: int) -> None:
    question = tmp_path / "question.wav"
    with wave.open(str(question), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(speech_like(4.0, seed=7))
    prompts = {f"prompt {n}": speech_like(3.0, seed=n) for n in range(frames // 300)}

    with Baresip(tmp_path / "callee", spoken=question, codec=codec) as callee:
        events = _talk(line, callee.uri, prompts, frames)
        _until_finished(callee)

    assert any(isinstance(event, Answered) for event in events)
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.disposition is Disposition.ANSWERED
    assert (ended.raw.ended_by, ended.raw.status) == ("us", 200)
    finished = [event for event in events if isinstance(event, PlaybackFinished)]
    assert [(event.token, event.complete) for event in finished] == [(t, True) for t in prompts]

    heard_by_them = read(callee.recording())
    for pcm in prompts.values():
        assert_undistorted(pcm, heard_by_them, codec)
    ours = samples(b"".join(event.heard for event in events if isinstance(event, Frame)))
    assert_undistorted(speech_like(4.0, seed=7), ours, codec)


def _talk(line: SipLine, uri: str, prompts: dict[str, bytes], frames: int) -> list[LegEvent]:
    """Call, play a prompt every six seconds, hang up after so many frames."""
    leg = line.dial(uri)
    events: list[LegEvent] = []
    waiting = list(prompts.items())
    while not (events and isinstance(events[-1], Ended)):
        event = leg.events.get(timeout=60)
        events.append(event)
        if isinstance(event, Frame):
            if event.index % 300 == 50 and waiting:
                leg.play(*waiting.pop(0))
            if event.index == frames:
                leg.hangup()
    return events


def _until_finished(callee: Baresip) -> None:
    """Wait until baresip has told that the call is over, so that its file is complete."""
    until = time.monotonic() + 60
    while "terminated (duration" not in callee.log.read_text(errors="replace"):
        assert time.monotonic() < until, "baresip did not notice our BYE"
        time.sleep(0.1)
