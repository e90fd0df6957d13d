"""SIP server transactions over UDP, without I/O (RFC 3261 section 17.2, RFC 6026).

One for each request of theirs except ACK. A retransmitted request gets the last response
again and never reaches the user twice.
"""

from __future__ import annotations

from typing import ClassVar

from hw.sip.address import host_port
from hw.sip.message import BRANCH_COOKIE, Message
from hw.sip.transaction import (
    NO_ANSWER,
    T2_S,
    T4_S,
    TIMEOUT_S,
    Action,
    Expired,
    Send,
    State,
    Target,
    Timers,
)

Key = tuple[str, str, str]


def server_key(request: Message) -> Key:
    """What tells a retransmission from a new request (RFC 3261 section 17.2.3)."""
    sent_by, parameters = request.via
    branch = parameters.get("branch", "")
    if not branch.startswith(BRANCH_COOKIE):
        branch = f"{request.call_id} {request.from_tag} {request.cseq[0]}"
    method = "INVITE" if request.method == "ACK" else request.method
    return branch, sent_by.lower(), method


def response_target(request: Message, source: Target) -> Target:
    """Where responses to this request go (RFC 3261 section 18.2.2, RFC 3581)."""
    sent_by, parameters = request.via
    if "rport" in parameters:
        return source
    return source[0], host_port(sent_by)[1]


class _Server:
    """A request of theirs, and the last response to it, if there was one.

    Attributes:
        first_state: where it stands until a final response.
    """

    first_state: ClassVar[State]

    def __init__(self, request: Message, source: Target) -> None:
        self.request = request
        self.source = source
        self.state = self.first_state
        self._target = response_target(request, source)
        self._timers = Timers()
        self._last: Send | None = None

    @property
    def deadline(self) -> float | None:
        """When `tick` is due."""
        return self._timers.deadline


class RequestServer(_Server):
    """A request of theirs other than INVITE: timer J."""

    first_state = State.TRYING

    def respond(self, response: Message, now: float) -> list[Action]:
        """Send a final response, and keep it for retransmissions."""
        self._last = Send(response, self._target)
        self.state = State.COMPLETED
        self._timers.over_at = now + TIMEOUT_S
        return [self._last]

    def receive(self, request: Message, now: float) -> list[Action]:
        """A retransmission came."""
        return [self._last] if self._last else []

    def tick(self, now: float) -> list[Action]:
        """End when timer J has run out."""
        if self._timers.is_over(now):
            self.state = State.TERMINATED
            self._timers.over_at = None
        return []


class InviteServer(_Server):
    """An INVITE of theirs: timers G, H, I; a 2xx is repeated until `acknowledge`."""

    first_state = State.PROCEEDING

    def respond(self, response: Message, now: float) -> list[Action]:
        """Send a response; a final one is repeated until it is acknowledged."""
        self._last = Send(response, self._target)
        if response.code >= 200:
            self.state = State.ACCEPTED if response.code < 300 else State.COMPLETED
            self._timers.repeat(now, limit_s=T2_S)
            self._timers.over_at = now + TIMEOUT_S
        return [self._last]

    def receive(self, request: Message, now: float) -> list[Action]:
        """A retransmission, or the ACK of a non-2xx response, came."""
        if request.method == "ACK":
            if self.state is State.COMPLETED:
                self.state = State.CONFIRMED
                self._timers.resend_at = None
                self._timers.over_at = now + T4_S
            return []
        waiting = self.state in (State.PROCEEDING, State.COMPLETED, State.ACCEPTED)
        return [self._last] if self._last and waiting else []

    def acknowledge(self, now: float) -> None:
        """The ACK of our 2xx arrived; it is a request of its own, matched by dialog."""
        if self.state is State.ACCEPTED:
            self.state = State.CONFIRMED
            self._timers.resend_at = None
            self._timers.over_at = now + TIMEOUT_S

    def tick(self, now: float) -> list[Action]:
        """Send again or give up, whichever is due."""
        if self._timers.is_over(now):
            expired = self.state in (State.ACCEPTED, State.COMPLETED)
            self.state = State.TERMINATED
            self._timers.resend_at = self._timers.over_at = None
            return [Expired(self.request, NO_ANSWER)] if expired else []
        if self._last and self._timers.is_resend(now):
            self._timers.repeat(now, limit_s=T2_S)
            return [self._last]
        return []


ServerTransaction = RequestServer | InviteServer


def server_transaction(request: Message, source: Target) -> ServerTransaction:
    """The transaction that suits the request's method (never ACK)."""
    if request.method == "INVITE":
        return InviteServer(request, source)
    return RequestServer(request, source)
