"""Outgoing calls in virtual time: every message lost, doubled, late; every kind of end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.base import Disposition
from hw.sip.stack import CallAnswered, CallRinging
from tests.unit.sip_wire import ANSWER_SDP, SimCallee, Wire

FOREVER_S = 300.0
FAULTS = {"lost": [], "twice": [0.0, 0.2], "late": [3.0]}


def normal_call(faults: dict[int, list[float]]) -> Wire:
    """Answered after a second, hung up by us after another ten."""
    wire = Wire(faults=faults)
    call = wire.dial()
    wire.hangup(call, 20.0)
    wire.run(FOREVER_S)
    return wire


def test_a_normal_call() -> None:
    wire = normal_call({})
    sequence = [request.method for request in wire.callee.requests]
    assert sequence == ["INVITE", "ACK", "BYE"]
    assert [type(event).__name__ for _, event in wire.events] == [
        "CallRinging",
        "CallAnswered",
        "CallClosing",
        "CallEnded",
    ]
    assert wire.ended.disposition is Disposition.ANSWERED
    assert (wire.ended.raw.status, wire.ended.raw.ended_by) == (200, "us")
    assert wire.at_rest


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(6))  # INVITE 180 200 ACK BYE 200
def test_one_bad_datagram_changes_nothing(number: int, fault: str) -> None:
    wire = normal_call({number: FAULTS[fault]})
    assert wire.ended.disposition is Disposition.ANSWERED
    assert len(wire.heard(CallAnswered)) == 1
    assert wire.callee.got("ACK")
    assert wire.callee.hung_up
    assert wire.at_rest


@settings(max_examples=150, deadline=None)
@given(
    faults=st.dictionaries(
        st.integers(0, 30), st.sampled_from([[], [0.0, 0.2], [3.0], [0.5, 7.0], [40.0]])
    ),
    hangup_s=st.floats(0.0, 30.0),
    ring_timeout_s=st.floats(0.5, 60.0),
    final=st.sampled_from([200, 200, 200, 486, 480, 302, None]),
    provisional=st.sampled_from([None, 100, 180, 183]),
)
def test_no_weather_leaves_a_call_behind(
    faults: dict[int, list[float]],
    hangup_s: float,
    ring_timeout_s: float,
    final: int | None,
    provisional: int | None,
) -> None:
    wire = Wire(SimCallee(final=final, provisional=provisional), faults)
    call = wire.dial(ring_timeout_s=ring_timeout_s)
    wire.hangup(call, hangup_s)
    wire.run(FOREVER_S)
    assert wire.ended.disposition in set(Disposition)
    assert wire.at_rest


@pytest.mark.parametrize("provisional", [None, 100, 180, 183])
@pytest.mark.parametrize(
    ("final", "silent", "rang"),
    [
        (301, Disposition.INVALID, Disposition.INVALID),
        (403, Disposition.BLOCKED, Disposition.REJECTED),
        (404, Disposition.INVALID, Disposition.INVALID),
        (480, Disposition.UNREACHABLE, Disposition.NO_ANSWER),
        (486, Disposition.BUSY, Disposition.BUSY),
        (488, Disposition.CONFIGURATION, Disposition.CONFIGURATION),
        (499, Disposition.CONFIGURATION, Disposition.CONFIGURATION),
        (503, Disposition.NETWORK_FAILURE, Disposition.NETWORK_FAILURE),
        (600, Disposition.BUSY, Disposition.BUSY),
        (603, Disposition.REJECTED, Disposition.REJECTED),
    ],
)
def test_every_refusal_is_acknowledged(
    final: int, provisional: int | None, silent: Disposition, rang: Disposition
) -> None:
    wire = Wire(SimCallee(final=final, provisional=provisional))
    wire.dial()
    wire.run(FOREVER_S)
    invite = wire.callee.requests[0]
    acks = wire.callee.got("ACK")
    assert len(acks) == 1
    assert acks[0].branch == invite.branch
    assert acks[0].uri == invite.uri
    assert acks[0].to_tag == "callee"
    assert acks[0].cseq == (1, "ACK")
    after_18x = provisional is not None and provisional >= 180
    assert wire.ended.disposition is (rang if after_18x else silent)
    assert wire.ended.raw.status == final
    assert wire.at_rest


def test_each_repetition_of_a_refusal_gets_its_ack() -> None:
    wire = Wire(SimCallee(final=486), faults={3: []})  # INVITE 180 486 [ACK]
    wire.dial()
    wire.run(FOREVER_S)
    assert sum(request.method == "ACK" for request in wire.sent) == 2
    assert len(wire.callee.got("ACK")) == 1
    assert wire.ended.disposition is Disposition.BUSY


def test_nobody_there_ends_with_timer_b() -> None:
    wire = Wire(faults={key: [] for key in range(100)})
    wire.dial(ring_timeout_s=60)
    wire.run(FOREVER_S)
    assert [request.method for request in wire.sent] == ["INVITE"] * 7
    ended_at = wire.events[-1][0]
    assert ended_at - 1000.0 == pytest.approx(32.0)
    assert wire.ended.disposition is Disposition.NETWORK_FAILURE
    assert wire.at_rest


def test_ring_timeout_cancels_and_counts_as_no_answer() -> None:
    wire = Wire(SimCallee(final=None))
    wire.dial(ring_timeout_s=10)
    wire.run(FOREVER_S)
    assert [request.method for request in wire.callee.requests] == ["INVITE", "CANCEL", "ACK"]
    invite, cancel, _ = wire.callee.requests
    assert cancel.branch == invite.branch
    assert cancel.cseq == (invite.cseq[0], "CANCEL")
    assert cancel.uri == invite.uri
    assert wire.ended.disposition is Disposition.NO_ANSWER
    assert wire.ended.raw.status == 487
    assert wire.ended.raw.reason == "ring timeout"
    assert wire.ended.raw.ended_by == "us"
    assert wire.at_rest


def test_ring_timeout_without_any_answer_is_the_network() -> None:
    wire = Wire(faults={key: [] for key in range(4)})  # the first INVITEs get lost
    wire.dial(ring_timeout_s=3)
    wire.run(FOREVER_S)
    assert wire.ended.disposition is Disposition.NETWORK_FAILURE
    assert len(wire.callee.requests) == 0
    assert wire.at_rest


def test_late_answer_to_an_attempt_given_up_is_taken_back() -> None:
    wire = Wire(SimCallee(provisional=None, think_s=5.0))
    wire.dial(ring_timeout_s=3)
    wire.run(FOREVER_S)
    assert [request.method for request in wire.callee.requests][-2:] == ["ACK", "BYE"]
    assert wire.ended.disposition is Disposition.NETWORK_FAILURE
    assert wire.callee.hung_up
    assert wire.at_rest


def test_answer_crossing_our_cancel_is_acknowledged_and_ended() -> None:
    wire = Wire(SimCallee(think_s=9.995))
    wire.dial(ring_timeout_s=10.0)
    wire.run(FOREVER_S)
    methods = [request.method for request in wire.callee.requests]
    assert methods == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert not wire.heard(CallAnswered)
    assert wire.ended.disposition is Disposition.NO_ANSWER
    assert wire.ended.raw.status == 200
    assert wire.at_rest


def test_hangup_while_ringing_and_twice() -> None:
    wire = Wire(SimCallee(final=None))
    call = wire.dial()
    wire.hangup(call, 2.0)
    wire.hangup(call, 2.001)
    wire.run(FOREVER_S)
    assert len(wire.callee.got("CANCEL")) == 1
    assert wire.ended.disposition is Disposition.NO_ANSWER
    assert wire.at_rest


def test_they_hang_up_with_a_cause() -> None:
    wire = Wire()
    wire.dial()
    reason = 'SIP;cause=200, Q.850;cause=16;text="Normal, clearing"'
    wire.at(5.0, lambda: wire.callee.request("BYE", 7, fields=[("Reason", reason)]))
    wire.run(FOREVER_S)
    assert wire.ended.disposition is Disposition.ANSWERED
    assert (wire.ended.raw.ended_by, wire.ended.raw.q850) == ("them", 16)
    assert [response.code for response in wire.callee.responses] == [200]
    assert not wire.callee.got("BYE")
    assert wire.at_rest


def test_peer_that_vanished_gets_eleven_byes() -> None:
    wire = Wire(faults={number: [] for number in range(4, 100)})  # INVITE 180 200 ACK arrive
    call = wire.dial()
    wire.hangup(call, 5.0)
    wire.run(FOREVER_S)
    assert [request.method for request in wire.sent] == ["INVITE", "ACK"] + ["BYE"] * 11
    assert wire.events[-1][0] - 1005.0 == pytest.approx(32.0)
    assert wire.ended.disposition is Disposition.ANSWERED
    assert wire.at_rest


def test_both_hang_up_at_once() -> None:
    wire = Wire()
    call = wire.dial()
    wire.hangup(call, 5.0)
    wire.at(5.0, lambda: wire.callee.request("BYE", 7))
    wire.run(FOREVER_S)
    assert wire.ended.disposition is Disposition.ANSWERED
    assert [response.code for response in wire.callee.responses] == [200]
    assert wire.at_rest


def test_cause_in_the_refusal_outranks_its_code() -> None:
    cause = (("Reason", "Q.850;cause=17"),)
    wire = Wire(SimCallee(final=503, final_fields=cause))
    wire.dial()
    wire.run(FOREVER_S)
    assert wire.ended.disposition is Disposition.BUSY
    assert wire.ended.raw.q850 == 17


def test_answer_without_common_codec_is_hung_up() -> None:
    wire = Wire(SimCallee(sdp=ANSWER_SDP.replace(b"AVP 8 101", b"AVP 18")))
    wire.dial()
    wire.run(FOREVER_S)
    assert [request.method for request in wire.callee.requests] == ["INVITE", "ACK", "BYE"]
    assert wire.ended.disposition is Disposition.CONFIGURATION
    assert wire.at_rest


def test_losing_fork_is_acknowledged_and_hung_up() -> None:
    wire = Wire(SimCallee(fork_tag="other"))
    call = wire.dial()
    wire.hangup(call, 10.0)
    wire.run(FOREVER_S)
    for tag in ("other", "callee"):
        methods = [request.method for request in wire.callee.requests if request.to_tag == tag]
        assert methods == ["ACK", "BYE"]
    byes = {bye.to_tag: wire.sent.index(bye) for bye in wire.sent if bye.method == "BYE"}
    assert byes["other"] < byes["callee"]
    assert len(wire.heard(CallAnswered)) == 1
    assert wire.ended.disposition is Disposition.ANSWERED
    assert wire.at_rest


def test_losing_fork_hanging_up_does_not_end_the_call() -> None:
    wire = Wire(SimCallee(fork_tag="other"))
    call = wire.dial()
    wire.at(5.0, lambda: wire.callee.request("BYE", 7, tag="other") and None)
    wire.run(20.0)
    assert [response.code for response in wire.callee.responses] == [200]
    assert call.phase.name == "TALKING"


def test_route_set_and_contact_steer_ack_and_bye() -> None:
    routes = (
        ("Record-Route", "<sip:192.0.2.9:5090;lr>, <sip:192.0.2.8;lr>"),
        ("record-route", "<sip:192.0.2.7;lr>"),
    )
    wire = Wire(SimCallee(fields=routes))
    call = wire.dial()
    wire.hangup(call, 5.0)
    wire.run(FOREVER_S)
    for request in (*wire.callee.got("ACK"), *wire.callee.got("BYE")):
        assert request.all("Route") == [
            "<sip:192.0.2.7;lr>",
            "<sip:192.0.2.8;lr>",
            "<sip:192.0.2.9:5090;lr>",
        ]
        assert request.uri == "sip:callee@192.0.2.2:5070"
    assert call.dialog is not None
    message, target = call.dialog.request("INFO")
    assert target == ("192.0.2.7", 5060)
    assert len({m.branch for m in (*wire.sent, message)}) == 4


def test_strict_router_gets_the_request_line() -> None:
    wire = Wire(SimCallee(fields=(("Record-Route", "<sip:192.0.2.7:5062>"),)))
    wire.dial()
    wire.run(5.0)
    (ack,) = wire.callee.got("ACK")
    assert ack.uri == "sip:192.0.2.7:5062"
    assert ack.all("Route") == ["<sip:callee@192.0.2.2:5070>"]


def test_early_media_connects_before_the_answer() -> None:
    wire = Wire(SimCallee(provisional=183, early_sdp=ANSWER_SDP))
    wire.dial()
    wire.run(0.5)
    (ringing,) = wire.heard(CallRinging)
    assert isinstance(ringing, CallRinging)
    assert ringing.status == 183
    assert ringing.media is not None
    assert ringing.media.remote == ("192.0.2.2", 4000)


def test_answer_without_description_keeps_the_early_one() -> None:
    wire = Wire(SimCallee(provisional=183, early_sdp=ANSWER_SDP, sdp=b""))
    wire.dial()
    wire.run(5)
    (answered,) = wire.heard(CallAnswered)
    assert isinstance(answered, CallAnswered)
    assert answered.media.codec == "PCMA"
