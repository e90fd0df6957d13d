"""The simulated customers' telephone: one SIP socket, many calls, one loop."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hw.base import LineError
from hw.sim.conversation import Conversation, Report
from hw.sim.offer import accept
from hw.sim.personas import Persona, find
from hw.sim.sip_text import SipText, SipTextError, parse, response, user_of
from hw.sim.uas import ALLOW, Address, State, UasCall, return_address
from hw.sim.voices import Voices
from hw.sip.pacing import Deadlines

log = logging.getLogger(__name__)

_DATAGRAM_BYTES = 65_535
_IDLE_S = 0.1
_GOODBYE_S = 3.0


class Phone:
    """Answers calls as the personas do. All times are of the monotonic clock."""

    def __init__(
        self,
        personas: Sequence[Persona],
        voices: Voices,
        report: Report,
        record: Path | None = None,
    ) -> None:
        """No I/O yet; `report` gets one fact per happening."""
        self._personas = personas
        self._voices = voices
        self._report = report
        self._record = record
        self._calls: list[Conversation] = []
        self._refusals: list[UasCall] = []
        self._numbers: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stopping_s: float | None = None
        self.stop_requested = False

    def open(self, host: str, port: int) -> Address:
        """Bind the SIP socket (port 0 picks a free one); the address it has.

        Raises:
            LineError: the address cannot be bound.
        """
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise LineError(f"cannot listen on {host}:{port}: {error}") from error
        self._socket.setblocking(False)
        bound: Address = self._socket.getsockname()
        return bound

    def run(self, watch: int | None = None) -> None:
        """Serve until `stop_requested` is set, or until `watch` (a descriptor) closes."""
        deadlines = Deadlines()
        while not self._is_done():
            if not self._calls:
                deadlines.restart()
            sockets = {call.socket: call for call in self._calls if call.socket is not None}
            wait_s = deadlines.remaining_s() if self._calls else _IDLE_S
            watched = [self._socket, *sockets] + ([watch] if watch is not None else [])
            readable, _, _ = select.select(watched, [], [], wait_s)
            now_s = time.monotonic()
            for each in readable:
                if each is self._socket:
                    self._read_signalling(now_s)
                elif isinstance(each, socket.socket):
                    sockets[each].read_sound(now_s)
                else:
                    self.stop_requested, watch = True, None
            if deadlines.take():
                for call in self._calls:
                    call.tick(now_s, self._report)
            self._run_timers(now_s)
        self._socket.close()

    def _is_done(self) -> bool:
        """Whether to end the loop; says goodbye on every call first."""
        if not self.stop_requested:
            return False
        now_s = time.monotonic()
        if self._stopping_s is None:
            self._stopping_s = now_s + _GOODBYE_S
            for call in self._calls:
                if call.uas.state is State.RINGING:
                    call.uas.refuse(603, now_s)
                call.uas.hang_up(now_s)
        if now_s < self._stopping_s and self._calls:
            return False
        for call in self._calls:
            self._finish(call)
        self._calls.clear()
        return True

    def _run_timers(self, now_s: float) -> None:
        host = self._socket.getsockname()[0]
        for call in list(self._calls):
            call.run_timers(now_s, host, self._report)
            if call.uas.state is State.OVER:
                self._calls.remove(call)
                self._finish(call)
        for refusal in self._refusals:
            refusal.run_timers(now_s)
        self._refusals = [each for each in self._refusals if each.state is not State.OVER]

    def _finish(self, call: Conversation) -> None:
        name = call.persona.name
        self._numbers[name] += call.recording is not None
        call.finish(self._record, self._numbers[name], self._report)

    def _send(self, datagram: bytes, address: Address) -> None:
        try:
            self._socket.sendto(datagram, address)
        except OSError as error:
            log.warning("cannot send to %s:%d: %s", *address, error)

    def _read_signalling(self, now_s: float) -> None:
        try:
            datagram, source = self._socket.recvfrom(_DATAGRAM_BYTES)
        except (BlockingIOError, ConnectionError):
            return
        try:
            message = parse(datagram)
        except SipTextError as error:
            if datagram.strip(b"\r\n\0 "):
                log.debug("dropped a datagram from %s:%d: %s", *source, error)
            return
        if message.method:
            self._take_request(message, source, now_s)
            return
        for call in self._calls:
            if call.uas.owns(message):
                call.uas.take_response(message)

    def _take_request(self, request: SipText, source: Address, now_s: float) -> None:
        for call in self._calls:
            if call.uas.owns(request):
                if call.uas.is_new_offer(request):
                    call.take_offer(request, source, now_s)
                else:
                    call.uas.take(request, source, now_s)
                return
        for refusal in self._refusals:
            if refusal.owns(request):
                refusal.take(request, source, now_s)
                return
        if request.method == "INVITE" and ";tag=" not in request.get("to"):
            self._take_call(request, source, now_s)
        elif request.method == "OPTIONS":
            self._answer(request, source, 200, "OK")
        elif request.method in ("BYE", "CANCEL", "INVITE", "INFO", "UPDATE"):
            self._answer(request, source, 481, "Call/Transaction Does Not Exist")
        elif request.method != "ACK":
            self._answer(request, source, 405, "Method Not Allowed")

    def _answer(self, request: SipText, source: Address, status: int, phrase: str) -> None:
        answer = response(request, status, phrase, to_tag="sim", headers=[ALLOW])
        self._send(answer.to_bytes(), return_address(request, source))

    def _take_call(self, invite: SipText, source: Address, now_s: float) -> None:
        user = user_of(invite.uri)
        host, port = self._socket.getsockname()
        uas = UasCall(invite, source, f"sip:{user}@{host}:{port}", self._send)
        persona = find(self._personas, user)
        terms = accept(invite.body)
        if persona is None or persona.answer.kind == "unknown_number" or terms is None:
            uas.refuse(488 if persona is not None and terms is None else 404, now_s)
            self._refusals.append(uas)
            self._report({"event": "refused", "call_id": uas.call_id})
            return
        call = Conversation(uas, persona, terms, self._voices, now_s)
        self._calls.append(call)
        fact = {"event": "ringing", "persona": persona.name, "call_id": uas.call_id}
        self._report(fact | {"rings": persona.answer.kind != "busy"})
