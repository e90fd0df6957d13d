"""A SIP line over loopback: what it refuses, how it registers, how it ends in trouble."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hw.base import Answered, Disposition, Ended, Frame, Leg, LegEvent, LineError, Ringing
from hw.sip.line import SipLine, SipSettings
from hw.sip.message import Message, make_response

PATIENCE_S = 60.0
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8\r\n"
)


class SimPeer:
    """A UDP socket that answers each SIP request as a function says."""

    def __init__(self, answer: Callable[[Message], list[Message]]) -> None:
        self.requests: list[Message] = []
        self._answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            data, source = self._socket.recvfrom(65535)
            if data == b"end":
                return
            message = Message(data)
            if message.is_request:
                self.requests.append(message)
                for response in self._answer(message):
                    self._socket.sendto(response.raw, source)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
            ender.sendto(b"end", ("127.0.0.1", self.port))
        self._thread.join(PATIENCE_S)
        self._socket.close()

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]


def silent(request: Message) -> list[Message]:
    return []


def rings(request: Message) -> list[Message]:
    return [make_response(request, 180, to_tag="t")] if request.method == "INVITE" else []


def picks_up(request: Message) -> list[Message]:
    if request.method == "ACK":
        return []
    fields = [("Contact", f"<{request.uri}>"), ("Content-Type", "application/sdp")]
    content = SDP.format(port=9).encode() if request.method == "INVITE" else b""
    return [make_response(request, 200, to_tag="t", fields=fields, content=content)]


class SimRegistrar:
    """Wants a password once, then grants."""

    def __call__(self, request: Message) -> list[Message]:
        if "Authorization" not in dict(request.fields):
            challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
            return [make_response(request, 401, to_tag="r", fields=[challenge])]
        return [make_response(request, 200, to_tag="r", fields=[("Expires", "60")])]


@pytest.fixture
def peers() -> Iterator[Callable[[Callable[[Message], list[Message]]], SimPeer]]:
    made: list[SimPeer] = []

    def make(answer: Callable[[Message], list[Message]]) -> SimPeer:
        made.append(SimPeer(answer))
        return made[-1]

    yield make
    for peer in made:
        peer.close()


@pytest.fixture
def lines() -> Iterator[Callable[..., SipLine]]:
    made: list[SipLine] = []

    def make(**settings: object) -> SipLine:
        made.append(SipLine(SipSettings("test", **settings)))  # type: ignore[arg-type]
        made[-1].start()
        return made[-1]

    yield make
    for line in made:
        line.stop()


def until(leg: Leg, kind: type) -> list[LegEvent]:
    """The leg's events up to and with the first of this kind."""
    events: list[LegEvent] = []
    while not (events and isinstance(events[-1], kind)):
        events.append(leg.events.get(timeout=PATIENCE_S))
    return events


def wait_for(true: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def end_of(leg: Leg) -> Ended:
    ended = until(leg, Ended)[-1]
    assert isinstance(ended, Ended)
    return ended


@pytest.mark.parametrize(
    "address",
    ["", "sip:", "sips:a@127.0.0.1", "bob", "sip:a b@127.0.0.1", "sip:a@h\r\nX: y", "+12025550100"],
)
def test_what_cannot_be_dialled(lines: Callable[..., SipLine], address: str) -> None:
    line = lines()
    with pytest.raises(LineError):
        line.dial(address)
    assert line.status()["channels_in_use"] == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"channels": 0},
        {"codecs": ("G729",)},
        {"codecs": ()},
        {"register": True},
        {"proxy": "not a host"},
        {"caller": "a@b"},
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object]) -> None:
    with pytest.raises(LineError):
        SipSettings("test", **settings)  # type: ignore[arg-type]


def test_not_started_stopped_and_port_in_use(lines: Callable[..., SipLine]) -> None:
    idle = SipLine(SipSettings("idle"))
    with pytest.raises(LineError, match="not started"):
        idle.dial("sip:a@127.0.0.1:9")
    idle.stop()
    port = int(str(lines().status()["address"]).rpartition(":")[2])
    with pytest.raises(LineError, match=f"port {port}"):
        lines(local_port=port)
    idle.start()
    idle.stop()
    idle.stop()
    with pytest.raises(LineError, match="not started"):
        idle.dial("sip:a@127.0.0.1:9")


def test_numbers_go_to_the_proxy_and_a_full_line_says_so(
    lines: Callable[..., SipLine], peers: Callable[..., SimPeer]
) -> None:
    peer = peers(rings)
    line = lines(proxy=peer.address, domain="example.test", caller="+12025550100")
    leg = line.dial("+86 100-0000 0101")
    until(leg, Ringing)
    assert peer.requests[0].uri == "sip:+8610000000101@example.test"
    assert peer.requests[0].first("From").startswith("<sip:+12025550100@example.test>;tag=")
    with pytest.raises(LineError, match="full"):
        line.dial("+8610000000102")


def test_unknown_host_fails_without_waiting_for_timers(lines: Callable[..., SipLine]) -> None:
    ended = end_of(lines().dial("sip:a@host.invalid"))
    assert ended.disposition is Disposition.NETWORK_FAILURE
    assert "host.invalid" in ended.raw.reason


@pytest.mark.parametrize("answer", [silent, rings, picks_up])
def test_stop_ends_legs_even_if_the_peer_is_mute(
    lines: Callable[..., SipLine],
    peers: Callable[..., SimPeer],
    answer: Callable[[Message], list[Message]],
) -> None:
    mute_after = threading.Event()
    peer = peers(lambda request: [] if mute_after.is_set() else answer(request))
    line = lines()
    leg = line.dial(f"sip:a@{peer.address}")
    wait_for(lambda: peer.requests)
    if answer is not silent:
        until(leg, Ringing if answer is rings else Answered)
    mute_after.set()
    line.stop()
    events = until(leg, Ended)
    assert leg.events.empty()
    answered = answer is picks_up
    expected = Disposition.ANSWERED if answered else Disposition.NO_ANSWER
    assert isinstance(events[-1], Ended)
    assert events[-1].disposition is expected
    if answer is not silent:
        assert ("BYE" if answered else "CANCEL") in peer.methods()
    assert line.status()["channels_in_use"] == 0


def test_dead_media_process_ends_the_call_with_bye(
    lines: Callable[..., SipLine], peers: Callable[..., SimPeer]
) -> None:
    peer = peers(picks_up)
    line = lines()
    leg = line.dial(f"sip:a@{peer.address}")
    until(leg, Frame)
    line._media._link._process.kill()  # type: ignore[union-attr]
    ended = end_of(leg)
    assert ended.disposition is Disposition.ANSWERED
    assert ended.raw.ended_by == "network"
    assert "media process" in ended.raw.reason
    assert "BYE" in peer.methods()
    again = line.dial(f"sip:a@{peer.address}")
    until(again, Frame)
    again.hangup()
    assert end_of(again).raw.ended_by == "us"


def test_registers_with_digest_and_leaves(
    lines: Callable[..., SipLine], peers: Callable[..., SimPeer]
) -> None:
    peer = peers(SimRegistrar())
    line = lines(proxy=peer.address, username="user", password="pass", register=True)
    wait_for(lambda: line.status()["registered"])
    assert peer.methods() == ["REGISTER", "REGISTER"]
    line.stop()
    assert peer.requests[-1].first("Expires") == "0"
    assert line.status()["registered"] is False


def test_a_line_without_registration_has_no_opinion(lines: Callable[..., SipLine]) -> None:
    status = lines(channels=3).status()
    assert status["registered"] is None
    assert (status["channels"], status["channels_in_use"]) == (3, 0)
    assert status["last_error"] == ""
