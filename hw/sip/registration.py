"""Keeping a SIP account registered, without I/O (RFC 3261 section 10)."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from hw.sip.address import AddressError, NameAddress
from hw.sip.digest import Credentials
from hw.sip.identity import USER_AGENT, Identity, new_branch, new_call_id, new_tag
from hw.sip.message import Message, make_request
from hw.sip.stack import Stack
from hw.sip.transaction import Target

log = logging.getLogger(__name__)

_RETRY_FIRST_S = 30.0
_RETRY_MOST_S = 600.0
_LEAST_REFRESH_S = 5.0


@dataclass(frozen=True)
class Registrar:
    """Where to register, and for how long.

    Attributes:
        domain: host part of the registrar's URI.
        hop: host and port the REGISTER goes to.
        expires_s: life of a registration we ask for.
    """

    domain: str
    hop: Target
    expires_s: int


class Registration:
    """One account's registration: asks, refreshes in time, retries with growing pauses."""

    def __init__(
        self, stack: Stack, identity: Identity, registrar: Registrar, credentials: Credentials
    ) -> None:
        self.registered = False
        self.last_error = ""
        self.deadline: float | None = None
        self._stack = stack
        self._identity = identity
        self._registrar = registrar
        self._credentials = credentials
        self._call_id = new_call_id()
        self._tag = new_tag()
        self._cseq = 0
        self._expires_s = registrar.expires_s
        self._failures = 0
        self._leaving = False

    def start(self, now: float) -> None:
        """Send the first REGISTER."""
        self._send()

    def leave(self, now: float) -> None:
        """Take the registration back; no refresh follows."""
        self._leaving = True
        self.deadline = None
        if self.registered:
            self._send()

    def tick(self, now: float) -> None:
        """Refresh, or try again, when the time has come."""
        if self.deadline is not None and now >= self.deadline:
            self.deadline = None
            self._send()

    def on_response(self, response: Message, now: float) -> None:
        """The registrar answered."""
        if response.code < 200:
            return
        if response.code < 300:
            self._on_success(response, now)
        elif response.code in (401, 407) and self._credentials.accept(response):
            self._send()
        elif response.code in (401, 403, 407):
            self._fail("refused the account; check username and password", now, patient=True)
        elif response.code == 423 and self._longer(response):
            self._send()
        else:
            self._fail(f"answered {response.code} {response.reason}", now)

    def on_failure(self, request: Message, reason: str, now: float) -> None:
        """The registrar did not answer."""
        self._fail(f"cannot be reached ({reason}); check proxy address and network", now)

    def _on_success(self, response: Message, now: float) -> None:
        self._credentials.settle()
        self._failures = 0
        self.registered = not self._leaving
        self.last_error = ""
        if not self._leaving:
            granted = self._granted(response)
            self.deadline = now + max(_LEAST_REFRESH_S, min(granted * 0.9, granted - 10))
            log.info("registered with %s for %d s", self._registrar.domain, granted)

    def _fail(self, what: str, now: float, *, patient: bool = False) -> None:
        self.registered = False
        if self._leaving:
            return
        self.last_error = f"registrar {self._registrar.domain} {what}"
        log.warning("%s", self.last_error)
        pause = min(_RETRY_FIRST_S * 2**self._failures, _RETRY_MOST_S)
        self._failures = min(self._failures + 1, 10)
        spread = 1 + secrets.randbelow(1000) / 5000  # up to a fifth more, so that lines part
        self.deadline = now + (_RETRY_MOST_S if patient else pause) * spread

    def _granted(self, response: Message) -> int:
        for value in response.all("Contact"):
            try:
                contact = NameAddress.parse(value)
            except AddressError:
                continue
            ours = f"{self._identity.host}:{self._identity.port}" in contact.uri
            expires = dict(contact.parameters).get("expires", "")
            if ours and expires.isdecimal():
                return int(expires)
        text = response.first("Expires")
        return int(text) if text.isdecimal() else self._expires_s

    def _longer(self, response: Message) -> bool:
        text = response.first("Min-Expires")
        if not text.isdecimal() or int(text) <= self._expires_s:
            return False
        self._expires_s = int(text)
        return True

    def _send(self) -> None:
        self._cseq += 1
        identity, uri = self._identity, f"sip:{self._registrar.domain}"
        name, contact = identity.contact
        fields = [
            identity.via(new_branch()),
            ("Max-Forwards", "70"),
            ("From", f"<{identity.address}>;tag={self._tag}"),
            ("To", f"<{identity.address}>"),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._cseq} REGISTER"),
            (name, contact),
            ("Expires", "0" if self._leaving else str(self._expires_s)),
            *self._credentials.fields("REGISTER", uri),
            ("User-Agent", USER_AGENT),
        ]
        self._stack.request(make_request("REGISTER", uri, fields), self._registrar.hop, self)
