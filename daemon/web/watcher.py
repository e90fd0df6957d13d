"""One thread that notices what the daemon writes and tells the open pages."""

from __future__ import annotations

import logging
import threading
from typing import Any

from daemon.clock import Clock
from daemon.errors import StoreError
from daemon.store.read import Reader
from daemon.web.facts import Facts
from daemon.web.live import LiveCalls
from daemon.web.source import Source
from daemon.web.stream import Client, Hub, Message

log = logging.getLogger(__name__)

LOOK_S = 0.15
LOOK_WITHOUT_DATABASE_S = 1.0
OVERVIEW_AT_MOST_EVERY_S = 1.0
OVERVIEW_AT_LEAST_EVERY_S = 30.0
EMPTY_OVERVIEW: dict[str, Any] = {
    "lines": [],
    "today": {
        "calls": 0,
        "answered": 0,
        "connect_percent": None,
        "dispositions": [],
        "outcomes": [],
    },
    "campaigns": [],
    "recent": [],
}


class Watcher:
    """Looks for commits and publishes messages; keeps what a new page has to know."""

    def __init__(self, source: Source, facts: Facts, hub: Hub, clock: Clock) -> None:
        self._source, self._facts, self._hub, self._clock = source, facts, hub, clock
        self._calls = LiveCalls(facts)
        self._overview = EMPTY_OVERVIEW
        self._overview_s = float("-inf")
        self._overview_stale = True
        self._reader: Reader | None = None
        self._version = -1
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Take a first look, then go on looking in a thread."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def alive(self) -> bool:
        """The thread is looking."""
        return self._thread.is_alive()

    @property
    def running_calls(self) -> int:
        """How many calls are running."""
        with self._lock:
            return sum(not call.ended for call in self._calls.calls.values())

    def first(self) -> dict[str, Any]:
        """What a page needs to draw itself before its stream begins."""
        with self._lock:
            return {
                "last_id": self._calls.last_id,
                "database": self._reader is not None,
                "calls": [
                    call.as_json(self._facts, 0)
                    for call in self._calls.calls.values()
                    if not call.ended
                ],
                "overview": self._overview,
            }

    def join(self, since: int, token: str) -> tuple[Client, list[Message]]:
        """A place for a page, and what brings it up to date; nothing is lost between.

        Args:
            since: id of the newest event the page knows; 0 if it knows nothing.
            token: what its forms have to carry.

        Raises:
            CrowdedError: no place left.
        """
        with self._lock:
            client = self._hub.join()
            last_id = self._calls.last_id
            if since > last_id:  # another database than the one the page has seen
                since = 0
            hello = {
                "calls": list(self._calls.calls),
                "token": token,
                "database": self._reader is not None,
            }
            messages = [Message("hello", hello, last_id)]
            for call in self._calls.calls.values():
                if call.rev > since or not call.ended or since == 0:
                    messages.append(Message("call", call.as_json(self._facts, since), last_id))
            messages.append(Message("overview", self._overview, last_id))
            return client, messages

    def look(self) -> None:
        """Look once: publish what has changed since the last look.

        Raises:
            StoreError: the database cannot be read.
        """
        reader = self._source.reader()
        with self._lock:
            if reader is not self._reader:
                self._reader, self._version = reader, -1
                self._calls.load(reader)
                self._overview_stale = True
            version = reader.data_version()
            if version != self._version:
                for call, rev in self._calls.update(reader):
                    data = call.as_json(self._facts, rev)
                    self._hub.publish(Message("call", data, self._calls.last_id))
                self._version = version
                self._overview_stale = True
            self._calls.forget()
            self._refresh(reader)

    def _refresh(self, reader: Reader) -> None:
        """The overview costs more, so it is made at most once a second."""
        age_s = self._clock.monotonic_s() - self._overview_s
        due = self._overview_stale and age_s >= OVERVIEW_AT_MOST_EVERY_S
        if due or age_s >= OVERVIEW_AT_LEAST_EVERY_S:
            self._overview_s = self._clock.monotonic_s()
            self._overview_stale = False
            overview = self._facts.overview(reader)
            if overview != self._overview:
                self._overview = overview
                self._hub.publish(Message("overview", overview, self._calls.last_id))

    def _look(self) -> bool:
        try:
            self.look()
        except StoreError as error:
            with self._lock:
                lost, self._reader = self._reader is not None, None
            if lost:
                log.warning("status page without data: %s", error)
                self._source.close()
            return False
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                readable = self._look()
            except Exception:
                log.exception("the watcher could not take in a change; it goes on")
                readable = False
            self._stop.wait(LOOK_S if readable else LOOK_WITHOUT_DATABASE_S)
