"""The bytes between the main process and the media process, over one stream socket.

Every message is a header (payload length, kind, port id; little-endian) and a
payload. Orders go to the media process, reports come back.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from hw.base import FRAME_BYTES, Digit, Frame, PlaybackFinished, PlaybackStarted
from hw.sip.stream import MediaLost, StreamEvent

_HEADER = struct.Struct("<IBI")
_INDEX = struct.Struct("<Q")
_FINISHED = struct.Struct("<QI?")
_TOKEN = struct.Struct("<H")


class Order(IntEnum):
    """What the main process asks for."""

    OPEN = 1
    AGREE = 2
    PLAY = 3
    STOP = 4
    CLOSE = 5


class Report(IntEnum):
    """What the media process tells."""

    OPENED = 1
    FAILED = 2
    FRAME = 3
    STARTED = 4
    FINISHED = 5
    DIGIT = 6
    LOST = 7


class Inbox:
    """Collects received bytes and cuts them into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """All messages completed by `data`: (kind, port id, payload)."""
        self._bytes += data
        at = 0
        while len(self._bytes) - at >= _HEADER.size:
            length, kind, port_id = _HEADER.unpack_from(self._bytes, at)
            end = at + _HEADER.size + length
            if end > len(self._bytes):
                break
            payload = bytes(self._bytes[at + _HEADER.size : end])
            at = end
            yield kind, port_id, payload
        del self._bytes[:at]


def message(kind: int, port_id: int, payload: bytes = b"") -> bytes:
    """One message."""
    return _HEADER.pack(len(payload), kind, port_id) + payload


def facts(kind: int, port_id: int, **values: object) -> bytes:
    """A message of named values, for the rare kinds."""
    return message(kind, port_id, json.dumps(values).encode())


def read_facts(payload: bytes) -> dict[str, Any]:
    """The values of `facts`."""
    values: dict[str, Any] = json.loads(payload)
    return values


def play_order(port_id: int, token: str, pcm: bytes) -> bytes:
    """Order to queue sound."""
    name = token.encode()
    return message(Order.PLAY, port_id, _TOKEN.pack(len(name)) + name + pcm)


def read_play(payload: bytes) -> tuple[str, bytes]:
    """Token and sound of a play order."""
    begin = _TOKEN.size
    end = begin + _TOKEN.unpack_from(payload)[0]
    return payload[begin:end].decode(), payload[end:]


def event_report(port_id: int, event: StreamEvent) -> bytes:
    """An event of one port as a message."""
    match event:
        case Frame():
            return message(
                Report.FRAME, port_id, _INDEX.pack(event.index) + event.heard + event.said
            )
        case PlaybackStarted():
            return message(Report.STARTED, port_id, _INDEX.pack(event.index) + event.token.encode())
        case PlaybackFinished():
            numbers = _FINISHED.pack(event.index, event.played_ms, event.complete)
            return message(Report.FINISHED, port_id, numbers + event.token.encode())
        case Digit():
            return message(Report.DIGIT, port_id, event.digit.encode())
        case MediaLost():
            return message(Report.LOST, port_id, event.reason.encode())


def read_event(kind: int, payload: bytes) -> StreamEvent | None:
    """The event of a report; None if the report is of another kind."""
    match kind:
        case Report.FRAME:
            middle = _INDEX.size + FRAME_BYTES
            index = _INDEX.unpack_from(payload)[0]
            return Frame(index, payload[_INDEX.size : middle], payload[middle:])
        case Report.STARTED:
            index = _INDEX.unpack_from(payload)[0]
            return PlaybackStarted(payload[_INDEX.size :].decode(), index)
        case Report.FINISHED:
            index, played_ms, complete = _FINISHED.unpack_from(payload)
            token = payload[_FINISHED.size :].decode()
            return PlaybackFinished(token, index, played_ms, complete)
        case Report.DIGIT:
            return Digit(payload.decode())
        case Report.LOST:
            return MediaLost(payload.decode())
    return None
