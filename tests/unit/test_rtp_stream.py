"""One call's stream, fed datagram by datagram and tick by tick."""

import struct

from hw.base import Digit, Frame, PlaybackFinished, PlaybackStarted
from hw.sip import rtp
from hw.sip.g711 import PCMA, PCMU
from hw.sip.stream import Agreement, MediaLost, RtpStream
from hw.sip.telephone_event import event_payloads

THEM = ("192.0.2.1", 4000)
NATTED = ("198.51.100.9", 5004)
STRANGER = ("203.0.113.66", 6000)
LOUD = struct.pack("<160h", *[8064] * 160)


def agreed(**changes) -> RtpStream:
    stream = RtpStream()
    stream.agree(Agreement(**({"remote": THEM, "codec": "PCMA", "telephone_event": 101} | changes)))
    return stream


def ticks(stream: RtpStream, count: int) -> list:
    return [stream.tick(0.0) for _ in range(count)]


def events(stream: RtpStream, count: int, *kinds: type) -> list:
    return [e for tick in ticks(stream, count) for e in tick.events if isinstance(e, kinds)]


def hear(stream: RtpStream, source, numbers: range, *, ssrc: int = 1, codec=PCMA) -> list[Frame]:
    """Deliver loud packets one per tick; the frames of those ticks."""
    frames = []
    for number in numbers:
        sent = rtp.RtpPacket(
            codec.payload_type, number, 160 * number, ssrc, codec.encode(LOUD)
        ).to_bytes()
        stream.receive(sent, source, 0.0)
        frames += [e for e in stream.tick(0.0).events if isinstance(e, Frame)]
    return frames


def is_loud(frame: Frame) -> bool:
    return max(struct.unpack("<160h", frame.heard)) > 4000


def test_sends_without_pause_and_marks_only_where_talk_starts():
    stream = agreed()
    out = ticks(stream, 3)
    stream.play("a", LOUD * 2)
    stream.play("b", LOUD)
    out += ticks(stream, 5)
    stream.agree(Agreement(THEM, "PCMU", 101))
    out += ticks(stream, 2)
    packets = [rtp.parse(tick.datagram) for tick in out]
    first = packets[0]
    for n, packet in enumerate(packets):
        assert packet.sequence == (first.sequence + n) & 0xFFFF
        assert packet.timestamp == (first.timestamp + 160 * n) & 0xFFFFFFFF
        assert (packet.ssrc, len(packet.payload)) == (first.ssrc, 160)
    assert [p.marker for p in packets] == [n == 3 for n in range(10)]
    assert [p.payload[:1] for p in packets[2:7]] == [b"\xd5", *[PCMA.encode(LOUD[:2])] * 3, b"\xd5"]
    assert [(p.payload_type, p.payload[0]) for p in packets[8:]] == [(0, 0xFF)] * 2


def test_playback_reports_frame_and_length():
    stream = agreed()
    ticks(stream, 2)
    stream.play("a", LOUD + LOUD[:32])
    stream.play("b", LOUD * 50)
    stream.play("c", LOUD)
    got = events(stream, 5, PlaybackStarted, PlaybackFinished)
    stream.stop_playback()
    got += events(stream, 2, PlaybackStarted, PlaybackFinished)
    assert got == [
        PlaybackStarted("a", 2),
        PlaybackFinished("a", 3, 22, True),
        PlaybackStarted("b", 4),
        PlaybackFinished("b", 6, 60, False),
        PlaybackFinished("c", 6, 0, False),
    ]


def test_said_is_what_was_sent_in_that_frame():
    stream = agreed()
    stream.play("a", LOUD[:200])
    tick = stream.tick(0.0)
    (frame,) = [e for e in tick.events if isinstance(e, Frame)]
    assert frame.said == LOUD[:200] + bytes(120)
    assert rtp.parse(tick.datagram).payload == PCMA.encode(frame.said)


def test_hold_sends_and_hears_nothing_but_time_goes_on():
    stream = agreed()
    hear(stream, THEM, range(10))
    stream.agree(Agreement(THEM, "PCMA", 101, send=False, receive=False))
    stream.play("a", LOUD)
    held = ticks(stream, 1100)
    assert all(tick.datagram is None for tick in held)
    assert [e for tick in held for e in tick.events if not isinstance(e, Frame)] == []
    assert not any(is_loud(frame) for frame in hear(stream, THEM, range(1110, 1120)))
    stream.agree(Agreement(THEM, "PCMA", 101))
    frames = hear(stream, THEM, range(1120, 1130))
    assert is_loud(frames[-1])
    assert frames[-1].index == 10 + 1100 + 10 + 10 - 1


def test_answers_where_packets_come_from_and_ignores_strangers():
    stream = agreed()
    assert stream.tick(0.0).destination == THEM
    hear(stream, NATTED, range(5))
    assert stream.tick(0.0).destination == NATTED
    hear(stream, STRANGER, range(500, 510), ssrc=9)
    assert stream.tick(0.0).destination == NATTED
    ticks(stream, 60)
    frames = hear(stream, STRANGER, range(600, 610), ssrc=9)
    assert stream.tick(0.0).destination == STRANGER
    assert is_loud(frames[-1])
    hear(stream, THEM, range(1))
    assert stream.tick(0.0).destination == THEM


def test_a_second_ssrc_is_played_only_after_the_first_fell_silent():
    stream = agreed()
    assert is_loud(hear(stream, THEM, range(10))[-1])
    for number in range(10, 30):
        quiet = rtp.RtpPacket(8, number, 160 * number + 70_000, 2, b"\xd5" * 160)
        stream.receive(quiet.to_bytes(), THEM, 0.0)
        assert is_loud(hear(stream, THEM, range(number, number + 1))[0])
    ticks(stream, 10)
    assert is_loud(hear(stream, THEM, range(10), ssrc=3, codec=PCMU)[-1])


def test_keys_are_reported_once_and_garbage_is_survived():
    stream = agreed()
    for number, payload in enumerate(event_payloads("7")):
        stream.receive(rtp.RtpPacket(101, number, 800, 1, payload).to_bytes(), THEM, 0.0)
    for garbage in (b"", b"\x80", b"\x80\x65" + bytes(10), bytes(172), b"\xff" * 40):
        stream.receive(garbage, THEM, 0.0)
    odd = rtp.RtpPacket(101, 9, 900, 1, bytes([77, 0, 0, 0])).to_bytes()
    stream.receive(odd, THEM, 0.0)
    assert events(stream, 3, Digit) == [Digit("7")]
    assert is_loud(hear(stream, THEM, range(10))[-1])


def test_a_pressed_key_is_sent_in_place_of_sound():
    stream, other = agreed(), agreed()
    stream.press("#")
    sent = [rtp.parse(tick.datagram) for tick in ticks(stream, 10)]
    keys = [packet for packet in sent if packet.payload_type == 101]
    assert len(keys) == 7
    assert len({packet.timestamp for packet in keys}) == 1
    assert [packet.marker for packet in keys] == [True] + [False] * 6
    assert sent[7].timestamp == (sent[0].timestamp + 7 * 160) & 0xFFFFFFFF
    for packet in sent:
        other.receive(packet.to_bytes(), THEM, 0.0)
    assert events(other, 2, Digit) == [Digit("#")]


def test_missing_rtp_is_reported_every_20_s():
    stream = agreed()
    hear(stream, THEM, range(10))
    assert events(stream, 990, MediaLost) == []
    assert len(events(stream, 20, MediaLost)) == 1
    assert len(events(stream, 1000, MediaLost)) == 1
    assert stream.tick(0.0).datagram is not None
