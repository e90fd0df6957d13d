"""Server-sent events: bounded queues, one per open page."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from daemon.errors import BranchlineError

HEARTBEAT_S = 15.0
RETRY_MS = 1500
QUEUE_LENGTH = 256
GLANCE_S = 1.0


@dataclass(frozen=True)
class Message:
    """One event of the stream.

    Attributes:
        name: "hello", "call" or "overview".
        data: what becomes JSON.
        id: id of the newest stored event this message takes into account; the
            browser sends it back as Last-Event-ID when it reconnects.
    """

    name: str
    data: dict[str, Any]
    id: int

    def encode(self) -> bytes:
        """As it goes over the wire; JSON has no raw line break, so one data line."""
        body = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self.id}\nevent: {self.name}\ndata: {body}\n\n".encode()


class CrowdedError(BranchlineError):
    """As many pages are open as the service has threads for."""


class Client:
    """One open page."""

    def __init__(self) -> None:
        """An empty queue."""
        self._queue: queue.Queue[Message] = queue.Queue(QUEUE_LENGTH)
        self._over = threading.Event()

    @property
    def over(self) -> bool:
        """Nothing more will come."""
        return self._over.is_set()

    def put(self, message: Message) -> None:
        """Queue a message; a page too slow to read is let go, and comes back by itself."""
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            self.close()

    def get(self, timeout_s: float) -> Message | None:
        """The next message, or None if none came in time."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """End the stream; what is queued is dropped, the browser asks for it again."""
        self._over.set()


class Hub:
    """Fans messages out to the open pages. Safe from any thread."""

    def __init__(self, limit: int) -> None:
        """At most `limit` pages at a time: each holds a thread of the web server."""
        self.limit = limit
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        """How many pages are open."""
        with self._lock:
            return len(self._clients)

    def join(self) -> Client:
        """A place for one page.

        Raises:
            CrowdedError: no place left, or the service is stopping.
        """
        with self._lock:
            if self._closed or len(self._clients) >= self.limit:
                raise CrowdedError(f"{self.limit} pages are open already; close one")
            client = Client()
            self._clients.add(client)
            return client

    def leave(self, client: Client) -> None:
        """Give the place back."""
        with self._lock:
            self._clients.discard(client)

    def publish(self, message: Message) -> None:
        """Give a message to every page."""
        with self._lock:
            clients = tuple(self._clients)
        for client in clients:
            client.put(message)

    def close(self) -> None:
        """End every stream and take no more."""
        with self._lock:
            self._closed = True
            clients = tuple(self._clients)
        for client in clients:
            client.close()


def body(
    client: Client,
    first: list[Message],
    gone: Callable[[], bool],
    heartbeat_s: float = HEARTBEAT_S,
) -> Iterator[bytes]:
    """The bytes of one stream, until either side ends it.

    Args:
        client: the page's queue.
        first: messages that bring the page up to date.
        gone: says whether the browser has closed the connection.
        heartbeat_s: a comment is sent after this long without a message.
    """
    yield f"retry: {RETRY_MS}\n\n".encode()
    for message in first:
        yield message.encode()
    glance_s = min(GLANCE_S, heartbeat_s)
    quiet_s = 0.0
    while not client.over and not gone():
        message_or_none = client.get(glance_s)
        if message_or_none is not None:
            quiet_s = 0.0
            yield message_or_none.encode()
            continue
        quiet_s += glance_s
        if quiet_s >= heartbeat_s:
            quiet_s = 0.0
            yield b": still here\n\n"
