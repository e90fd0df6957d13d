"""RTP packets and telephone events, from the byte up."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.sip import rtp
from hw.sip.telephone_event import EventReceiver, event_payloads


@given(
    st.integers(0, 71),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=400),
    st.booleans(),
)
def test_what_is_written_is_read(payload_type, sequence, timestamp, ssrc, payload, marker):
    packet = rtp.RtpPacket(payload_type, sequence, timestamp, ssrc, payload, marker)
    assert rtp.parse(packet.to_bytes()) == packet


@given(st.binary(max_size=64))
def test_any_datagram_is_read_or_refused(datagram):
    with contextlib.suppress(rtp.RtpError):
        assert len(rtp.parse(datagram).payload) <= len(datagram)


def test_sources_extension_and_padding_are_skipped():
    header = struct.pack("!BBHII", 0x80 | 0x30 | 2, 8, 1, 2, 3)
    extension = struct.pack("!HH", 0xBEDE, 1) + b"\1\2\3\4"
    packet = rtp.parse(header + bytes(8) + extension + b"sound" + b"\0\0\3")
    assert packet.payload == b"sound"


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x80\x08",
        bytes(12),
        struct.pack("!BBHII", 0x80, 200, 1, 2, 3),  # RTCP
        struct.pack("!BBHII", 0x8F, 8, 1, 2, 3),
        struct.pack("!BBHII", 0xA0, 8, 1, 2, 3) + b"\x0e",
    ],
)
def test_what_is_not_rtp_is_refused(datagram):
    with pytest.raises(rtp.RtpError):
        rtp.parse(datagram)


def test_counters_wrap_in_a_header_of_twelve_bytes():
    sender = rtp.Sender(ssrc=7, sequence=0xFFFF, timestamp=0xFFFFFFFF - 159)
    seen = []
    for _ in range(3):
        datagram = sender.packet(8, b"x" * 160)
        assert len(datagram) == 172
        packet = rtp.parse(datagram)
        seen.append((packet.sequence, packet.timestamp))
        sender.advance(160)
    assert seen == [(0xFFFF, 0xFFFFFF60), (0, 0), (1, 160)]
    assert rtp.difference(100, 0xFFFFFF9C) == 200
    assert rtp.difference(0xFFFFFF9C, 100) == -200


def press(key: str, timestamp: int, ssrc: int = 1) -> list[rtp.RtpPacket]:
    return [rtp.RtpPacket(101, 0, timestamp, ssrc, each) for each in event_payloads(key)]


def keys(packets: list[rtp.RtpPacket]) -> str:
    receiver = EventReceiver()
    return "".join(filter(None, map(receiver.feed, packets)))


def test_each_press_is_one_key_whatever_arrives_of_it():
    one, again, hash_key = press("1", 1000), press("1", 4000), press("#", 9000)
    assert keys(one + again + hash_key) == "11#"
    assert keys(one[-1:] + again[-2:-1]) == "11"
    assert keys(one + again[:1] + one[-3:] + again[1:]) == "11"
    assert sum(each.payload[1] >> 7 for each in one) == 3
    durations = [struct.unpack("!BBH", each.payload)[2] for each in one]
    assert durations == [160, 320, 480, 640, 800, 800, 800]


def test_a_key_held_long_is_still_one_key():
    first = rtp.RtpPacket(101, 0, 500, 1, struct.pack("!BBH", 5, 10, 0xFFFF))
    second = rtp.RtpPacket(101, 0, 500 + 0xFFFF, 1, struct.pack("!BBH", 5, 10, 160))
    assert keys([first, second]) == "5"


def test_other_events_and_short_payloads_are_no_keys():
    flash = rtp.RtpPacket(101, 0, 1, 1, struct.pack("!BBH", 16, 10, 160))
    noise = rtp.RtpPacket(101, 0, 2, 1, struct.pack("!BBH", 255, 10, 160))
    short = rtp.RtpPacket(101, 0, 3, 1, b"\1\n\0")
    assert keys([flash, noise, short, short._replace(payload=b"")]) == ""
