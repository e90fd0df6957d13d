"""The signalling core as a whole, without I/O: datagrams and time in, actions out.

It owns all transactions, calls and the registration of one line. The shell gives it
every datagram (`receive`), calls `tick` when `deadline` has come, and after each step
carries out what `take` returns.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from hw.base import LineError
from hw.sip import inbound
from hw.sip.call import Call, Phase
from hw.sip.identity import new_tag
from hw.sip.message import Message, make_response
from hw.sip.registration import Registration
from hw.sip.server import InviteServer, Key, ServerTransaction, server_key, server_transaction
from hw.sip.stack import CallEvent, TransactionUser
from hw.sip.transaction import (
    Action,
    ClientTransaction,
    Deliver,
    InviteClient,
    Send,
    State,
    Target,
    client_transaction,
)

log = logging.getLogger(__name__)

CallReport = tuple[str, CallEvent]
Command = Callable[[float], None]


class Endpoint:
    """Transactions, calls and registration of one line."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self.registration: Registration | None = None
        self._clients: dict[tuple[str, str], tuple[ClientTransaction, TransactionUser | None]] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._outbox: deque[Send | CallReport] = deque()
        self._now = 0.0

    # What the shell uses.

    def receive(self, data: bytes, source: Target, now: float) -> None:
        """Take one datagram; what is not a SIP message is dropped."""
        self._now = now
        if not data.strip(b"\r\n\0 "):
            return  # keep-alive
        try:
            message = Message(data)
            if message.is_request:
                self._on_request(message, source)
            else:
                self._on_response(message)
        except LineError as error:
            log.info("datagram from %s:%d ignored: %s", *source, error)
        self._sweep()

    def tick(self, now: float) -> None:
        """Run every timer that is due."""
        self._now = now
        for transaction, user in list(self._clients.values()):
            if _due(transaction.deadline, now):
                self._run(transaction.tick(now), user)
        for server in list(self._servers.values()):
            if _due(server.deadline, now):
                self._run_server(server, server.tick(now))
        for call in list(self.calls.values()):
            call.tick(now)
        if self.registration is not None:
            self.registration.tick(now)
        self._sweep()

    def deadline(self) -> float | None:
        """When `tick` is due next; None when nothing waits."""
        waiting = [client.deadline for client, _ in self._clients.values()]
        waiting += [server.deadline for server in self._servers.values()]
        waiting += [call.deadline for call in self.calls.values()]
        if self.registration is not None:
            waiting.append(self.registration.deadline)
        return min((at for at in waiting if at is not None), default=None)

    def take(self) -> list[Send | CallReport]:
        """Everything to be carried out since the last time, in order."""
        taken = list(self._outbox)
        self._outbox.clear()
        return taken

    def do(self, command: Command, now: float) -> None:
        """Run a command on a call or the registration, such as `call.hangup`, at this time."""
        self._now = now
        command(now)
        self._sweep()

    def add(self, call: Call, now: float) -> None:
        """Start a call."""
        self.calls[call.call_id] = call
        self.do(call.start, now)

    def register(self, registration: Registration, now: float) -> None:
        """Start keeping the line registered."""
        self.registration = registration
        self.do(registration.start, now)

    def fail(self, target: Target, reason: str, now: float) -> None:
        """Nothing can be sent to this address: give up what waits for an answer from it."""
        self._now = now
        for transaction, user in list(self._clients.values()):
            if transaction.target == target:
                self._run(transaction.fail(reason), user)
        self._sweep()

    # What calls and the registration use (the Stack).

    def send(self, message: Message, target: Target) -> None:
        """Send outside any transaction."""
        self._outbox.append(Send(message, target))

    def request(self, message: Message, target: Target, user: TransactionUser | None) -> None:
        """Start a client transaction."""
        transaction = client_transaction(message, target)
        self._clients[(message.branch, message.method)] = (transaction, user)
        self._run(transaction.start(self._now), user)

    def abandon(self, message: Message) -> None:
        """Forget the client transaction of this request."""
        self._clients.pop((message.branch, message.method), None)

    def silence(self, message: Message) -> None:
        """Send this INVITE no more, but go on listening for its answers."""
        transaction, _ = self._clients.get((message.branch, message.method), (None, None))
        if isinstance(transaction, InviteClient):
            transaction.silence()

    def emit(self, call_id: str, event: CallEvent) -> None:
        """Report an event of a call."""
        self._outbox.append((call_id, event))

    # Inside.

    def _on_response(self, response: Message) -> None:
        found = self._clients.get((response.branch, response.cseq[1]))
        if found is not None:
            transaction, user = found
            self._run(transaction.receive(response, self._now), user)
            return
        call = self.calls.get(response.call_id)
        if call is not None and response.cseq[1] == "INVITE" and 200 <= response.code < 300:
            call.on_response(response, self._now)  # a 2xx repeated after timer M

    def _on_request(self, request: Message, source: Target) -> None:
        known = self._servers.get(server_key(request))
        if request.method == "ACK":
            self._on_ack(request, known)
            return
        if known is not None:
            self._run_server(known, known.receive(request, self._now))
            return
        server = server_transaction(request, source)
        self._servers[server_key(request)] = server
        reply = inbound.screen(request) or self._reply(request)
        call = self._call_of(request)
        response = make_response(
            request,
            reply.code,
            to_tag=call.local_tag if call else new_tag(),
            fields=reply.fields,
            content=reply.content,
            source=source,
        )
        self._run_server(server, server.respond(response, self._now))

    def _reply(self, request: Message) -> inbound.Reply:
        if request.method == "CANCEL":
            branch, sent_by, _ = server_key(request)
            pending = (branch, sent_by, "INVITE") in self._servers
            return inbound.OK if pending else inbound.NO_SUCH_CALL
        call = self._call_of(request)
        if call is None:
            return inbound.outside_call(request)
        return inbound.within_call(call, request)

    def _call_of(self, request: Message) -> Call | None:
        call = self.calls.get(request.call_id)
        if call is None or request.to_tag != call.local_tag:
            return None
        return call if request.from_tag in call.remote_tags else None

    def _on_ack(self, request: Message, known: ServerTransaction | None) -> None:
        if known is not None:
            self._run_server(known, known.receive(request, self._now))
        call = self._call_of(request)
        if call is None:
            return
        for server in self._servers.values():
            theirs = server.request
            same = (theirs.call_id, theirs.cseq[0]) == (request.call_id, request.cseq[0])
            if same and isinstance(server, InviteServer) and server.state is State.ACCEPTED:
                server.acknowledge(self._now)
                inbound.on_ack(call, request)

    def _run(self, actions: list[Action], user: TransactionUser | None) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._outbox.append(action)
            elif user is not None and isinstance(action, Deliver):
                user.on_response(action.response, self._now)
            elif user is not None and not isinstance(action, Deliver):
                user.on_failure(action.request, action.reason, self._now)

    def _run_server(self, server: ServerTransaction, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._outbox.append(action)
                continue
            call = self._call_of(server.request)
            if call is not None and server.state is State.TERMINATED:
                call.hangup(self._now, reason="re-INVITE not acknowledged", ended_by="network")

    def _sweep(self) -> None:
        """Forget transactions that ended, and calls that ended and have none left."""
        self._clients = {
            key: pair
            for key, pair in self._clients.items()
            if pair[0].state is not State.TERMINATED
        }
        self._servers = {
            key: server
            for key, server in self._servers.items()
            if server.state is not State.TERMINATED
        }
        busy = {client.request.call_id for client, _ in self._clients.values()}
        for call_id, call in list(self.calls.items()):
            if call.phase is Phase.OVER and call_id not in busy:
                del self.calls[call_id]


def _due(deadline: float | None, now: float) -> bool:
    return deadline is not None and now >= deadline
