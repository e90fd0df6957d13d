"""Events of live calls, committed in batches by a thread of their own.

A call must never wait for the disk; a batch waits at most BATCH_S. When the disk
refuses, the events stay in memory and are tried again until it accepts them.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from daemon.errors import StoreError

log = logging.getLogger(__name__)

BATCH_S = 0.04
RETRY_S = 1.0
MOST_PENDING = 20_000


@dataclass(frozen=True)
class PendingEvent:
    """A row of the table `events` that is not written yet; `payload` is JSON text."""

    call_id: str
    seq: int
    at_ms: int
    kind: str
    payload: str


class EventBatch:
    """A bounded queue in front of `write`, which stores a list of events or raises StoreError.

    `writing` is the database's lock: whoever holds it may flush, so the two cannot
    wait for each other.
    """

    def __init__(
        self, write: Callable[[list[PendingEvent]], None], writing: AbstractContextManager[object]
    ) -> None:
        self._write = write
        self._pending: deque[PendingEvent] = deque()
        self._wake = threading.Condition()
        self._writing = writing
        self._closing = False
        self._thread: threading.Thread | None = None

    def put(self, event: PendingEvent) -> None:
        """Queue an event; never waits for the disk.

        Raises:
            StoreError: closed, or MOST_PENDING events wait already.
        """
        with self._wake:
            if self._closing:
                raise StoreError(f"event {event.kind} of call {event.call_id}: store is closed")
            if len(self._pending) >= MOST_PENDING:
                raise StoreError(
                    f"{MOST_PENDING} events wait to be written and no more can be held; "
                    "free space on the disk of the state directory"
                )
            self._pending.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def flush(self) -> None:
        """Write everything queued so far.

        Raises:
            StoreError: it could not be written; it is still queued.
        """
        with self._writing:
            with self._wake:
                batch = list(self._pending)
            if batch:
                self._write(batch)
                with self._wake:
                    for _ in batch:
                        self._pending.popleft()

    def close(self) -> None:
        """Stop the thread and write what is left. Idempotent.

        Raises:
            StoreError: the last events could not be written.
        """
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        troubled = False
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._pending or self._closing)
                pause_s = RETRY_S if troubled else BATCH_S
                if self._wake.wait_for(lambda: self._closing, timeout=pause_s):
                    return
            try:
                self.flush()
            except StoreError as error:
                if not troubled:
                    log.error("events wait in memory: %s", error)
                troubled = True
            else:
                if troubled:
                    log.warning("events are written again")
                troubled = False
