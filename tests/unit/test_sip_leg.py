"""A leg between signalling and sound: order of events, and when silence is a fault."""

from __future__ import annotations

import pytest

from hw.base import Answered, Digit, Disposition, Ended, Frame, Raw, Ringing
from hw.sip import stack
from hw.sip.line import SipLeg
from hw.sip.sdp import Media
from hw.sip.stream import MediaLost

MEDIA = Media(("192.0.2.2", 4000), "PCMA", 101)
HELD = Media(("192.0.2.2", 4000), "PCMA", 101, send=False)
FRAME = Frame(0, bytes(320), bytes(320))
ENDED = stack.CallEnded(Disposition.ANSWERED, Raw(status=200))
SILENCE = MediaLost("no RTP received for 20 s")
DEAD = MediaLost("the media process ended", final=True)


class SimPort:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.connected: list[tuple[object, ...]] = []
        self.played: list[str] = []
        self.closed = 0

    def connect(
        self, remote: object, codec: str, event: object, *, send: bool, receive: bool
    ) -> None:
        self.connected.append((remote, codec, event, send, receive))

    def play(self, token: str, pcm: bytes) -> None:
        self.played.append(token)

    def close(self) -> None:
        self.closed += 1


class SimHandle:
    """Counts why the call was ended."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def lose_media(self, reason: str) -> None:
        self.lost.append(reason)


def leg_of(*events: stack.CallEvent) -> tuple[SipLeg, SimPort, SimHandle]:
    leg, port, handle = SipLeg(), SimPort(), SimHandle()
    leg.attach_media(port)  # type: ignore[arg-type]
    leg.attach_call(handle)  # type: ignore[arg-type]
    for event in events:
        leg.on_call(event)
    return leg, port, handle


def told(leg: SipLeg) -> list[object]:
    events = []
    while not leg.events.empty():
        events.append(leg.events.get())
    return events


def test_order_of_events_and_nothing_after_the_end() -> None:
    leg, port, _ = leg_of(stack.CallRinging(183, MEDIA))
    leg.on_media(FRAME)
    leg.on_call(stack.CallAnswered(MEDIA))
    leg.on_media(Digit("5"))
    leg.play("a", b"")
    leg.on_call(stack.CallClosing())
    leg.on_call(ENDED)
    leg.on_call(ENDED)
    leg.on_media(FRAME)
    leg.play("b", b"")
    assert told(leg) == [
        Ringing(183, early_media=True),
        FRAME,
        Answered(),
        Digit("5"),
        Ended(Disposition.ANSWERED, Raw(status=200)),
    ]
    assert port.played == ["a"]
    assert port.closed
    assert leg.is_over


def test_hold_is_passed_to_the_port() -> None:
    _, port, _ = leg_of(stack.CallAnswered(MEDIA), stack.MediaChanged(HELD))
    assert port.connected == [
        (("192.0.2.2", 4000), "PCMA", 101, True, True),
        (("192.0.2.2", 4000), "PCMA", 101, False, True),
    ]


@pytest.mark.parametrize(
    ("events", "silence_ends"),
    [
        ([stack.CallRinging(183, MEDIA)], False),
        ([stack.CallRinging(183, MEDIA), stack.CallAnswered(MEDIA)], True),
        ([stack.CallAnswered(MEDIA), stack.MediaChanged(HELD)], False),
        ([stack.CallAnswered(MEDIA), stack.MediaChanged(HELD), stack.MediaChanged(MEDIA)], True),
    ],
)
def test_silence_is_a_fault_only_in_a_call_that_is_not_held(
    events: list[stack.CallEvent], silence_ends: bool
) -> None:
    leg, _, handle = leg_of(*events)
    leg.on_media(SILENCE)
    assert handle.lost == ([SILENCE.reason] if silence_ends else [])
    leg.on_media(DEAD)
    assert handle.lost[-1] == DEAD.reason
