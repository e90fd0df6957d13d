"""SIP messages: pyVoIP's SIPMessage behind a normaliser.

Kept from pyVoIP: the class itself, recognition of request or response and version,
the status enumeration with its phrases, the `headers` mapping and `summary()`.
Replaced, because pyVoIP gets it wrong: folded lines, compact and oddly written header
names, `": "` inside a value, repeated headers (only the first survived), status codes
and methods it does not know, bodies that contain an empty line, Content-Length. The
core reads `fields`, where every header of the message stands in order; `headers` is
filled for pyVoIP's own code from the first of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

import pyVoIP.VoIP  # noqa: F401  # must come before pyVoIP.SIP: they import each other
from pyVoIP.SIP import SIPMessage, SIPMessageType, SIPStatus

from hw.base import LineError
from hw.sip.address import NameAddress, split_list

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE")
BRANCH_COOKIE = "z9hG4bK"

_COMPACT = {
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "l": "Content-Length",
    "c": "Content-Type",
    "e": "Content-Encoding",
    "k": "Supported",
    "s": "Subject",
    "o": "Event",
    "r": "Refer-To",
    "b": "Referred-By",
    "u": "Allow-Events",
    "x": "Session-Expires",
    "j": "Reject-Contact",
    "d": "Request-Disposition",
    "a": "Accept-Contact",
}
_IRREGULAR = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "rack": "RAck",
    "rseq": "RSeq",
    "mime-version": "MIME-Version",
    "sip-etag": "SIP-ETag",
    "sip-if-match": "SIP-If-Match",
}
_LISTS = {"Via", "Route", "Record-Route", "Contact", "Allow", "Supported", "Require", "Reason"}
_REQUEST_LINE = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]+) (\S+) SIP/2\.0")
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?")
_CSEQ = re.compile(r"(\d{1,10})\s+([A-Za-z0-9\-.!%*_+`'~]+)")
_KNOWN_STATUS = {status.value for status in SIPStatus}


class MessageError(LineError):
    """A datagram that is not a SIP message, or lacks what every message must have."""


class Message(SIPMessage):
    """One SIP message, parsed; never changed after it is made.

    Attributes:
        fields: every header as (canonical name, value), in order, repeated ones too.
        code: status code of a response as it came (also when unknown), 0 in a request.
        reason: reason phrase of a response.
        uri: Request-URI of a request, "" in a response.
        content: the body.

    Raises:
        MessageError: from the constructor, when `data` is no complete SIP message.
    """

    def __init__(self, data: bytes) -> None:
        self.fields: tuple[tuple[str, str], ...] = ()
        self.code = 0
        self.reason = ""
        self.uri = ""
        self.method = ""
        self.content = b""
        super().__init__(data)

    def parse(self, data: bytes) -> None:
        """Normalise, check, then let pyVoIP fill its own attributes."""
        start, lines, content = _split(data)
        self.fields = tuple(_field(line) for line in lines)
        if request := _REQUEST_LINE.fullmatch(start):
            self.uri = request[2]
            self.SIPCompatibleMethods = [request[1]]
            canonical = start
        elif response := _STATUS_LINE.fullmatch(start):
            self.code, self.reason = int(response[1]), response[2] or ""
            canonical = f"SIP/2.0 {_known(self.code)} {self.reason}"
        else:
            raise MessageError(f"not a SIP message: starts with {start[:60]!r}")
        self._check(request[1] if request else None)
        self.content = self._cut(content)
        head = "\r\n".join([canonical, *(f"{name}: {value}" for name, value in self.fields)])
        super().parse(f"{head}\r\n\r\n".encode())
        if self.code:
            self.method = self.cseq[1]

    @staticmethod
    def parse_raw_header(headers_raw: list[bytes], handle: Callable[[str, str], None]) -> None:
        """Give pyVoIP the first of each header, and all Vias as it expects them."""
        first: dict[str, str] = {}
        vias: list[str] = []
        for line in headers_raw:
            name, _, value = line.decode().partition(": ")
            if name == "Via":
                vias.extend(split_list(value))
            first.setdefault(name, value)
        for name, value in first.items():
            handle(name, vias if name == "Via" else value)  # type: ignore[arg-type]

    def parse_header(self, header: str, data: str) -> None:
        """As pyVoIP does; a value its parser cannot take stays text in `headers`."""
        try:
            super().parse_header(header, data)
        except (IndexError, KeyError, ValueError):
            self.headers[header] = data

    def _check(self, method: str | None) -> None:
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            if not self.first(name):
                raise MessageError(f"SIP message without {name} header")
        cseq = _CSEQ.fullmatch(self.first("CSeq"))
        if cseq is None or int(cseq[1]) >= 2**31:
            raise MessageError(f"SIP message with CSeq {self.first('CSeq')!r}")
        if method is not None and cseq[2] != method:
            raise MessageError(f"{method} request with CSeq {self.first('CSeq')!r}")

    def _cut(self, content: bytes) -> bytes:
        text = self.first("Content-Length")
        if not text:
            return content
        if not text.isdecimal():
            raise MessageError(f"SIP message with Content-Length {text!r}")
        if int(text) > len(content):
            raise MessageError(f"SIP message cut short: {len(content)} of {text} bytes of body")
        return content[: int(text)]

    @property
    def is_request(self) -> bool:
        """True for a request, False for a response."""
        return bool(self.type == SIPMessageType.MESSAGE)

    def all(self, name: str) -> list[str]:
        """Every value of a header, comma lists taken apart where the header is a list."""
        values = [value for field, value in self.fields if field == name]
        if name in _LISTS:
            return [item for value in values for item in split_list(value)]
        return values

    def first(self, name: str) -> str:
        """The first value of a header, or "" when it is absent."""
        return next((value for field, value in self.fields if field == name), "")

    @cached_property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.first("Call-ID")

    @cached_property
    def cseq(self) -> tuple[int, str]:
        """CSeq: number and method."""
        match = _CSEQ.fullmatch(self.first("CSeq"))
        assert match is not None  # _check() has seen to it
        return int(match[1]), match[2]

    @cached_property
    def from_tag(self) -> str:
        """Tag of the From header, or ""."""
        return NameAddress.parse(self.first("From")).tag

    @cached_property
    def to_tag(self) -> str:
        """Tag of the To header, or ""."""
        return NameAddress.parse(self.first("To")).tag

    @cached_property
    def via(self) -> tuple[str, dict[str, str]]:
        """Topmost Via: sent-by and parameters."""
        head, *parameters = (part.strip() for part in self.all("Via")[0].split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        return head.split()[-1], {name.strip().lower(): value for name, _, value in pairs}

    @property
    def branch(self) -> str:
        """Branch of the topmost Via, or ""."""
        return self.via[1].get("branch", "")

    def without(self, *names: str) -> list[tuple[str, str]]:
        """The fields but those named."""
        return [(name, value) for name, value in self.fields if name not in names]


def make_request(
    method: str, uri: str, fields: Iterable[tuple[str, str]], content: bytes = b""
) -> Message:
    """A request of these header fields; Content-Length is added."""
    return _make(f"{method} {uri} SIP/2.0", fields, content)


def make_response(
    request: Message,
    code: int,
    *,
    to_tag: str = "",
    fields: Iterable[tuple[str, str]] = (),
    content: bytes = b"",
    source: tuple[str, int] | None = None,
) -> Message:
    """A response to `request` (RFC 3261 section 8.2.6.2), with what it must copy.

    `to_tag` is added to To when the request had none; `source` is the address the
    request came from, noted in the top Via (RFC 3261 18.2.1, RFC 3581).
    """
    vias = request.all("Via")
    if source is not None:
        vias[0] = _received(vias[0], source)
    to = request.first("To")
    if to_tag and not request.to_tag:
        to += f";tag={to_tag}"
    copied = [("Via", via) for via in vias]
    copied += [("Record-Route", route) for route in request.all("Record-Route")]
    copied += [("From", request.first("From")), ("To", to)]
    copied += [("Call-ID", request.call_id), ("CSeq", request.first("CSeq"))]
    phrase = SIPStatus(_known(code)).phrase
    return _make(f"SIP/2.0 {code} {phrase}", [*copied, *fields], content)


def _make(start: str, fields: Iterable[tuple[str, str]], content: bytes) -> Message:
    lines = [start, *(f"{name}: {value}" for name, value in fields)]
    lines += [f"Content-Length: {len(content)}", "", ""]
    return Message("\r\n".join(lines).encode() + content)


def _received(via: str, source: tuple[str, int]) -> str:
    head, *parameters = (part.strip() for part in via.split(";"))
    host, port = source
    kept = [p for p in parameters if p.partition("=")[0].lower() not in ("rport", "received")]
    if any(p.partition("=")[0].lower() == "rport" for p in parameters):
        kept.append(f"rport={port}")
    return ";".join([head, *kept, f"received={host}"])


def _split(data: bytes) -> tuple[str, list[str], bytes]:
    """Start line, unfolded header lines and everything after the empty line."""
    data = data.lstrip(b"\r\n")
    parts = re.split(rb"\r?\n\r?\n", data, maxsplit=1)
    head = parts[0].decode("utf-8", errors="replace")
    head = re.sub(r"\r?\n[ \t]+", " ", head)
    start, *lines = re.split(r"\r?\n", head)
    return start.strip(), [line for line in lines if line.strip()], (*parts, b"")[1]


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        raise MessageError(f"SIP message with header line {line[:60]!r}")
    return _canonical(name.strip()), value.strip()


def _canonical(name: str) -> str:
    lower = name.lower()
    if lower in _COMPACT:
        return _COMPACT[lower]
    return _IRREGULAR.get(lower) or "-".join(part.capitalize() for part in lower.split("-"))


def _known(code: int) -> int:
    """The code pyVoIP knows that stands for `code` (RFC 3261 section 8.1.3.2)."""
    if code in _KNOWN_STATUS:
        return code
    return 183 if code < 200 else code // 100 * 100
