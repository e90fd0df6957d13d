"""Keys pressed during a call, as RTP telephone events (RFC 4733)."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from hw.sip.rtp import RtpPacket

_EVENT = struct.Struct("!BBH")
_KEYS = "0123456789*#ABCD"
_END = 0x80
_VOLUME = 10
_LONGEST = 0xFFFF
_END_PACKETS = 3
_REMEMBERED = 16


@dataclass
class _Press:
    ssrc: int
    timestamp: int
    event: int
    duration: int


class EventReceiver:
    """Turns event packets into keys, each reported once, at its first packet.

    A press is known by (SSRC, timestamp): the marker may be lost, end packets come
    three times, and a late packet of an earlier press is not a new one.
    """

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque(maxlen=_REMEMBERED)

    def feed(self, packet: RtpPacket) -> str | None:
        """The key if this packet is the first of a press; None for all others.

        Events other than the 16 keys (tones, flash) and short payloads give None.
        """
        if len(packet.payload) < _EVENT.size:
            return None
        event, _flags, duration = _EVENT.unpack_from(packet.payload)
        if event >= len(_KEYS):
            return None
        for press in self._presses:
            if (press.ssrc, press.timestamp) == (packet.ssrc, packet.timestamp):
                press.duration = max(press.duration, duration)
                return None
        continued = self._continues(packet, event)
        self._presses.append(_Press(packet.ssrc, packet.timestamp, event, duration))
        return None if continued else _KEYS[event]

    def _continues(self, packet: RtpPacket, event: int) -> bool:
        """Whether this is the next segment of a key held longer than 65535 samples."""
        if not self._presses:
            return False
        last = self._presses[-1]
        return (
            last.duration == _LONGEST
            and (last.ssrc, last.event) == (packet.ssrc, event)
            and packet.timestamp == (last.timestamp + _LONGEST) & 0xFFFFFFFF
        )


def event_payloads(key: str, duration_ms: int = 100, frame_ms: int = 20) -> Iterator[bytes]:
    """Payloads for one press, one per frame, then the end three times in all.

    All carry the RTP timestamp of the press; the first has the marker.

    Raises:
        ValueError: `key` is not one of 0-9, *, #, A-D.
    """
    event = _KEYS.index(key.upper())
    frames = max(1, duration_ms // frame_ms)
    for frame in range(1, frames):
        yield _EVENT.pack(event, _VOLUME, 8 * frame_ms * frame)
    for _ in range(_END_PACKETS):
        yield _EVENT.pack(event, _END | _VOLUME, 8 * frame_ms * frames)
