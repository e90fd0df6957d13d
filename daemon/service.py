"""What systemd is told and asks: ready, stopping, status, the watchdog, the journal.

The one file that touches python-systemd. Without it the datagrams of sd_notify(3)
are written here; without $NOTIFY_SOCKET (not started by systemd) nothing is sent.
The checkout's systemd/ folder is no Python package: where python-systemd is not
installed it is found as an empty namespace package, so what is imported is a name
that only the real module has.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

try:
    from systemd.daemon import notify as _sd_notify
    from systemd.journal import sendv as _journal_send
except ImportError:
    _sd_notify = None
    _journal_send = None

log = logging.getLogger(__name__)


def has_python_systemd() -> bool:
    """Is python-systemd installed?"""
    return _sd_notify is not None


def notify_ready(status: str = "") -> bool:
    """Start-up (or re-reading the configuration) is over; dependents may start.

    Like every notify function: True if the message was sent, False if nobody
    listens. Never raises: a lost message must not end a call.
    """
    return _notify(_lines("READY=1", status))


def notify_stopping(status: str = "") -> bool:
    """Shutting down has begun; calls are being finished."""
    return _notify(_lines("STOPPING=1", status))


def notify_reloading() -> bool:
    """The configuration is being read again; `notify_ready` ends it."""
    now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    return _notify(f"RELOADING=1\nMONOTONIC_USEC={now_us}")


def notify_status(text: str) -> bool:
    """One line that `systemctl status` shows."""
    return _notify(_lines("", text))


def notify_watchdog() -> bool:
    """The daemon is alive; resets systemd's watchdog."""
    return _notify("WATCHDOG=1")


def watchdog_interval_s() -> float | None:
    """Seconds between two pings: half of what systemd allows; None without watchdog.

    Reads $WATCHDOG_USEC and $WATCHDOG_PID as sd_watchdog_enabled(3) does.
    """
    pid = os.environ.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return None
    try:
        allowed_us = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return allowed_us / 1e6 / 2 if allowed_us > 0 else None


class Watchdog:
    """Pings systemd from a thread of its own, as long as the daemon is healthy.

    When `healthy` says False, raises, or hangs, the pings stop and systemd restarts
    the daemon; when it says True again in time, they go on.
    """

    def __init__(
        self,
        healthy: Callable[[], bool],
        interval_s: float | None = None,
        ping: Callable[[], object] = notify_watchdog,
    ) -> None:
        """Make it; `interval_s` None means what systemd asks for."""
        self._healthy = healthy
        self._interval_s = watchdog_interval_s() if interval_s is None else interval_s
        self._ping = ping
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._was_healthy = True

    def start(self) -> None:
        """Ping now and then at every interval; does nothing without a watchdog."""
        if self._interval_s is None or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the pings. Idempotent."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while True:
            if self._check():
                self._ping()
            if self._stopped.wait(self._interval_s):
                return

    def _check(self) -> bool:
        try:
            healthy = self._healthy()
        except Exception:
            log.exception("the health check failed; systemd's watchdog is not answered")
            healthy = False
        if not healthy and self._was_healthy:
            log.error("the daemon is not healthy; systemd will restart it unless it recovers")
        self._was_healthy = healthy
        return healthy


def is_journal_connected() -> bool:
    """Does stderr go to the journal? Compares it with $JOURNAL_STREAM (systemd.exec(5))."""
    try:
        device, inode = (int(part) for part in os.environ["JOURNAL_STREAM"].split(":"))
        stderr = os.fstat(2)
    except (KeyError, ValueError, OSError):
        return False
    return (stderr.st_dev, stderr.st_ino) == (device, inode)


def can_send_to_journal() -> bool:
    """Will `send_to_journal` keep fields? False without python-systemd."""
    return _journal_send is not None


def send_to_journal(message: str, fields: Mapping[str, str]) -> None:
    """Write one entry with its own fields (names in capitals).

    Raises:
        OSError: the journal's socket is gone, or python-systemd is missing.
    """
    if _journal_send is None:
        raise OSError("python-systemd is not installed; run ./install.sh to build it")
    _journal_send(f"MESSAGE={message}", *(f"{name}={text}" for name, text in fields.items()))


def _lines(state: str, status: str) -> str:
    """The state, and the status on one line of its own."""
    one_line = " ".join(status.split())
    return "\n".join(part for part in (state, f"STATUS={one_line}" if one_line else "") if part)


def _notify(message: str) -> bool:
    if not message or not os.environ.get("NOTIFY_SOCKET"):
        return False
    try:
        if _sd_notify is not None:
            return bool(_sd_notify(message))
        return _send_datagram(message)
    except OSError as error:
        log.warning("systemd could not be told %r: %s", message, error)
        return False


def _send_datagram(message: str) -> bool:
    """sd_notify(3) without python-systemd."""
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):  # Linux's abstract socket names
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect(address)
        sender.sendall(message.encode())
    return True
