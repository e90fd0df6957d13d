"""Session descriptions: our offer, their answer, hold and what has nothing in common."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.sip.sdp import LocalDescription, Media, SdpError, agree, parse

CODECS = ("PCMA", "PCMU")


def described(media: str, *, session: str = "c=IN IP4 192.0.2.2", more: str = "") -> bytes:
    head = f"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\n{session}\r\nt=0 0\r\n"
    return f"{head}m={media}\r\n{more}".encode()


def test_our_offer() -> None:
    local = LocalDescription("192.0.2.1", 4000, CODECS)
    (stream,) = parse(local.offer())
    assert (stream.host, stream.port) == ("192.0.2.1", 4000)
    assert stream.payload_types == ("8", "0", "101")
    assert stream.names["101"] == "TELEPHONE-EVENT"
    assert stream.direction == "sendrecv"
    assert b"a=ptime:20\r\n" in local.offer()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (described("audio 40 RTP/AVP 0 8"), Media(("192.0.2.2", 40), "PCMU", None)),
        (
            described("audio 40 RTP/AVP 18 8 96", more="a=rtpmap:96 telephone-event/8000\r\n"),
            Media(("192.0.2.2", 40), "PCMA", 96),
        ),
        (
            described("audio 40 RTP/AVP 8", session="c=IN IP4 192.0.2.9", more="c=IN IP4 h.x\r\n"),
            Media(("h.x", 40), "PCMA", None),
        ),
        (
            described("audio 40 RTP/AVP 8", more="a=sendonly\r\n"),
            Media(("192.0.2.2", 40), "PCMA", None, send=False, receive=True),
        ),
        (
            described(
                "audio 40 RTP/AVP 8", session="c=IN IP4 192.0.2.2\r\na=recvonly", more="b=AS:64\r\n"
            ),
            Media(("192.0.2.2", 40), "PCMA", None, send=True, receive=False),
        ),
        (
            described("audio 40 RTP/AVP 8", session="c=IN IP4 0.0.0.0"),
            Media(("0.0.0.0", 40), "PCMA", None, send=False, receive=True),
        ),
        (described("audio 40 RTP/AVP 18 4"), None),
        (described("audio 0 RTP/AVP 8"), None),
        (described("audio 40 RTP/SAVP 8"), None),
        (described("audio 40 RTP/AVP 8", session="c=IN IP6 2001:db8::1"), None),
        (described("video 40 RTP/AVP 8"), None),
        (b"nonsense", None),
        (b"", None),
    ],
)
def test_their_answer(content: bytes, expected: Media | None) -> None:
    assert agree(content, CODECS) == expected


@pytest.mark.parametrize(
    ("theirs", "ours", "send", "receive"),
    [
        ("sendrecv", "sendrecv", True, True),
        ("sendonly", "recvonly", False, True),
        ("recvonly", "sendonly", True, False),
        ("inactive", "inactive", False, False),
    ],
)
def test_hold_is_mirrored(theirs: str, ours: str, send: bool, receive: bool) -> None:
    local = LocalDescription("192.0.2.1", 4000, CODECS)
    answered = local.answer(described("audio 40 RTP/AVP 0 8", more=f"a={theirs}\r\n"))
    assert answered is not None
    content, media = answered
    (stream,) = parse(content)
    assert stream.direction == ours
    assert stream.payload_types == ("0",)
    assert (media.send, media.receive) == (send, receive)


def test_answer_has_every_stream_and_versions_count_changes() -> None:
    local = LocalDescription("192.0.2.1", 4000, CODECS)
    first = local.offer()
    offer = described("video 50 RTP/AVP 96", more="m=audio 40 RTP/AVP 8\r\n")
    answered = local.answer(offer)
    again = local.answer(offer)
    assert answered is not None
    assert again is not None
    video, sound = parse(answered[0])
    assert (video.kind, video.port) == ("video", 0)
    assert (sound.kind, sound.port) == ("audio", 4000)

    def version(content: bytes) -> int:
        return int(content.split()[3])

    assert version(answered[0]) == version(first) + 1
    assert version(again[0]) == version(answered[0])


@given(st.binary(max_size=120))
def test_no_bytes_break_the_parser(noise: bytes) -> None:
    for content in (noise, b"v=0\r\n" + noise, described("audio 4 RTP/AVP 8") + noise):
        agree(content, CODECS)
        with contextlib.suppress(SdpError):
            parse(content)
