"""Messages as they come from the field: folded, compact, oddly written, broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVoIP.SIP import SIPMessage

from hw.base import LineError
from hw.sip.address import NameAddress, Uri, split_list
from hw.sip.message import Message, MessageError, make_request, make_response

FIELD = (
    b"SIP/2.0 299 Odd: but fine\r\n"
    b"v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport=5060,SIP/2.0/UDP 192.0.2.3;branch=b\r\n"
    b'FROM: "Li, \\"Bo\\": x" <sip:a@x>;tag=us\r\n'
    b"t: <sip:b@y;user=phone>;x=1;TAG=them\r\n"
    b"i: abc\r\n"
    b"cseq:   7\tINVITE\r\n"
    b"record-route: <sip:p1;lr>,\r\n"
    b"  <sip:p2;lr>\r\n"
    b"Record-Route: <sip:p3;lr>\r\n"
    b"X-Note: time: 10:00\r\n"
    b"l: 4\r\n"
    b"\r\n"
    b"\r\n\r\nrest"
)
REQUEST = (
    b"INVITE sip:b@y SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;rport\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKb\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\n"
    b"Call-ID: c\r\nCSeq: 1 INVITE\r\nRecord-Route: <sip:p1;lr>\r\n\r\n"
)


def test_a_message_from_the_field() -> None:
    message = Message(FIELD)
    assert isinstance(message, SIPMessage)
    assert (message.code, message.reason, message.is_request) == (299, "Odd: but fine", False)
    assert message.all("Record-Route") == ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]
    assert len(message.all("Via")) == 2
    assert message.via == (
        "192.0.2.1:5060",
        {"branch": "z9hG4bKa", "rport": "5060"},
    )
    assert (message.from_tag, message.to_tag) == ("us", "them")
    assert (message.call_id, message.cseq, message.method) == ("abc", (7, "INVITE"), "INVITE")
    assert message.first("X-Note") == "time: 10:00"
    assert message.content == b"\r\n\r\n"
    assert message.headers["X-Note"] == "time: 10:00"
    assert len(message.headers["Via"]) == 2
    assert int(message.status) == 200  # what pyVoIP's own code may take a 299 for


def test_unknown_method_is_read_and_not_refused() -> None:
    message = Message(REQUEST.replace(b"INVITE", b"FROBNICATE"))
    assert message.is_request
    assert message.method == "FROBNICATE"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"hello",
        b"SIP/2.0 99 Low\r\n\r\n",
        b"INVITE sip:b@y SIP/3.0\r\n\r\n",
        REQUEST.replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
        REQUEST.replace(b"CSeq: 1 INVITE", b"CSeq: x INVITE"),
        REQUEST.replace(b"Call-ID: c\r\n", b""),
        REQUEST.replace(b"\r\n\r\n", b"\r\nContent-Length: 10\r\n\r\nshort"),
        REQUEST.replace(b"Call-ID", b"no colon here\r\nCall-ID"),
    ],
)
def test_what_is_no_message_is_refused(broken: bytes) -> None:
    with pytest.raises(MessageError):
        Message(broken)


@given(st.binary(max_size=200), st.integers(0, len(FIELD)), st.integers(0, 40))
def test_no_bytes_break_the_parser(noise: bytes, at: int, cut: int) -> None:
    for data in (noise, FIELD[:at] + noise + FIELD[at + cut :]):
        try:
            message = Message(data)
            assert message.call_id
            assert message.from_tag is not None
        except LineError:
            pass


def test_response_copies_what_it_must() -> None:
    request = Message(REQUEST)
    response = make_response(request, 486, to_tag="t", source=("198.51.100.7", 6000))
    assert response.raw.startswith(b"SIP/2.0 486 Busy Here\r\n")
    first, second = response.all("Via")
    assert "received=198.51.100.7" in first
    assert "rport=6000" in first
    assert second == "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKb"
    assert response.to_tag == "t"
    assert response.all("Record-Route") == ["<sip:p1;lr>"]
    assert response.cseq == (1, "INVITE")
    assert response.raw.endswith(b"Content-Length: 0\r\n\r\n")


def test_request_survives_its_own_bytes() -> None:
    fields = [(name, value) for name, value in Message(REQUEST).fields]
    message = make_request("INVITE", "sip:b@y", fields, b"v=0\r\n\r\nx")
    assert message.content == b"v=0\r\n\r\nx"
    assert Message(message.raw).fields == message.fields


@pytest.mark.parametrize(
    ("text", "hop", "loose"),
    [
        ("sip:+8610000000101@192.0.2.1:5080", ("192.0.2.1", 5080), False),
        ("SIP:host;lr;transport=udp", ("host", 5060), True),
        ("sip:a:secret@host?Subject=x", ("host", 5060), False),
        ("sip:[2001:db8::1]:5070", ("[2001:db8::1]", 5070), False),
    ],
)
def test_uris(text: str, hop: tuple[str, int], loose: bool) -> None:
    uri = Uri.parse(text)
    assert (uri.hop, uri.loose) == (hop, loose)


@pytest.mark.parametrize("text", ["tel:+1", "sips:a@b", "sip:a@b:99999", "sip:", "sip:a b@c", ""])
def test_bad_uris(text: str) -> None:
    with pytest.raises(LineError):
        Uri.parse(text)


def test_name_addresses_and_lists() -> None:
    assert split_list('"a, b" <sip:x,y@z>, <sip:q>;p="1,2",sip:r') == [
        '"a, b" <sip:x,y@z>',
        '<sip:q>;p="1,2"',
        "sip:r",
    ]
    address = NameAddress.parse('"A <b>" <sip:x@y;lr>;tag=1')
    assert (address.display, address.uri, address.tag) == ('"A <b>"', "sip:x@y;lr", "1")
    assert NameAddress.parse("sip:x@y;tag=2").uri == "sip:x@y"
