"""SIP client transactions over UDP, without I/O (RFC 3261 section 17.1, RFC 6026).

One for each request of ours except ACK. Messages and the time go in, actions come out;
whoever owns the transaction carries them out and calls `tick` once `deadline` has come.
Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from hw.sip.message import Message, make_request

T1_S = 0.5
T2_S = 4.0
T4_S = 5.0
TIMEOUT_S = 64 * T1_S  # timers B, F, H, J, L, M
TIMER_D_S = 32.0
NO_ANSWER = "no response"

Target = tuple[str, int]


@dataclass(frozen=True)
class Send:
    """Put this message on the wire."""

    message: Message
    target: Target


@dataclass(frozen=True)
class Deliver:
    """Hand this response to the transaction's user."""

    response: Message


@dataclass(frozen=True)
class Expired:
    """No answer came in time, or the request could not be sent; the transaction is over."""

    request: Message
    reason: str


Action = Send | Deliver | Expired


class State(Enum):
    """Where a transaction stands; the names are those of RFC 3261 and RFC 6026."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Timers:
    """When to send again and when to give up."""

    def __init__(self) -> None:
        self.resend_at: float | None = None
        self.over_at: float | None = None
        self.interval_s = T1_S

    @property
    def deadline(self) -> float | None:
        """The earlier of both, None when neither runs."""
        running = [at for at in (self.resend_at, self.over_at) if at is not None]
        return min(running, default=None)

    def repeat(self, now: float, *, limit_s: float | None) -> None:
        """Start or go on resending, each interval double the last up to `limit_s`."""
        if self.resend_at is not None:
            doubled = self.interval_s * 2
            self.interval_s = doubled if limit_s is None else min(doubled, limit_s)
        self.resend_at = now + self.interval_s

    def is_over(self, now: float) -> bool:
        """True when the time to give up has come."""
        return self.over_at is not None and now >= self.over_at

    def is_resend(self, now: float) -> bool:
        """True when it is time to send again."""
        return self.resend_at is not None and now >= self.resend_at


class _Client:
    """A request of ours: sent again until an answer comes, given up when none does.

    Attributes:
        first_state: where it stands until the first response.
        longest_interval_s: where doubling the resend interval stops, None for nowhere.
    """

    first_state: ClassVar[State]
    longest_interval_s: ClassVar[float | None]

    def __init__(self, request: Message, target: Target) -> None:
        self.request = request
        self.target = target
        self.state = self.first_state
        self._timers = Timers()

    @property
    def deadline(self) -> float | None:
        """When `tick` is due."""
        return self._timers.deadline

    def start(self, now: float) -> list[Action]:
        """Send the request and start timers A and B, or E and F."""
        self._timers.repeat(now, limit_s=self.longest_interval_s)
        self._timers.over_at = now + TIMEOUT_S
        return [Send(self.request, self.target)]

    def tick(self, now: float) -> list[Action]:
        """Send again or give up, whichever is due."""
        if self._timers.is_over(now):
            expired = self.state in (self.first_state, State.PROCEEDING)
            self.end()
            return [Expired(self.request, NO_ANSWER)] if expired else []
        if self._timers.is_resend(now):
            self._timers.repeat(now, limit_s=self.longest_interval_s)
            return [Send(self.request, self.target)]
        return []

    def fail(self, reason: str) -> list[Action]:
        """The request cannot be delivered (RFC 3261 section 17.1.4)."""
        waiting = self.state is self.first_state
        if waiting:
            self.end()
        return [Expired(self.request, reason)] if waiting else []

    def end(self) -> None:
        """Forget the transaction: nothing is sent or delivered from now on."""
        self.state = State.TERMINATED
        self._timers.resend_at = self._timers.over_at = None


class InviteClient(_Client):
    """An INVITE of ours: timers A, B, D and M; acknowledges every non-2xx final itself."""

    first_state = State.CALLING
    longest_interval_s = None

    def receive(self, response: Message, now: float) -> list[Action]:
        """Take a response whose branch and method are ours."""
        if self.state in (State.CALLING, State.PROCEEDING):
            return self._first(response, now)
        if self.state is State.COMPLETED and response.code >= 300:
            return [self._ack(response)]
        if self.state is State.ACCEPTED and 200 <= response.code < 300:
            return [Deliver(response)]
        return []

    def _first(self, response: Message, now: float) -> list[Action]:
        self._timers.resend_at = None
        if response.code < 200:
            self.state = State.PROCEEDING
            self._timers.over_at = None
            return [Deliver(response)]
        if response.code < 300:
            self.state = State.ACCEPTED
            self._timers.over_at = now + TIMEOUT_S
            return [Deliver(response)]
        self.state = State.COMPLETED
        self._timers.over_at = now + TIMER_D_S
        return [self._ack(response), Deliver(response)]

    def _ack(self, response: Message) -> Send:
        """RFC 3261 section 17.1.1.3: same branch, Request-URI and Route as the INVITE."""
        fields = [("Via", self.request.all("Via")[0])]
        fields += [("Route", route) for route in self.request.all("Route")]
        fields += [
            ("Max-Forwards", "70"),
            ("From", self.request.first("From")),
            ("To", response.first("To")),
            ("Call-ID", self.request.call_id),
            ("CSeq", f"{self.request.cseq[0]} ACK"),
            ("User-Agent", self.request.first("User-Agent")),
        ]
        return Send(make_request("ACK", self.request.uri, fields), self.target)

    def silence(self) -> None:
        """Send the INVITE no more; answers are still listened for until timer B."""
        self._timers.resend_at = None


class RequestClient(_Client):
    """Any other request of ours: timers E, F and K."""

    first_state = State.TRYING
    longest_interval_s = T2_S

    def receive(self, response: Message, now: float) -> list[Action]:
        """Take a response whose branch and method are ours; a provisional one slows resending."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return []
        if response.code < 200:
            self.state = State.PROCEEDING
            self._timers.interval_s = T2_S
            return [Deliver(response)]
        self.state = State.COMPLETED
        self._timers.resend_at = None
        self._timers.over_at = now + T4_S
        return [Deliver(response)]


ClientTransaction = InviteClient | RequestClient


def client_transaction(request: Message, target: Target) -> ClientTransaction:
    """The transaction that suits the request's method (never ACK: it has none)."""
    if request.method == "INVITE":
        return InviteClient(request, target)
    return RequestClient(request, target)
