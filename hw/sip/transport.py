"""The UDP socket of a line: datagrams in and out, names resolved beside the signalling thread."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hw.base import LineError
from hw.sip.transaction import Target

log = logging.getLogger(__name__)

_DATAGRAM_BYTES = 65535
_BATCH = 64
_NAME_LIFE_S = 60.0
_WAITING_NAMES = 256


@dataclass(frozen=True)
class Undeliverable:
    """Nothing can be sent to this address at present."""

    target: Target
    reason: str


class UdpTransport:
    """One bound socket; `wait` belongs to one thread, `wake` to any."""

    def __init__(self, host: str, port: int) -> None:
        """Bind.

        Raises:
            LineError: the address is not ours or the port is taken.
        """
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise LineError(
                f"cannot open SIP port {port} on {host}: {error.strerror}; "
                "choose another local_port or end the program that uses it"
            ) from error
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._names = _Names(self.wake)
        self._failed: list[Undeliverable] = []

    def send(self, data: bytes, target: Target) -> None:
        """Send now, or as soon as the target's name is resolved; losses are reported."""
        host = self._names.lookup(data, target)
        if host is None:
            return
        try:
            self._socket.sendto(data, (host, target[1]))
        except BlockingIOError:
            log.info("send buffer full, a message to %s:%d is lost", *target)
        except OSError as error:
            reason = f"cannot send to {target[0]}:{target[1]}: {error.strerror}"
            self._failed.append(Undeliverable(target, reason))

    def wait(self, timeout_s: float | None) -> list[tuple[bytes, Target]]:
        """Wait for datagrams, `wake` or the time; what came, with its source."""
        self._selector.select(timeout_s)
        with contextlib.suppress(BlockingIOError):
            while self._wake_out.recv(4096):
                pass
        received: list[tuple[bytes, Target]] = []
        while len(received) < _BATCH:
            try:
                data, source = self._socket.recvfrom(_DATAGRAM_BYTES)
            except OSError:
                break  # nothing more; an ICMP error is told by the timers
            received.append((data, (source[0], source[1])))
        for data, target in self._names.resolved():
            self.send(data, target)
        return received

    def failures(self) -> list[Undeliverable]:
        """What could not be sent since the last time."""
        failed = self._failed + self._names.failures()
        self._failed = []
        return failed

    def wake(self) -> None:
        """Make `wait` return; from any thread."""
        with contextlib.suppress(OSError):
            self._wake_in.send(b"w")

    def close(self) -> None:
        """Close the sockets and end the resolver. Idempotent."""
        self._names.close()
        self._selector.close()
        for end in (self._socket, self._wake_in, self._wake_out):
            end.close()


class _Names:
    """Host names to IPv4 addresses, looked up in a thread of its own and kept a minute."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._known: dict[str, tuple[str, float]] = {}
        self._waiting: dict[str, list[tuple[bytes, Target]]] = {}
        self._asked: queue.Queue[str | None] = queue.Queue(_WAITING_NAMES)
        self._answers: queue.SimpleQueue[tuple[str, str, str]] = queue.SimpleQueue()
        self._failed: list[Undeliverable] = []
        self._thread: threading.Thread | None = None

    def lookup(self, data: bytes, target: Target) -> str | None:
        """The address; None when it must be looked up first, then `resolved` gives both back."""
        host = target[0]
        if _is_address(host):
            return host
        address, until = self._known.get(host, ("", 0.0))
        if time.monotonic() < until:
            return address
        waiting = self._waiting.setdefault(host, [])
        waiting.append((data, target))
        if len(waiting) == 1:
            self._ask(host)
        return None

    def resolved(self) -> list[tuple[bytes, Target]]:
        """Datagrams whose target is known by now."""
        ready: list[tuple[bytes, Target]] = []
        while not self._answers.empty():
            host, address, error = self._answers.get()
            waiting = self._waiting.pop(host, [])
            if address:
                self._known[host] = (address, time.monotonic() + _NAME_LIFE_S)
                ready += waiting
            else:
                reason = f"host name {host} cannot be resolved: {error}"
                self._failed += [Undeliverable(target, reason) for _, target in waiting]
        return ready

    def failures(self) -> list[Undeliverable]:
        """Targets whose name has no address."""
        failed, self._failed = self._failed, []
        return failed

    def close(self) -> None:
        """End the thread; it may still be inside a look-up, and ends after it."""
        with contextlib.suppress(queue.Full):
            self._asked.put_nowait(None)

    def _ask(self, host: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sip-names", daemon=True)
            self._thread.start()
        try:
            self._asked.put_nowait(host)
        except queue.Full:
            self._answers.put((host, "", "too many names are being looked up"))

    def _run(self) -> None:
        while (host := self._asked.get()) is not None:
            try:
                self._answers.put((host, socket.gethostbyname(host), ""))
            except OSError as error:
                self._answers.put((host, "", str(error)))
            self._wake()


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def own_address(towards: Target) -> str:
    """The address of ours that packets to `towards` leave from.

    Raises:
        LineError: the name is unknown or there is no route.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(towards)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise LineError(
            f"cannot find the way to {towards[0]}: {error.strerror or error}; "
            "check the network or set local_host"
        ) from error
