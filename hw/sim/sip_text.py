"""SIP messages for the simulated customer: reading, and answering in kind.

A reader of its own, so that a mistake in the appliance's parser shows as a failed
call instead of being made twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "k": "supported",
}
_URI_USER = re.compile(r"^(?:sips?:(?:([^@;?:]*)(?::[^@]*)?@)|tel:([^;]*))", re.IGNORECASE)
_URI_HOST = re.compile(r"^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;?]+)(?::(\d+))?", re.IGNORECASE)
_COPIED = ("via", "record-route", "from", "to", "call-id", "cseq")
_SHOWN = {"call-id": "Call-ID", "cseq": "CSeq"}


class SipTextError(ValueError):
    """A datagram is not a SIP message; drop it."""


@dataclass
class SipText:
    """A message: first line, headers in order with lower-case long names, body."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def method(self) -> str:
        """Of a request, its method; of a response, ""."""
        return "" if self.first.startswith("SIP/") else self.first.split(" ")[0]

    @property
    def uri(self) -> str:
        """The Request-URI."""
        return self.first.split(" ")[1]

    @property
    def status(self) -> int:
        """Of a response, its code; of a request, 0."""
        return 0 if self.method else int(self.first.split(" ")[1])

    def get(self, name: str) -> str:
        """The first header of that name, or ""."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Every header of that name, as it was written."""
        return [value for key, value in self.headers if key == name]

    @property
    def sequence(self) -> tuple[int, str]:
        """CSeq number and method."""
        number, _, method = self.get("cseq").partition(" ")
        return int(number), method.strip()

    @property
    def branch(self) -> str:
        """Of the topmost Via."""
        return parameter(self.get("via").split(",")[0], "branch")

    def to_bytes(self) -> bytes:
        """The datagram, Content-Length included."""
        body = self.body.encode()
        rows = [self.first]
        rows += [f"{_SHOWN.get(name, name.title())}: {value}" for name, value in self.headers]
        rows += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(rows).encode() + body


def parse(datagram: bytes) -> SipText:
    """Read a datagram.

    Raises:
        SipTextError: not SIP, or one of the headers every message needs is missing.
    """
    try:
        head, _, body = datagram.decode().replace("\r\n", "\n").partition("\n\n")
    except UnicodeDecodeError as error:
        raise SipTextError("not text") from error
    first, *rows = re.sub(r"\n[ \t]+", " ", head.lstrip("\n")).split("\n")
    if not re.match(r"SIP/2\.0 \d{3}|[A-Z]+ \S+ SIP/2\.0$", first):
        raise SipTextError("no SIP first line")
    message = SipText(first, body=body)
    for row in rows:
        name, colon, value = row.partition(":")
        key = name.strip().lower()
        if colon and key != "content-length":
            message.headers.append((_COMPACT.get(key, key), value.strip()))
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not message.get(name):
            raise SipTextError(f"no {name} header")
    if not re.fullmatch(r"\d{1,10}\s+[A-Z]+", message.get("cseq")):
        raise SipTextError("unreadable CSeq")
    return message


def response(
    request: SipText,
    status: int,
    phrase: str,
    *,
    to_tag: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: str = "",
) -> SipText:
    """An answer with the headers a request's answer must repeat."""
    answer = SipText(f"SIP/2.0 {status} {phrase}", body=body)
    for name, value in request.headers:
        if name not in _COPIED:
            continue
        if name == "to" and to_tag and not parameter(value, "tag"):
            value = f"{value};tag={to_tag}"
        answer.headers.append((name, value))
    answer.headers += headers
    return answer


def parameter(value: str, name: str) -> str:
    """A header parameter (after the `>` if the address is in brackets), or ""."""
    found = re.search(rf";\s*{name}\s*=\s*([^;,\s>]+)", value.rpartition(">")[2], re.IGNORECASE)
    return found.group(1) if found else ""


def uri_of(value: str) -> str:
    """The URI of a name-address header such as Contact."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def user_of(uri: str) -> str:
    """The user part of a sip: or tel: URI, percent-decoded, or ""."""
    found = _URI_USER.match(uri)
    return unquote(found.group(1) or found.group(2) or "").split(";")[0] if found else ""


def address_of(uri: str) -> tuple[str, int] | None:
    """Host and port of a sip: URI."""
    found = _URI_HOST.match(uri)
    return (found.group(1), int(found.group(2) or 5060)) if found else None


def split_addresses(values: Iterable[str]) -> list[str]:
    """The single addresses of repeated or comma-joined Route-like headers."""
    return [each.strip() for value in values for each in re.split(r",(?=\s*<)", value)]
