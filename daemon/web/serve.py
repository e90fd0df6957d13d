"""Serving the page: one socket on this machine, waitress, an orderly end."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
from collections.abc import Callable
from types import FrameType

import waitress

from daemon.errors import BranchlineError
from daemon.web.app import create_app
from daemon.web.holder import holder_of
from daemon.web.site import Site

HIGHEST_PORT = 65535


class WebError(BranchlineError):
    """The status page cannot be served."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; port 0 takes any free one.

    Raises:
        WebError: the address is not this machine's own, or the port is in use.
    """
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise WebError(
            f"the status page has no login, so it listens on this machine only, not on {host}; "
            "use 127.0.0.1, and from elsewhere: ssh -L 8080:127.0.0.1:8080 THIS-MACHINE"
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
        opened.listen(128)
    except OSError as error:
        opened.close()
        raise WebError(_why_not(error, address, port)) from error
    return opened


def _why_not(error: OSError, address: str, port: int) -> str:
    """What is wrong with the port, and another one to try."""
    other = f"choose another: branchline web --port {port + 1 if port < HIGHEST_PORT else 8080}"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {address} is in use by {holder_of(port)}; stop that, or {other}"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has; {other}"
    return f"port {port} on {address} cannot be opened: {error.strerror}; {other}"


def url_of(opened: socket.socket) -> str:
    """The address to open in a browser."""
    address, port = opened.getsockname()[:2]
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def serve(site: Site, opened: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. Runs in the main thread, which gets the signals.

    Args:
        site: started here, stopped at the end.
        opened: from `listen`.
        ready: called once requests are answered.
    """
    site.start()
    try:
        app = create_app(site, host=opened.getsockname()[0])
        server = waitress.create_server(
            app,
            sockets=[opened],
            threads=site.threads,
            channel_request_lookahead=1,
            ident=None,
        )

        def end(number: int, frame: FrameType | None) -> None:
            site.hub.close()
            raise SystemExit

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        ready()
        server.run()
        server.close()
    finally:
        site.stop()
