"""Digest access authentication for SIP (RFC 3261 section 22, RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from hw.sip.message import Message

_PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]+)')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_STALE_LIMIT = 4


@dataclass(frozen=True)
class Challenge:
    """What a server asks for in WWW-Authenticate or Proxy-Authenticate.

    Attributes:
        proxy: True for Proxy-Authenticate (407).
        algorithm: as written by the server, "" when it left it out (MD5).
        qop: "auth", "auth-int", or "" when the server offers none (RFC 2069).
        opaque: to be returned as it came; None when absent.
    """

    proxy: bool
    realm: str
    nonce: str
    algorithm: str = ""
    qop: str = ""
    opaque: str | None = None
    stale: bool = False


def parse_challenge(value: str, *, proxy: bool) -> Challenge | None:
    """Read one challenge; None when its scheme, algorithm or qop is not supported."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    found = {name.lower(): _unquote(text) for name, text in _PARAMETER.findall(rest)}
    algorithm = found.get("algorithm", "")
    if _base(algorithm) not in _HASHES or "nonce" not in found or "realm" not in found:
        return None
    offered = [item.strip().lower() for item in found.get("qop", "").split(",") if item.strip()]
    qop = next((item for item in ("auth", "auth-int") if item in offered), "")
    if offered and not qop:
        return None
    return Challenge(
        proxy=proxy,
        realm=found["realm"],
        nonce=found["nonce"],
        algorithm=algorithm,
        qop=qop,
        opaque=found.get("opaque"),
        stale=found.get("stale", "").lower() == "true",
    )


def answer(
    challenge: Challenge,
    *,
    username: str,
    password: str,
    method: str,
    uri: str,
    nonce_count: int = 1,
    cnonce: str,
    content: bytes = b"",
) -> str:
    """The value of the Authorization or Proxy-Authorization header (RFC 7616 section 3.4)."""
    digest = _HASHES[_base(challenge.algorithm)]

    def hashed(text: str) -> str:
        return digest(text.encode())

    count = f"{nonce_count:08x}"
    a1 = hashed(f"{username}:{challenge.realm}:{password}")
    if challenge.algorithm.lower().endswith("-sess"):
        a1 = hashed(f"{a1}:{challenge.nonce}:{cnonce}")
    a2 = f"{method}:{uri}"
    if challenge.qop == "auth-int":
        a2 += f":{digest(content)}"
    if challenge.qop:
        middle = f"{challenge.nonce}:{count}:{cnonce}:{challenge.qop}"
    else:
        middle = challenge.nonce
    parts = [
        f'username="{_quote(username)}"',
        f'realm="{_quote(challenge.realm)}"',
        f'nonce="{_quote(challenge.nonce)}"',
        f'uri="{uri}"',
        f'response="{hashed(f"{a1}:{middle}:{hashed(a2)}")}"',
    ]
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.qop:
        parts += [f"qop={challenge.qop}", f"nc={count}", f'cnonce="{cnonce}"']
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quote(challenge.opaque)}"')
    return "Digest " + ", ".join(parts)


class Credentials:
    """One account's answers within one dialog or registration.

    Remembers the challenge of each realm, so that later requests carry the answer
    at once, and refuses to send a password twice that was refused once.
    """

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._challenges: dict[tuple[bool, str], Challenge] = {}
        self._unproven: set[tuple[bool, str]] = set()
        self._counts: dict[str, int] = {}
        self._stale_seen = 0

    def accept(self, response: Message) -> bool:
        """Take the challenges of a 401 or 407; True when a retry makes sense.

        False when there is no account, nothing offered is supported, or the server
        asks again for what was just answered without saying that the nonce was stale.
        """
        if not self._username:
            return False
        proxy = response.code == 407
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        taken: dict[tuple[bool, str], Challenge] = {}
        for value in response.all(name):
            challenge = parse_challenge(value, proxy=proxy)
            if challenge is not None:
                taken.setdefault((proxy, challenge.realm), challenge)
        repeated = [challenge for key, challenge in taken.items() if key in self._unproven]
        if not taken or any(not challenge.stale for challenge in repeated):
            return False
        self._stale_seen += bool(repeated)
        if self._stale_seen > _STALE_LIMIT:
            return False
        self._challenges.update(taken)
        self._unproven.update(taken)
        return True

    def settle(self) -> None:
        """The answers were accepted: a later challenge is news, not a refusal."""
        self._unproven.clear()
        self._stale_seen = 0

    def fields(self, method: str, uri: str, content: bytes = b"") -> list[tuple[str, str]]:
        """Header fields that answer every challenge known so far."""
        fields = []
        for challenge in self._challenges.values():
            count = self._counts.get(challenge.nonce, 0) + 1
            self._counts[challenge.nonce] = count
            value = answer(
                challenge,
                username=self._username,
                password=self._password,
                method=method,
                uri=uri,
                nonce_count=count,
                cnonce=secrets.token_hex(8),
                content=content,
            )
            fields.append(("Proxy-Authorization" if challenge.proxy else "Authorization", value))
        return fields


def _base(algorithm: str) -> str:
    upper = (algorithm or "MD5").upper()
    return upper.removesuffix("-SESS")


def _unquote(text: str) -> str:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
