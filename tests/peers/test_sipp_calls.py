"""Calls to SIPp: every kind of answer, as a real peer gives it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hw.base import Answered, Disposition, Ended, Frame, Leg, LegEvent, Ringing
from hw.sip import g711
from hw.sip.line import SipLine, SipSettings
from tests.peers.sipp import Sipp

PATIENCE_S = 60.0


@pytest.fixture
def line() -> Iterator[SipLine]:
    settings = SipSettings("test", username="user", password="secret", caller="+12025550100")
    line = SipLine(settings)
    line.start()
    yield line
    line.stop()


def events_until(leg: Leg, kind: type, *, limit_s: float = PATIENCE_S) -> list[LegEvent]:
    """What the leg tells, up to and with the first event of this kind."""
    until = time.monotonic() + limit_s
    events: list[LegEvent] = []
    while not (events and isinstance(events[-1], kind)):
        events.append(leg.events.get(timeout=max(0.1, until - time.monotonic())))
    return events


def end_of(leg: Leg) -> Ended:
    """The leg's end, which is also its last event."""
    ended = events_until(leg, Ended)[-1]
    assert isinstance(ended, Ended)
    assert leg.events.empty()
    return ended


@pytest.mark.parametrize(
    ("scenario", "status", "disposition"),
    [
        ("final", "486 Busy Here", Disposition.BUSY),
        ("final", "603 Decline", Disposition.REJECTED),
        ("final", "404 Not Found", Disposition.INVALID),
        ("final", "480 Temporarily Unavailable", Disposition.UNREACHABLE),
        ("final", "503 Service Unavailable", Disposition.NETWORK_FAILURE),
        ("final", "302 Moved Temporarily", Disposition.UNREACHABLE),
        ("ringing_final", "480 Temporarily Unavailable", Disposition.NO_ANSWER),
        ("ringing_final", "403 Forbidden", Disposition.REJECTED),
        ("ringing_final", "486 Busy Here", Disposition.BUSY),
    ],
)
def test_refusals(
    line: SipLine,
    tmp_path: Path,
    scenario: str,
    status: str,
    disposition: Disposition,
) -> None:
    with Sipp(scenario, tmp_path, status=status) as callee:
        ended = end_of(line.dial(callee.uri))
    callee.check()
    assert ended.disposition is disposition
    assert ended.raw.status == int(status[:3])
    assert ended.raw.last_provisional == (180 if scenario == "ringing_final" else None)
    assert callee.messages().count("ACK sip:") == 1


def hang_up_after(leg: Leg, frames: int) -> Ended:
    """Wait for the answer, then for so many frames, then hang up."""
    events_until(leg, Answered)
    for _ in range(frames):
        events_until(leg, Frame)
    leg.hangup()
    return end_of(leg)


def test_answer_without_ringing(line: SipLine, tmp_path: Path) -> None:
    with Sipp("answer_first", tmp_path) as callee:
        ended = hang_up_after(line.dial(callee.uri), frames=20)
    callee.check()
    assert ended.disposition is Disposition.ANSWERED
    assert (ended.raw.status, ended.raw.ended_by) == (200, "us")
    assert line.status()["channels_in_use"] == 0


def test_early_media_is_heard_before_the_answer(line: SipLine, tmp_path: Path) -> None:
    tone = (8000 * np.sin(2 * np.pi * 450 * np.arange(8000) / 8000)).astype("<i2").tobytes()
    (tmp_path / "tone.alaw").write_bytes(g711.BY_NAME["PCMA"].encode(tone))
    with Sipp("early_media", tmp_path) as callee:
        leg = line.dial(callee.uri)
        early = events_until(leg, Answered)
        ended = hang_up_early(leg)
    callee.check()
    assert Ringing(183, early_media=True) in early
    heard = b"".join(event.heard for event in early if isinstance(event, Frame))
    samples = np.frombuffer(heard, dtype="<i2").astype(float)
    loud = samples[np.abs(samples) > 100]
    assert len(loud) > 2000
    assert np.sqrt(np.mean(loud**2)) > 3000
    assert ended.disposition is Disposition.ANSWERED


def hang_up_early(leg: Leg) -> Ended:
    leg.hangup()
    return end_of(leg)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_proxy_asks_for_the_password(line: SipLine, tmp_path: Path, algorithm: str) -> None:
    with Sipp("proxy_asks", tmp_path, algorithm=algorithm) as callee:
        ended = hang_up_after(line.dial(callee.uri), frames=5)
    callee.check()
    assert ended.disposition is Disposition.ANSWERED


def test_proxy_refuses_the_password(line: SipLine, tmp_path: Path) -> None:
    with Sipp("proxy_refuses", tmp_path) as callee:
        ended = end_of(line.dial(callee.uri))
    callee.check()
    assert ended.disposition is Disposition.BLOCKED
    assert ended.raw.status == 407


def test_ack_and_bye_follow_the_recorded_route(line: SipLine, tmp_path: Path) -> None:
    with Sipp("record_route", tmp_path) as callee:
        ended = hang_up_after(line.dial(callee.uri), frames=5)
    callee.check()
    assert ended.disposition is Disposition.ANSWERED


@pytest.mark.parametrize("how", ["ring timeout", "hung up before the answer"])
def test_nobody_picks_up(line: SipLine, tmp_path: Path, how: str) -> None:
    with Sipp("never_answers", tmp_path) as callee:
        leg = line.dial(callee.uri, ring_timeout_s=2.0 if how == "ring timeout" else 60.0)
        events_until(leg, Ringing)
        if how != "ring timeout":
            leg.hangup()
        ended = end_of(leg)
    callee.check()
    assert ended.disposition is Disposition.NO_ANSWER
    assert (ended.raw.status, ended.raw.reason, ended.raw.ended_by) == (487, how, "us")
    log = callee.messages()
    invite = log[log.index("INVITE sip:") :]
    branch = invite[invite.index("branch=") :].split(";")[0].split()[0]
    assert log[log.index("CANCEL sip:") :].split("branch=")[1].startswith(branch[7:])


def test_answer_and_cancel_cross(line: SipLine, tmp_path: Path) -> None:
    with Sipp("answer_crosses_cancel", tmp_path) as callee:
        leg = line.dial(callee.uri)
        events_until(leg, Ringing)
        leg.hangup()
        events = events_until(leg, Ended)
    callee.check()
    assert not any(isinstance(event, Answered) for event in events)
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.disposition is Disposition.NO_ANSWER
    assert ended.raw.status == 200


def test_each_repeated_200_is_acknowledged(line: SipLine, tmp_path: Path) -> None:
    with Sipp("ack_lost", tmp_path, "-nr") as callee:
        ended = hang_up_after(line.dial(callee.uri), frames=120)
    callee.check()
    assert callee.messages().count("ACK sip:") == 3
    assert ended.disposition is Disposition.ANSWERED


def test_they_hang_up(line: SipLine, tmp_path: Path) -> None:
    with Sipp("hangs_up", tmp_path) as callee:
        ended = end_of(line.dial(callee.uri))
    callee.check()
    assert ended.disposition is Disposition.ANSWERED
    assert (ended.raw.ended_by, ended.raw.q850) == ("them", 16)


def test_hold_and_requests_within_the_call(line: SipLine, tmp_path: Path) -> None:
    with Sipp("hold", tmp_path) as callee:
        ended = hang_up_after(line.dial(callee.uri), frames=150)
    callee.check()
    assert ended.disposition is Disposition.ANSWERED


def test_several_calls_at_once_and_a_full_line(tmp_path: Path) -> None:
    line = SipLine(SipSettings("wide", channels=3))
    line.start()
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    callees = [Sipp("answer_first", folder) for folder in folders]
    for callee in callees:
        callee.__enter__()
    legs = [line.dial(callee.uri) for callee in callees]
    for leg in legs:
        events_until(leg, Frame)
    assert line.status()["channels_in_use"] == 3
    started = time.monotonic()
    line.stop()
    assert time.monotonic() - started < PATIENCE_S
    for leg, callee in zip(legs, callees, strict=True):
        assert end_of(leg).disposition is Disposition.ANSWERED
        callee.__exit__(None, None, None)
        callee.check()
