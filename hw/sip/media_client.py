"""The main process's side of the media process: starts it, opens ports, hears events."""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

from hw.base import FRAME_BYTES, Digit, Frame, LineError, PlaybackFinished, PlaybackStarted
from hw.sip import g711
from hw.sip import media_wire as wire
from hw.sip.stream import MediaLost

log = logging.getLogger(__name__)

MediaEvent = Frame | PlaybackStarted | PlaybackFinished | Digit | MediaLost
OnEvent = Callable[[MediaEvent], None]

__all__ = ["MediaEvent", "MediaLost", "MediaPort", "MediaServer"]

_OPEN_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 2.0
_QUEUED_ORDERS = 10_000
_REPORTS_BYTES = 1 << 18
_SILENCE = bytes(FRAME_BYTES)


class MediaPort:
    """One call's sound. Orders never block; after `close` they do nothing."""

    def __init__(self, link: _Link, port_id: int, host: str, on_event: OnEvent) -> None:
        """Made by `MediaServer.open`."""
        self.host = host
        self.port = 0
        self._link = link
        self._id = port_id
        self._on_event = on_event
        self._next_index = 0
        self._opened = threading.Event()
        self._error = ""

    def connect(
        self,
        remote: tuple[str, int],
        codec: str,
        telephone_event: int | None,
        *,
        send: bool = True,
        receive: bool = True,
    ) -> None:
        """Start, or go on under changed terms (re-INVITE, hold, another codec).

        Frames are reported from the first call on. Queued sound waits while `send` is off.

        Raises:
            LineError: `codec` is neither "PCMA" nor "PCMU".
        """
        if codec not in g711.BY_NAME:
            raise LineError(f"codec {codec!r} is not supported: agree on PCMA or PCMU")
        terms = {"codec": codec, "telephone_event": telephone_event}
        self._send(
            wire.facts(
                wire.Order.AGREE, self._id, remote=remote, send=send, receive=receive, **terms
            )
        )

    def play(self, token: str, pcm: bytes) -> None:
        """Queue 16-bit 8 kHz sound behind what is already queued."""
        self._send(wire.play_order(self._id, token, pcm))

    def stop_playback(self) -> None:
        """Drop all queued sound; each token cut off is reported finished."""
        self._send(wire.message(wire.Order.STOP, self._id))

    def close(self) -> None:
        """Give the port back; at most the event being delivered right now still comes."""
        self._link.ports.pop(self._id, None)
        self._send(wire.message(wire.Order.CLOSE, self._id))

    def _send(self, order: bytes) -> None:
        self._link.send(order)

    def wait_until_open(self) -> None:
        """Wait for the media process to bind the socket.

        Raises:
            LineError: it could not, or did not answer.
        """
        if not self._opened.wait(_OPEN_TIMEOUT_S):
            self._error = "the media process does not answer"
        if self._error:
            self.close()
            raise LineError(f"cannot open an RTP port on {self.host}: {self._error}")

    def take(self, kind: int, payload: bytes) -> None:
        """Handle one report (reader thread)."""
        if kind == wire.Report.OPENED:
            self.port = wire.read_facts(payload)["port"]
            self._opened.set()
        elif kind == wire.Report.FAILED:
            self._error = wire.read_facts(payload)["error"]
            self._opened.set()
        else:
            event = wire.read_event(kind, payload)
            if event is not None:
                self._deliver(event)

    def lose(self, reason: str) -> None:
        """The media process is gone (reader thread)."""
        if self._opened.is_set():
            self._deliver(MediaLost(reason, final=True))
        else:
            self._error = reason
            self._opened.set()

    def _deliver(self, event: MediaEvent) -> None:
        if isinstance(event, Frame):
            # Frames we were too slow to read were dropped; a leg's clock never skips.
            for index in range(self._next_index, event.index):
                self._call(Frame(index, _SILENCE, _SILENCE))
            self._next_index = event.index + 1
        self._call(event)

    def _call(self, event: MediaEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            log.exception("media event handler failed on %s", type(event).__name__)


class _Link:
    """One run of the media process: the process, its socket, two threads."""

    def __init__(self) -> None:
        self.ports: dict[int, MediaPort] = {}
        self.alive = True
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "hw.sip.media", str(theirs.fileno())]
            try:
                self._process = subprocess.Popen(
                    command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
                )
            except OSError as error:
                ours.close()
                raise LineError(f"cannot start the media process {command}: {error}") from error
        self._socket = ours
        self._orders: queue.Queue[bytes | None] = queue.Queue(_QUEUED_ORDERS)
        self._reader = threading.Thread(target=self._read, name="media-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="media-writer", daemon=True)
        self._reader.start()
        self._writer.start()

    @property
    def is_reader(self) -> bool:
        """Whether the caller runs in the thread that delivers events."""
        return threading.current_thread() is self._reader

    def send(self, order: bytes) -> None:
        """Queue an order; nothing happens if the process is gone."""
        if not self.alive:
            return
        try:
            self._orders.put_nowait(order)
        except queue.Full as error:
            raise LineError("the media process has stopped taking orders: restart it") from error

    def stop(self) -> None:
        """Close the socket, upon which the process ends; kill it if it does not."""
        self.alive = False
        self.ports.clear()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(queue.Full):
            self._orders.put_nowait(None)
        if not self.is_reader:
            self._reader.join(_STOP_TIMEOUT_S)
        self._writer.join(_STOP_TIMEOUT_S)
        self._socket.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self) -> None:
        while (order := self._orders.get()) is not None:
            try:
                self._socket.sendall(order)
            except OSError:
                return

    def _read(self) -> None:
        inbox = wire.Inbox()
        with contextlib.suppress(OSError):
            while data := self._socket.recv(_REPORTS_BYTES):
                for kind, port_id, payload in inbox.feed(data):
                    port = self.ports.get(port_id)
                    if port is not None:
                        port.take(kind, payload)
        if not self.alive:
            return
        self.alive = False
        log.error("the media process (pid %d) ended unexpectedly", self._process.pid)
        for port in list(self.ports.values()):
            port.lose("the media process ended")


class MediaServer:
    """Opens RTP ports in a media process of its own; restarts it for new calls if it dies."""

    def __init__(self, host: str = "127.0.0.1", ports: tuple[int, int] | None = None) -> None:
        """`host` is the local address; `ports` limits RTP to a range (both ends included)."""
        self._host = host
        self._ports = ports
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._link: _Link | None = None

    def start(self) -> None:
        """Start the media process. Idempotent.

        Raises:
            LineError: it cannot be started.
        """
        with self._lock:
            if self._link is None:
                self._link = _Link()

    def stop(self) -> None:
        """End the media process; open ports fall silent without an event. Idempotent."""
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.stop()

    def open(self, on_event: OnEvent) -> MediaPort:
        """Bind a local RTP port; waits some milliseconds for the media process.

        `on_event` runs in the reader thread, so it must not block nor call `open`.

        Raises:
            LineError: not started, no free port, or the process does not answer.
        """
        with self._lock:
            link = self._link
            if link is None:
                raise LineError("the media process is not started: call start() first")
            if link.is_reader:
                raise LineError("open() was called from a media event: hand it to another thread")
            if not link.alive:
                link.stop()
                link = self._link = _Link()
            port_id = next(self._ids)
            port = link.ports[port_id] = MediaPort(link, port_id, self._host, on_event)
        link.send(wire.facts(wire.Order.OPEN, port_id, host=self._host, ports=self._ports))
        port.wait_until_open()
        return port
