"""The media process: one loop that paces the sound of all calls.

Run by `hw.sip.media_client` as `python -m hw.sip.media FD`, where FD is one end of
a stream socket. It ends when the other end is closed. Deadlines are absolute, 20 ms
apart on the monotonic clock; received packets are read once per deadline.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys
import time

from hw.base import Frame
from hw.sip import media_wire as wire
from hw.sip.pacing import Deadlines, raise_priority
from hw.sip.stream import Agreement, RtpStream, Tick

log = logging.getLogger(__name__)

_ORDERS_BYTES = 1 << 18
_DATAGRAM_BYTES = 2048
_DATAGRAMS_PER_TICK = 64
_UNREAD_LIMIT_BYTES = 4 << 20
_HOUSEKEEPING_TICKS = 500
_PORT_TRIES = 64


def bind_rtp(host: str, ports: tuple[int, int] | None) -> socket.socket:
    """A non-blocking UDP socket on an even port of `host`, within `ports` if given.

    Raises:
        OSError: the address is not ours, or no even port is free.
    """
    candidates = range(ports[0] + ports[0] % 2, ports[1] + 1, 2) if ports else [0] * _PORT_TRIES
    odd: list[socket.socket] = []
    try:
        for port in candidates:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.bind((host, port))
            except OSError:
                sock.close()
                if not ports:
                    raise
                continue
            if sock.getsockname()[1] % 2:
                odd.append(sock)
                continue
            sock.setblocking(False)
            return sock
    finally:
        for sock in odd:
            sock.close()
    raise OSError(f"no free even RTP port on {host}" + (f" in {ports}" if ports else ""))


class Port:
    """One call's socket and stream."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over a bound, non-blocking UDP socket."""
        self.socket = sock
        self.stream = RtpStream()

    def tick(self, now_s: float) -> Tick:
        """Read what has arrived, send one packet, give the events."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_DATAGRAMS_PER_TICK):
                try:
                    datagram, source = self.socket.recvfrom(_DATAGRAM_BYTES)
                except ConnectionError:
                    continue  # an ICMP error of an earlier packet
                self.stream.receive(datagram, source[:2], now_s)
        tick = self.stream.tick(now_s)
        if tick.datagram is not None:
            # A full buffer or an unreachable host loses a packet, as the network does.
            with contextlib.suppress(OSError):
                self.socket.sendto(tick.datagram, tick.destination)
        return tick


class MediaLoop:
    """All ports, and the one conversation with the main process."""

    def __init__(self, control: socket.socket) -> None:
        """`control` is our end of the socket pair."""
        control.setblocking(False)
        self._control = control
        self._inbox = wire.Inbox()
        self._unsent = bytearray()
        self._ports: dict[int, Port] = {}
        self._dropped_frames = 0
        self._parent = os.getppid()

    def run(self) -> None:
        """Loop until the main process is gone."""
        ticks = 0
        deadlines = Deadlines()
        while True:
            writers = [self._control] if self._unsent else []
            readable, writable, _ = select.select(
                [self._control], writers, [], deadlines.remaining_s()
            )
            if readable and not self._read_orders():
                return
            if writable and not self._flush():
                return
            if not deadlines.take():
                continue
            if not self._tick(time.monotonic()):
                return
            ticks += 1
            if ticks % _HOUSEKEEPING_TICKS == 0:
                gc.collect()
                if os.getppid() != self._parent:
                    return

    def _tick(self, now_s: float) -> bool:
        full = len(self._unsent) > _UNREAD_LIMIT_BYTES
        for port_id, port in self._ports.items():
            for event in port.tick(now_s).events:
                if full and isinstance(event, Frame):
                    self._dropped_frames += 1
                else:
                    self._unsent += wire.event_report(port_id, event)
        if self._dropped_frames and not full:
            log.warning("the main process did not read: %d frames dropped", self._dropped_frames)
            self._dropped_frames = 0
        return not self._unsent or self._flush()

    def _flush(self) -> bool:
        try:
            sent = self._control.send(self._unsent)
        except BlockingIOError:
            return True
        except OSError:
            return False
        del self._unsent[:sent]
        return True

    def _read_orders(self) -> bool:
        try:
            data = self._control.recv(_ORDERS_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        for kind, port_id, payload in self._inbox.feed(data):
            self._obey(kind, port_id, payload)
        return bool(data)

    def _obey(self, kind: int, port_id: int, payload: bytes) -> None:
        if kind == wire.Order.OPEN:
            self._open(port_id, **wire.read_facts(payload))
            return
        port = self._ports.get(port_id)
        if port is None:
            return
        match kind:
            case wire.Order.AGREE:
                terms = wire.read_facts(payload)
                terms["remote"] = tuple(terms["remote"])
                port.stream.agree(Agreement(**terms))
            case wire.Order.PLAY:
                port.stream.play(*wire.read_play(payload))
            case wire.Order.STOP:
                port.stream.stop_playback()
            case wire.Order.CLOSE:
                del self._ports[port_id]
                port.socket.close()

    def _open(self, port_id: int, host: str, ports: list[int] | None) -> None:
        try:
            sock = bind_rtp(host, (ports[0], ports[1]) if ports else None)
        except OSError as error:
            self._unsent += wire.facts(wire.Report.FAILED, port_id, error=str(error))
            return
        self._ports[port_id] = Port(sock)
        number = sock.getsockname()[1]
        self._unsent += wire.facts(wire.Report.OPENED, port_id, port=number)


def main() -> None:
    """Serve the main process at the other end of the socket named by the argument."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    # Ctrl-C and systemd's SIGTERM reach the whole group; calls must still say goodbye.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise_priority()
    gc.collect()
    gc.freeze()
    gc.disable()  # collected every 10 s right after a tick instead of at any time
    MediaLoop(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
