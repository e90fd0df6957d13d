"""Session descriptions: our offer and answer, and what a peer's says (RFC 4566, RFC 3264)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
TELEPHONE_EVENT = 101
CONTENT_TYPE = "application/sdp"

_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly"}
_UNSET = "0.0.0.0"  # RFC 2543 hold: "send me nothing"


class SdpError(Exception):
    """A body that is not a session description."""


@dataclass(frozen=True)
class Stream:
    """One m= section.

    Attributes:
        host: where to send, from c= of the section or of the session; "" if not IPv4.
        port: 0 when the stream is refused.
        payload_types: numbers in order of preference.
        names: payload type to encoding name in upper case, static ones included.
        direction: as the peer sees it, one of sendrecv, sendonly, recvonly, inactive.
    """

    kind: str
    host: str
    port: int
    protocol: str
    payload_types: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    direction: str = "sendrecv"


@dataclass(frozen=True)
class Media:
    """What was agreed for the sound of a call, in the words of our media port.

    Attributes:
        remote: where to send RTP.
        codec: "PCMA" or "PCMU".
        telephone_event: payload type of RFC 4733 events, None if not agreed.
        send: the peer wants to hear us.
        receive: the peer sends sound.
    """

    remote: tuple[str, int]
    codec: str
    telephone_event: int | None
    send: bool = True
    receive: bool = True


def parse(content: bytes) -> list[Stream]:
    """The streams of a session description, in order.

    Raises:
        SdpError: it has no v= line, or an m= line that cannot be read.
    """
    lines = [line.strip() for line in content.decode("utf-8", errors="replace").splitlines()]
    pairs = [(line[0], line[2:].strip()) for line in lines if line[1:2] == "="]
    if ("v", "0") not in pairs:
        raise SdpError("no session description: v=0 is missing")
    sections: list[list[tuple[str, str]]] = [[]]
    for kind, value in pairs:
        if kind == "m":
            sections.append([])
        sections[-1].append((kind, value))
    session, *streams = sections
    return [_stream(section, session) for section in streams]


def _stream(section: list[tuple[str, str]], session: list[tuple[str, str]]) -> Stream:
    words = section[0][1].split()
    if len(words) < 4 or not words[1].partition("/")[0].isdecimal():
        raise SdpError(f"media line cannot be read: {section[0][1]!r}")
    names = {str(number): name for name, number in PAYLOAD_TYPES.items()}
    for kind, value in section:
        if kind == "a" and value.startswith("rtpmap:"):
            number, _, encoding = value.removeprefix("rtpmap:").strip().partition(" ")
            names[number] = encoding.strip().partition("/")[0].upper()
    connection = _last("c", section) or _last("c", session)
    return Stream(
        kind=words[0],
        host=_host(connection),
        port=int(words[1].partition("/")[0]),
        protocol=words[2],
        payload_types=tuple(words[3:]),
        names=names,
        direction=_direction(section) or _direction(session) or "sendrecv",
    )


def _last(kind: str, pairs: list[tuple[str, str]]) -> str:
    return next((value for name, value in reversed(pairs) if name == kind), "")


def _direction(pairs: list[tuple[str, str]]) -> str:
    found = [value for kind, value in pairs if kind == "a" and value in _DIRECTIONS]
    return found[-1] if found else ""


def _host(connection: str) -> str:
    words = connection.split()
    if len(words) != 3 or words[:2] != ["IN", "IP4"]:
        return ""
    return words[2].partition("/")[0]


def agree(content: bytes, codecs: tuple[str, ...]) -> Media | None:
    """What the peer's offer or answer lets us do; None when there is nothing in common.

    The first codec of the peer's list that is among ours is taken.
    """
    try:
        stream = _sound(parse(content))
    except SdpError:
        return None
    if stream is None or not stream.host:
        return None
    wanted = {str(PAYLOAD_TYPES[codec]): codec for codec in codecs}
    codec = next((wanted[number] for number in stream.payload_types if number in wanted), None)
    if codec is None:
        return None
    events = [n for n in stream.payload_types if stream.names.get(n) == "TELEPHONE-EVENT"]
    send = stream.direction in ("sendrecv", "recvonly") and stream.host != _UNSET
    return Media(
        remote=(stream.host, stream.port),
        codec=codec,
        telephone_event=int(events[0]) if events else None,
        send=send,
        receive=stream.direction in ("sendrecv", "sendonly"),
    )


def _sound(streams: list[Stream]) -> Stream | None:
    for stream in streams:
        if stream.kind == "audio" and stream.port and stream.protocol in ("RTP/AVP", "RTP/AVPF"):
            return stream
    return None


class LocalDescription:
    """Our side of one call: where we hear, what we speak; counts its versions."""

    def __init__(self, host: str, port: int, codecs: tuple[str, ...]) -> None:
        self.codecs = codecs
        self._host = host
        self._port = port
        self._session = secrets.randbelow(2**31)
        self._version = self._session
        self._body = ""

    def offer(self) -> bytes:
        """Everything we can do, in our order of preference."""
        return self._render([self._section(self.codecs, TELEPHONE_EVENT, "sendrecv")])

    def answer(self, content: bytes) -> tuple[bytes, Media] | None:
        """Our answer to an offer and what it means; None when nothing is in common.

        Hold is mirrored (RFC 3264 section 6.1); streams that are not sound are refused.
        """
        media = agree(content, self.codecs)
        if media is None:
            return None
        streams = parse(content)
        chosen = _sound(streams)
        assert chosen is not None  # agree() has found it
        direction = _MIRROR.get(chosen.direction, chosen.direction)
        sections = [
            self._section((media.codec,), media.telephone_event, direction)
            if stream is chosen
            else [f"m={stream.kind} 0 {stream.protocol} {' '.join(stream.payload_types)}"]
            for stream in streams
        ]
        return self._render(sections), media

    def _section(self, codecs: tuple[str, ...], event: int | None, direction: str) -> list[str]:
        numbers = [str(PAYLOAD_TYPES[codec]) for codec in codecs]
        maps = [f"a=rtpmap:{PAYLOAD_TYPES[codec]} {codec}/8000" for codec in codecs]
        if event is not None:
            numbers.append(str(event))
            maps += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"]
        head = f"m=audio {self._port} RTP/AVP {' '.join(numbers)}"
        return [head, *maps, "a=ptime:20", f"a={direction}"]

    def _render(self, sections: list[list[str]]) -> bytes:
        body = "\r\n".join([line for section in sections for line in section] + [""])
        if self._body and body != self._body:
            self._version += 1
        self._body = body
        head = [
            "v=0",
            f"o=- {self._session} {self._version} IN IP4 {self._host}",
            "s=call",
            f"c=IN IP4 {self._host}",
            "t=0 0",
        ]
        return ("\r\n".join(head) + "\r\n" + body).encode()
