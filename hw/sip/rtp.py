"""RTP packets (RFC 3550): reading, writing and the arithmetic of their counters."""

from __future__ import annotations

import secrets
import struct
from typing import NamedTuple

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_VERSION_2 = 0x80
_MASK_16 = 0xFFFF
_MASK_32 = 0xFFFFFFFF
COMFORT_NOISE = 13
RTCP_TYPES = range(72, 77)


class RtpError(ValueError):
    """A datagram is not a readable RTP packet; drop it."""


class RtpPacket(NamedTuple):
    """One packet; `timestamp` counts samples of 1/8000 s modulo 2**32."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def to_bytes(self) -> bytes:
        """The datagram: a 12-byte header (counters wrapped) and the payload."""
        return (
            _HEADER.pack(
                _VERSION_2,
                (0x80 if self.marker else 0) | self.payload_type,
                self.sequence & _MASK_16,
                self.timestamp & _MASK_32,
                self.ssrc & _MASK_32,
            )
            + self.payload
        )


def parse(datagram: bytes) -> RtpPacket:
    """Read a datagram; contributing sources, extension and padding are skipped.

    Raises:
        RtpError: too short, not version 2, RTCP, or lengths that contradict each other.
    """
    if len(datagram) < _HEADER.size:
        raise RtpError(f"{len(datagram)} bytes are too few for an RTP header")
    flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    payload_type = kind & 0x7F
    if flags & 0xC0 != _VERSION_2 or payload_type in RTCP_TYPES:
        raise RtpError("not an RTP version 2 packet")
    begin = _HEADER.size + 4 * (flags & 0x0F)
    if flags & 0x10:
        if begin + _EXTENSION.size > len(datagram):
            raise RtpError("the header extension runs past the end")
        begin += _EXTENSION.size + 4 * _EXTENSION.unpack_from(datagram, begin)[1]
    end = len(datagram)
    if flags & 0x20:
        end -= datagram[-1]
        if datagram[-1] == 0:
            raise RtpError("padding of length zero")
    if begin > end:
        raise RtpError("header and padding are longer than the packet")
    return RtpPacket(
        payload_type, sequence, timestamp, ssrc, datagram[begin:end], bool(kind & 0x80)
    )


def difference(later: int, earlier: int) -> int:
    """`later` minus `earlier` on the 32-bit timestamp circle: -2**31 .. 2**31 - 1."""
    return ((later - earlier + 0x80000000) & _MASK_32) - 0x80000000


class Sender:
    """Numbers the packets of one outgoing stream; all start values are random."""

    def __init__(
        self,
        ssrc: int | None = None,
        sequence: int | None = None,
        timestamp: int | None = None,
    ) -> None:
        """Start a stream; values are given only to repeat a known one."""
        self.ssrc = secrets.randbits(32) if ssrc is None else ssrc
        self.timestamp = secrets.randbits(32) if timestamp is None else timestamp
        self._sequence = secrets.randbits(16) if sequence is None else sequence

    def packet(
        self,
        payload_type: int,
        payload: bytes,
        *,
        marker: bool = False,
        timestamp: int | None = None,
    ) -> bytes:
        """The next datagram, stamped with now or with the `timestamp` of an event's start."""
        packet = RtpPacket(
            payload_type,
            self._sequence,
            self.timestamp if timestamp is None else timestamp,
            self.ssrc,
            payload,
            marker,
        )
        self._sequence = (self._sequence + 1) & _MASK_16
        return packet.to_bytes()

    def advance(self, samples: int) -> None:
        """Time goes on, whether or not something was sent."""
        self.timestamp = (self.timestamp + samples) & _MASK_32
