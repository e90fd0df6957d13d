"""A wire and a callee in virtual time, for tests of the signalling core.

`Wire` carries datagrams between our `Endpoint` and a `SimCallee` with 10 ms of travel;
`faults` says what happens to the n-th datagram: the list of extra delays of the copies
that arrive ([] is a loss, [0, 0.3] a duplication, [3.0] a delay).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hw.sip.call import Call, Callee
from hw.sip.digest import Credentials
from hw.sip.endpoint import Endpoint
from hw.sip.identity import Identity, new_branch
from hw.sip.message import Message, make_request, make_response
from hw.sip.sdp import LocalDescription
from hw.sip.server import ServerTransaction, server_key, server_transaction
from hw.sip.stack import CallEnded, CallEvent
from hw.sip.transaction import Send, Target

US: Target = ("192.0.2.1", 5060)
THEM: Target = ("192.0.2.2", 5070)
IDENTITY = Identity("branchline", US[0], US[1], "example.test")
URI = "sip:callee@192.0.2.2:5070"
TRAVEL_S = 0.01

ANSWER_SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


@dataclass
class SimCallee:
    """A plain SIP callee: rings, gives one final answer, answers CANCEL and BYE.

    Attributes:
        final: status it answers with after `think_s`; None to ring for ever.
        provisional: sent at once, None for none.
        fields: put into every response, such as Record-Route.
        final_fields: put into the final answer to an INVITE.
        early_sdp: sent with the provisional.
        fork_tag: another callee of this tag answers 200 as well, at the same moment.
        requests: every request it got, retransmissions included.
        acks: ACKs it got.
    """

    final: int | None = 200
    provisional: int | None = 180
    think_s: float = 1.0
    tag: str = "callee"
    sdp: bytes = ANSWER_SDP
    fields: tuple[tuple[str, str], ...] = ()
    final_fields: tuple[tuple[str, str], ...] = ()
    early_sdp: bytes = b""
    fork_tag: str = ""
    requests: list[Message] = field(default_factory=list)
    responses: list[Message] = field(default_factory=list)
    hung_up: bool = False
    servers: dict[object, ServerTransaction] = field(default_factory=dict)
    final_at: float | None = None
    outbox: list[Send] = field(default_factory=list)

    def receive(self, data: bytes, now: float) -> None:
        message = Message(data)
        if not message.is_request:
            self.responses.append(message)
            return
        self.requests.append(message)
        key = server_key(message)
        if known := self.servers.get(key):
            self._do(known.receive(message, now))
        elif message.method == "ACK":
            for server in self.servers.values():
                if server.request.method == "INVITE":
                    server.acknowledge(now)
        else:
            server = self.servers[key] = server_transaction(message, US)
            self._serve(server, message, now)

    def _serve(self, server: ServerTransaction, request: Message, now: float) -> None:
        if request.method == "INVITE":
            if self.provisional is not None:
                self._respond(server, self.provisional, now)
            if self.final is not None:
                self.final_at = now + self.think_s
        elif request.method == "CANCEL":
            self._respond(server, 200, now)
            if self._pending():
                self.final_at = None
                self._respond(self._invite_server(), 487, now)
        else:
            self.hung_up = self.hung_up or request.method == "BYE"
            self._respond(server, 200, now)

    def tick(self, now: float) -> None:
        if self.final_at is not None and now >= self.final_at and self.final is not None:
            self.final_at = None
            self._respond(self._invite_server(), self.final, now)
        for server in self.servers.values():
            if server.deadline is not None and now >= server.deadline:
                self._do(server.tick(now))

    def deadline(self) -> float | None:
        waiting = [server.deadline for server in self.servers.values()] + [self.final_at]
        return min((at for at in waiting if at is not None), default=None)

    def request(self, method: str, cseq: int, **changes: object) -> Message:
        """Send a request within the call we are in."""
        invite = self._invite_server().request
        branch = changes.get("branch", new_branch())
        fields = [
            (
                "Via",
                f"SIP/2.0/UDP {THEM[0]}:{THEM[1]};branch={branch}",
            ),
            ("Max-Forwards", "70"),
            ("From", f"{invite.first('To')};tag={changes.get('tag', self.tag)}"),
            ("To", str(changes.get("to", invite.first("From")))),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:callee@{THEM[0]}:{THEM[1]}>"),
            *changes.get("fields", ()),  # type: ignore[misc]
        ]
        content = changes.get("content", b"")
        assert isinstance(content, bytes)
        message = make_request(method, f"sip:{US[0]}:{US[1]}", fields, content)
        self.outbox.append(Send(message, US))
        return message

    def got(self, method: str) -> list[Message]:
        return [request for request in self.requests if request.method == method]

    def _invite_server(self) -> ServerTransaction:
        invites = [s for s in self.servers.values() if s.request.method == "INVITE"]
        return invites[-1]

    def _pending(self) -> bool:
        return self._invite_server().state.name == "PROCEEDING"

    def _respond(self, server: ServerTransaction, code: int, now: float) -> None:
        is_invite = server.request.method == "INVITE"
        content = self.early_sdp if is_invite and code < 200 else b""
        content = self.sdp if is_invite and code == 200 else content
        fields = [("Contact", f"<sip:callee@{THEM[0]}:{THEM[1]}>"), *self.fields]
        if is_invite and code >= 200:
            fields += self.final_fields
        if content:
            fields.append(("Content-Type", "application/sdp"))
        response = make_response(
            server.request, code, to_tag=self.tag, fields=fields, content=content
        )
        self._do(server.respond(response, now))
        if self.fork_tag and is_invite and code == 200:
            other = make_response(
                server.request, 200, to_tag=self.fork_tag, fields=fields, content=content
            )
            self.outbox.append(Send(other, US))

    def _do(self, actions: list[object]) -> None:
        self.outbox += [action for action in actions if isinstance(action, Send)]


class Wire:
    """Our endpoint, the callee, and the datagrams between them."""

    def __init__(
        self, callee: SimCallee | None = None, faults: Mapping[int, list[float]] | None = None
    ) -> None:
        self.now = 1000.0
        self.endpoint = Endpoint()
        self.callee = callee or SimCallee()
        self.events: list[tuple[float, CallEvent]] = []
        self.sent: list[Message] = []
        self._faults = faults or {}
        self._count = itertools.count()
        self._travelling: list[tuple[float, int, bool, bytes]] = []
        self._plans: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def datagrams(self) -> int:
        """How many datagrams were sent so far, both ways."""
        return self._carried

    _carried = 0

    def dial(self, *, ring_timeout_s: float = 45.0, account: tuple[str, str] = ("", "")) -> Call:
        call = Call(
            self.endpoint,
            IDENTITY,
            Callee(URI, THEM, ring_timeout_s),
            LocalDescription(US[0], 3000, ("PCMA", "PCMU")),
            Credentials(*account),
        )
        self.endpoint.add(call, self.now)
        self._carry()
        return call

    def hangup(self, call: Call, delay_s: float) -> None:
        """Hang up `delay_s` from now."""
        self.at(delay_s, lambda: self.endpoint.do(call.hangup, self.now))

    def at(self, delay_s: float, do: Callable[[], None]) -> None:
        """Do something `delay_s` from now."""
        heapq.heappush(self._plans, (self.now + delay_s, next(self._count), do))

    def run(self, seconds: float) -> None:
        """Let time pass, from one event to the next."""
        until = self.now + seconds
        while (due := self._next()) is not None and due <= until:
            self.now = max(self.now, due)
            while self._plans and self._plans[0][0] <= self.now:
                heapq.heappop(self._plans)[2]()
            while self._travelling and self._travelling[0][0] <= self.now:
                _, _, to_us, data = heapq.heappop(self._travelling)
                if to_us:
                    self.endpoint.receive(data, THEM, self.now)
                else:
                    self.callee.receive(data, self.now)
            self.endpoint.tick(self.now)
            self.callee.tick(self.now)
            self._carry()
        self.now = until

    def heard(self, kind: type) -> list[CallEvent]:
        return [event for _, event in self.events if isinstance(event, kind)]

    @property
    def ended(self) -> CallEnded:
        """The one end of the call."""
        ends = [event for _, event in self.events if isinstance(event, CallEnded)]
        assert len(ends) == 1, self.events
        assert self.events[-1][1] is ends[0]
        return ends[0]

    @property
    def at_rest(self) -> bool:
        """Nothing is waited for and nothing is remembered."""
        endpoint = self.endpoint
        return not endpoint.calls and endpoint.deadline() is None and not endpoint._clients

    def _next(self) -> float | None:
        waiting = [self.endpoint.deadline(), self.callee.deadline()]
        waiting += [queue[0][0] for queue in (self._travelling, self._plans) if queue]
        return min((at for at in waiting if at is not None), default=None)

    def _carry(self) -> None:
        for action in self.endpoint.take():
            if isinstance(action, Send):
                self.sent.append(action.message)
                self._post(action, to_us=False)
            else:
                self.events.append((self.now, action[1]))
        for send in self.callee.outbox:
            self._post(send, to_us=True)
        self.callee.outbox.clear()

    def _post(self, send: Send, *, to_us: bool) -> None:
        number = self._carried
        self._carried += 1
        for extra_s in self._faults.get(number, [0.0]):
            item = (self.now + TRAVEL_S + extra_s, next(self._count), to_us, send.message.raw)
            heapq.heappush(self._travelling, item)
