"""pyVoIP's client and phone, with our signalling core inside.

Kept from pyVoIP: `VoIPPhone` as the owner of account, client, status (`get_status`) and
the table of calls, with its order of starting and stopping; `SIPClient` as the holder of
the account, the local address and the running flag `NSD`. Replaced, because each breaks
a call (ACK and BYE that are not routed, finals that are ignored, no retransmission, no
CANCEL, digest without qop, Call-IDs from a counter, any datagram taken for a REGISTER's
answer): everything that sends, receives, builds or matches a message. `VoIPPhone`
hard-codes its client, so it is replaced after the base constructor. `VoIPCall` and all
of pyVoIP's RTP are not used.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pyVoIP.VoIP  # must come before pyVoIP.SIP: they import each other
from pyVoIP.SIP import SIPClient
from pyVoIP.VoIP.status import PhoneStatus

from hw.base import LineError
from hw.sip.call import Call, Phase
from hw.sip.endpoint import Command, Endpoint
from hw.sip.identity import new_branch, new_call_id, new_tag
from hw.sip.registration import Registration
from hw.sip.stack import CallEnded, CallEvent
from hw.sip.transaction import Send, Target
from hw.sip.transport import UdpTransport

log = logging.getLogger(__name__)

_CLOSE_S = 2.0
_JOIN_S = 5.0
_BREATH_S = 0.1  # after a fault that may repeat at once

OnCallEvent = Callable[[CallEvent], None]


class Signalling(SIPClient):
    """The one thread that owns a line's socket, its timers and its signalling core."""

    def __init__(self, phone: Phone, server: Target, account: tuple[str, str]) -> None:
        super().__init__(*server, *account, phone=phone, myIP=phone.myIP, myPort=phone.sip_port)
        self.endpoint = Endpoint()
        self._on_call_event = phone.on_call_event
        self._gate = threading.Lock()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._transport: UdpTransport | None = None
        self._thread: threading.Thread | None = None
        self._close_at: float | None = None

    def gen_call_id(self) -> str:
        """A random Call-ID (pyVoIP counts)."""
        return new_call_id()

    def gen_tag(self) -> str:
        """A random tag (pyVoIP hashes a 32-bit number)."""
        return new_tag()

    def gen_branch(self, length: int = 32) -> str:
        """A random branch; `length` is pyVoIP's and not needed."""
        return new_branch()

    def start(self) -> None:
        """Bind and start the thread.

        Raises:
            LineError: the port cannot be had.
        """
        if self.NSD:
            return
        self._transport = UdpTransport(self.myIP, self.myPort)
        self.myPort = self._transport.port
        self.NSD = True
        self._thread = threading.Thread(target=self.recv_loop, name="sip-signalling", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait at most 2 s for calls to end and the registration to go, then close."""
        if not self.NSD or self._transport is None or self._thread is None:
            return
        self.submit(self._leave)
        self._thread.join(_JOIN_S)
        with self._gate:
            self.NSD = False
        self._run_commands()
        for call in self.endpoint.calls.values():
            call.give_up()
        self._flush(self._transport)
        self._transport.close()

    def submit(self, command: Command) -> None:
        """Have `command(now)` run in the signalling thread; from any thread.

        Raises:
            LineError: the line is not started, or stopped already.
        """
        with self._gate:
            if not self.NSD or self._transport is None:
                raise LineError("the line is not started; call start() first")
            self._commands.put(command)
            self._transport.wake()

    def recv_loop(self) -> None:
        """The thread: datagrams, commands and timers, one after the other."""
        assert self._transport is not None  # start() has made it
        while not self._is_closed(time.monotonic()):
            try:
                for data, source in self._transport.wait(self._patience_s()):
                    self.endpoint.receive(data, source, time.monotonic())
                self._run_commands()
                self.endpoint.tick(time.monotonic())
                self._flush(self._transport)
            except Exception:
                log.exception("signalling: one step failed, the line goes on")
                time.sleep(_BREATH_S)

    def _run_commands(self) -> None:
        while not self._commands.empty():
            self.endpoint.do(self._commands.get(), time.monotonic())

    def _patience_s(self) -> float | None:
        waiting = [at for at in (self.endpoint.deadline(), self._close_at) if at is not None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _flush(self, transport: UdpTransport) -> None:
        """Carry out what the core decided, and tell it what could not be sent."""
        while actions := self.endpoint.take():
            for action in actions:
                if isinstance(action, Send):
                    transport.send(action.message.raw, action.target)
                else:
                    self._on_call_event(*action)
            for failure in transport.failures():
                log.warning("%s", failure.reason)
                self.endpoint.fail(failure.target, failure.reason, time.monotonic())

    def _leave(self, now: float) -> None:
        self._close_at = now + _CLOSE_S
        if self.endpoint.registration is not None:
            self.endpoint.registration.leave(now)

    def _is_closed(self, now: float) -> bool:
        """True when closing was asked for and nothing is owed any more, or time is up."""
        if self._close_at is None:
            return False
        registration = self.endpoint.registration
        busy = any(call.phase is not Phase.OVER for call in self.endpoint.calls.values())
        busy = busy or (registration is not None and registration.registered)
        return not busy or now >= self._close_at


@dataclass(frozen=True)
class CallHandle:
    """One call from outside the signalling thread."""

    call: Call
    signalling: Signalling
    on_event: OnCallEvent

    def hangup(self) -> None:
        """CANCEL or BYE, whichever fits."""
        self._submit(self.call.hangup)

    def lose_media(self, reason: str) -> None:
        """End the call because there is no sound."""
        self._submit(lambda now: self.call.fail_media(now, reason))

    def _submit(self, command: Command) -> None:
        with contextlib.suppress(LineError):  # a line that is closed has ended its calls
            self.signalling.submit(command)


class Phone(pyVoIP.VoIP.VoIPPhone):
    """pyVoIP's phone around `Signalling`; its calls are `CallHandle`s."""

    sip: Signalling  # replaced after the base constructor
    calls: dict[str, CallHandle]  # type: ignore[assignment]  # instead of VoIPCall

    def __init__(
        self, host: str, port: int, server: Target, account: tuple[str, str] = ("", "")
    ) -> None:
        """No I/O. `server` is where pyVoIP notes the proxy; calls carry their own hop."""
        super().__init__(*server, *account, myIP=host, sipPort=port)
        self.sip_port = port
        self.sip = Signalling(self, server, account)

    def start(self) -> None:
        """Open the line.

        Raises:
            LineError: the port cannot be had.
        """
        super().start()
        self._status = PhoneStatus.INACTIVE

    def stop(self, failed: bool = False) -> None:
        """Hang every call up, give the registration back, close; at most about 2 s."""
        for handle in list(self.calls.values()):
            handle.hangup()
        self.sip.stop()
        self._status = PhoneStatus.FAILED if failed else PhoneStatus.INACTIVE

    @property
    def local_port(self) -> int:
        """The UDP port in use."""
        return int(self.sip.myPort)

    def place(self, call: Call, on_event: OnCallEvent) -> CallHandle:
        """Start a call; `on_event` runs in the signalling thread and must not block.

        Raises:
            LineError: the phone is not started.
        """
        handle = CallHandle(call, self.sip, on_event)
        self.calls[call.call_id] = handle
        try:
            self.sip.submit(lambda now: self.sip.endpoint.add(call, now))
        except LineError:
            del self.calls[call.call_id]
            raise
        return handle

    def keep_registered(self, registration: Registration) -> None:
        """Register now and refresh until `stop`."""
        self._status = PhoneStatus.REGISTERING
        self.sip.submit(lambda now: self.sip.endpoint.register(registration, now))

    def get_status(self) -> PhoneStatus:
        """PyVoIP's word for how the line stands with its registrar."""
        registration = self.sip.endpoint.registration
        if registration is not None and self._status is not PhoneStatus.INACTIVE:
            if registration.registered:
                return PhoneStatus.REGISTERED
            return PhoneStatus.FAILED if registration.last_error else PhoneStatus.REGISTERING
        return self._status

    def on_call_event(self, call_id: str, event: CallEvent) -> None:
        """Pass an event on to whoever placed the call (signalling thread)."""
        handle = self.calls.get(call_id)
        if handle is None:
            return
        if isinstance(event, CallEnded):
            del self.calls[call_id]
        try:
            handle.on_event(event)
        except Exception:
            log.exception("call %s: handler of %s failed", call_id, type(event).__name__)
