"""SIP URIs and name-addresses (RFC 3261 sections 19.1, 20.10, 25.1).

Only the parts the signalling core needs: user, host, port and parameters. What is
not understood is kept as text, so that an address goes out as it came in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hw.base import LineError

DEFAULT_PORT = 5060

_URI = re.compile(
    r"(?P<scheme>sips?):"
    r"(?:(?P<user>[^@\s<>\"]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:;?\s<>\"@]+)"
    r"(?::(?P<port>\d{1,5}))?"
    r"(?P<parameters>(?:;[^;?\s<>\"]+)*)"
    r"(?:\?(?P<headers>[^\s<>\"]*))?",
    re.IGNORECASE,
)


class AddressError(LineError):
    """An address that is not a SIP URI."""


@dataclass(frozen=True)
class Uri:
    """A sip: URI.

    Attributes:
        user: what stands before the @, with a password if there is one; may be empty.
        host: name or IP address; an IPv6 address keeps its brackets.
        port: as written, or None.
        parameters: (name in lower case, value or "") in the order they came.
    """

    user: str
    host: str
    port: int | None = None
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read "sip:user@host:port;parameters".

        Raises:
            AddressError: the text is no sip: URI, or a sips: one (no TLS here).
        """
        match = _URI.fullmatch(text.strip())
        if match is None:
            raise AddressError(f"{text!r} is not a SIP address; write sip:user@host:port")
        if match["scheme"].lower() == "sips":
            raise AddressError(f"{text!r} asks for TLS, which this line does not do; use sip:")
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 0 < port < 65536:
            raise AddressError(f"{text!r}: port {port} does not exist; use 1 to 65535")
        return cls(match["user"] or "", match["host"], port, _parameters(match["parameters"]))

    @property
    def loose(self) -> bool:
        """True when the host is a loose router (RFC 3261 section 16.12.1.1)."""
        return any(name == "lr" for name, _ in self.parameters)

    @property
    def hop(self) -> tuple[str, int]:
        """Host and port a request for this URI goes to when nothing routes it elsewhere."""
        maddr = dict(self.parameters).get("maddr", "")
        return (maddr or self.host, self.port or DEFAULT_PORT)

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port is not None else ""
        return f"sip:{user}{self.host}{port}{_text(self.parameters)}"


@dataclass(frozen=True)
class NameAddress:
    """A From, To, Contact, Route or Record-Route value: display name, URI, parameters.

    Attributes:
        display: the display name as written, quotes included; may be empty.
        uri: the URI's text, of whatever scheme.
        parameters: header parameters, such as tag.
    """

    display: str
    uri: str
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> NameAddress:
        """Read `"name" <uri>;parameters` or `uri;parameters`.

        Raises:
            AddressError: an angle bracket is not closed or the URI is missing.
        """
        text = text.strip()
        start = next((at for at, character in _unquoted(text) if character == "<"), -1)
        if start < 0:
            uri, _, rest = text.partition(";")
            display = ""
        else:
            end = text.find(">", start)
            if end < 0:
                raise AddressError(f"{text!r}: the address has no closing angle bracket")
            display, uri, rest = text[:start].strip(), text[start + 1 : end], text[end + 1 :]
            rest = rest.strip().removeprefix(";")
        if not uri.strip():
            raise AddressError(f"{text!r} holds no address")
        return cls(display, uri.strip(), _parameters(rest))

    @property
    def tag(self) -> str:
        """The tag parameter, or ""."""
        return dict(self.parameters).get("tag", "")

    def __str__(self) -> str:
        display = f"{self.display} " if self.display else ""
        return f"{display}<{self.uri}>{_text(self.parameters)}"


def split_list(text: str) -> list[str]:
    """Split a header value at commas that stand outside quotes and angle brackets."""
    items: list[str] = []
    start = 0
    bracketed = False
    for at, character in _unquoted(text):
        if character in "<>":
            bracketed = character == "<"
        elif character == "," and not bracketed:
            items.append(text[start:at].strip())
            start = at + 1
    items.append(text[start:].strip())
    return [item for item in items if item]


def host_port(text: str) -> tuple[str, int]:
    """Read "host" or "host:port"; the port is 5060 when left out.

    Raises:
        AddressError: the text is not of that form.
    """
    return Uri.parse(f"sip:{text}").hop


def _unquoted(text: str) -> Iterator[tuple[int, str]]:
    """Each character outside quoted strings, with its index; the quotes left out."""
    quoted = escaped = False
    for at, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        else:
            yield at, character


def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name.strip():
            pairs.append((name.strip().lower(), value.strip()))
    return tuple(pairs)


def _text(parameters: tuple[tuple[str, str], ...]) -> str:
    return "".join(f";{name}={value}" if value else f";{name}" for name, value in parameters)
