"""Requests from the peer: hold, keep-alives, keys, strangers, repetitions."""

from __future__ import annotations

import pytest

from hw.sip.call import Call
from hw.sip.message import Message, make_request
from hw.sip.sdp import parse
from hw.sip.stack import KeyPressed, MediaChanged
from tests.unit.sip_wire import ANSWER_SDP, THEM, Wire

HOLD_SDP = ANSWER_SDP + b"a=sendonly\r\n"
SDP_FIELD = ("Content-Type", "application/sdp")


def talking(sdp: bytes = ANSWER_SDP) -> tuple[Wire, Call]:
    wire = Wire()
    wire.callee.sdp = sdp
    call = wire.dial()
    wire.run(5.0)
    return wire, call


def ask(wire: Wire, method: str, **changes: object) -> Message:
    """Send one request of theirs in the call; our (last) response to it."""
    cseq = changes.pop("cseq", 10)
    assert isinstance(cseq, int)
    wire.at(0.0, lambda: wire.callee.request(method, cseq, **changes) and None)
    wire.run(0.2)
    return wire.callee.responses[-1]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_hold_and_back(method: str) -> None:
    wire, call = talking()
    held = ask(wire, method, cseq=10, content=HOLD_SDP, fields=[SDP_FIELD])
    assert held.code == 200
    assert parse(held.content)[0].direction == "recvonly"
    assert held.first("Contact")
    if method == "INVITE":
        wire.at(0.0, lambda: wire.callee.request("ACK", 10) and None)
    back = ask(wire, method, cseq=11, content=ANSWER_SDP, fields=[SDP_FIELD])
    assert parse(back.content)[0].direction == "sendrecv"
    if method == "INVITE":
        wire.at(0.0, lambda: wire.callee.request("ACK", 11) and None)
    changes = [event.media for event in wire.heard(MediaChanged) if isinstance(event, MediaChanged)]
    assert [(media.send, media.receive) for media in changes] == [(False, True), (True, True)]
    wire.run(100)
    wire.hangup(call, 0.0)
    wire.run(100)
    assert wire.ended.raw.ended_by == "us"
    assert wire.at_rest


def test_reinvite_without_offer_is_answered_in_the_ack() -> None:
    wire, _ = talking()
    response = ask(wire, "INVITE")
    assert len(parse(response.content)[0].payload_types) == 3
    moved = ANSWER_SDP.replace(b"4000", b"4500")
    wire.at(0.0, lambda: wire.callee.request("ACK", 10, content=moved) and None)
    wire.run(1.0)
    (change,) = wire.heard(MediaChanged)
    assert isinstance(change, MediaChanged)
    assert change.media.remote == ("192.0.2.2", 4500)


def test_reinvite_we_cannot_do_leaves_the_call_as_it_was() -> None:
    wire, call = talking()
    video = ANSWER_SDP.replace(b"AVP 8 101", b"AVP 18")
    assert ask(wire, "INVITE", content=video, fields=[SDP_FIELD]).code == 488
    assert ask(wire, "INVITE", cseq=11, content=b"x", fields=[("c", "text/plain")]).code == 415
    assert not wire.heard(MediaChanged)
    assert call.media is not None


def test_reinvite_never_acknowledged_ends_the_call() -> None:
    wire, _ = talking()
    response = ask(wire, "INVITE", content=HOLD_SDP, fields=[SDP_FIELD])
    wire.run(100)
    repeats = [r for r in wire.callee.responses if r.branch == response.branch]
    assert len(repeats) == 11  # timer G: 0.5 1 2 4 4 4 ... for 32 s
    assert wire.ended.raw.ended_by == "network"
    assert wire.ended.disposition == "answered"


@pytest.mark.parametrize("method", ["INFO", "INVITE"])
def test_repeated_request_is_answered_from_memory(method: str) -> None:
    wire, _ = talking()
    same = {"branch": "z9hG4bKsame", "content": ANSWER_SDP, "fields": [SDP_FIELD]}
    first = ask(wire, method, **same)
    again = ask(wire, method, **same)
    assert first.raw == again.raw
    assert len(wire.callee.responses) == 2


@pytest.mark.parametrize(
    ("method", "changes", "code"),
    [
        ("OPTIONS", {}, 200),
        ("INFO", {}, 200),
        ("UPDATE", {}, 200),
        ("REFER", {}, 405),
        ("SUBSCRIBE", {}, 405),
        ("BYE", {"tag": "stranger"}, 481),
        ("INFO", {"tag": "stranger"}, 481),
        ("BYE", {"to": "<sip:branchline@192.0.2.1>;tag=another"}, 481),
        ("OPTIONS", {"fields": [("Require", "100rel, timer")]}, 420),
        ("CANCEL", {}, 481),
    ],
)
def test_answers(method: str, changes: dict[str, object], code: int) -> None:
    wire, call = talking()
    response = ask(wire, method, **changes)
    assert response.code == code
    assert response.to_tag == ("another" if "to" in changes else call.local_tag)
    if code == 405:
        assert "INVITE" in response.first("Allow")
    assert call.phase.name == "TALKING"


def test_old_cseq_is_refused() -> None:
    wire, _ = talking()
    assert ask(wire, "INFO", cseq=10).code == 200
    assert ask(wire, "INFO", cseq=9).code == 500


@pytest.mark.parametrize(
    ("sdp", "expected"),
    [(ANSWER_SDP, []), (ANSWER_SDP.replace(b" 101", b""), [KeyPressed("5")])],
)
def test_keys_by_info_count_only_without_telephone_event(
    sdp: bytes, expected: list[KeyPressed]
) -> None:
    wire, _ = talking(sdp)
    content = b"Signal=5\r\nDuration=160\r\n"
    ask(wire, "INFO", content=content, fields=[("Content-Type", "application/dtmf-relay")])
    assert wire.heard(KeyPressed) == expected


@pytest.mark.parametrize(("method", "code"), [("INVITE", 480), ("OPTIONS", 200), ("BYE", 481)])
def test_outside_any_call(method: str, code: int) -> None:
    wire = Wire()
    fields = [
        ("Via", f"SIP/2.0/UDP {THEM[0]}:{THEM[1]};branch=z9hG4bKx"),
        ("From", "<sip:a@x>;tag=1"),
        ("To", "<sip:b@y>"),
        ("Call-ID", "unknown"),
        ("CSeq", f"1 {method}"),
    ]
    request = make_request(method, "sip:192.0.2.1", fields)
    wire.at(0.0, lambda: wire.endpoint.receive(request.raw, THEM, wire.now))
    wire.run(1.0)
    assert wire.sent[0].code == code
    assert wire.sent[0].to_tag
    if method == "INVITE":
        ack = make_request("ACK", "sip:192.0.2.1", [*fields[:-1], ("CSeq", "1 ACK")])
        wire.at(0.0, lambda: wire.endpoint.receive(ack.raw, THEM, wire.now))
    wire.run(100.0)
    assert len(wire.sent) == (2 if method == "INVITE" else 1)
    assert wire.at_rest


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\0\0\0\0", b"", b"\xff" * 50, b"GET / HTTP/1.1"])
def test_noise_changes_nothing(data: bytes) -> None:
    wire, call = talking()
    wire.endpoint.receive(data, THEM, wire.now)
    assert wire.endpoint.take() == []
    assert call.phase.name == "TALKING"
