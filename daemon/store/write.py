"""Writing the database: calls, their events, the do-not-call list, requests, lines.

One connection behind one lock. Events come from live calls and must not wait for the
disk: a thread commits them in batches. Everything else is durable when the method
returns.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from daemon.errors import StoreError
from daemon.events import CallEvent
from daemon.store.batch import EventBatch, PendingEvent
from daemon.store.connect import connect_writer, translated
from daemon.store.owner import runs_elsewhere, this_process
from daemon.store.read import Reader, request_row
from daemon.store.rows import CallEnd, CallRow, CallStart, EventRow, RequestRow, to_utc_ms

log = logging.getLogger(__name__)


def open_store(path: Path) -> Store:
    """Open the database for writing; creates and upgrades it as needed.

    Raises:
        StoreError: it cannot be opened, or a newer Branchline wrote it.
    """
    return Store(connect_writer(path), path)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Store(Reader):
    """The writer. May be used from several threads; every method may raise StoreError."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, path)
        self._depth = 0
        self._next_seq: dict[str, int] = {}
        self._counting = threading.Lock()
        self._batch = EventBatch(self._write_events, self._lock)

    def close(self) -> None:
        """Write what is pending and close. Idempotent.

        Raises:
            StoreError: the last events could not be written.
        """
        try:
            self._batch.close()
        finally:
            super().close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable at the end; joins the thread's own open transaction."""
        with self._lock, translated(self.path, "writing"):
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    # Calls and events

    def begin_call(self, start: CallStart) -> None:
        """Write that a call is about to be dialled; call it before the line is asked."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO calls (id, lead_id, campaign_id, address, number, lang, scenario,"
                " line, owner, started_utc_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(start.call_id, start.lead_id, start.campaign_id, start.address),
                    *(start.number, start.lang, start.scenario, start.line),
                    *(this_process(), to_utc_ms(start.started)),
                ),
            )
            if start.lead_id is not None:
                connection.execute(
                    "UPDATE leads SET last_call_id = ? WHERE id = ?", (start.call_id, start.lead_id)
                )
        with self._counting:
            self._next_seq[start.call_id] = 0

    def append_event(self, call_id: str, event: CallEvent) -> None:
        """Store an event of a call; returns at once, committed about 50 ms later.

        Raises:
            StoreError: no such call, the store is closed, or the disk has refused
                writes for so long that no more events can be held.
        """
        payload = _json(event.payload())
        if call_id not in self._next_seq:
            self._resume(call_id)
        with self._counting:
            seq = self._next_seq[call_id]
            self._batch.put(PendingEvent(call_id, seq, event.at_ms, event.kind, payload))
            self._next_seq[call_id] = seq + 1

    def flush(self) -> None:
        """Commit every event appended so far; inside a transaction it does nothing."""
        with self._lock:
            if self._depth == 0:
                self._batch.flush()

    def events(self, call_id: str) -> list[EventRow]:
        """A call's events in order, those just appended included."""
        self.flush()
        return super().events(call_id)

    def finish_call(self, call_id: str, end: CallEnd) -> None:
        """Write how a call ended, behind all its events.

        Raises:
            StoreError: there is no such call.
        """
        self.flush()
        with self.transaction() as connection:
            changed = connection.execute(
                "UPDATE calls SET ended_utc_ms = ?, disposition = ?, outcome = ?, answered_ms = ?,"
                " duration_ms = ?, raw = ?, recording = ? WHERE id = ?",
                (
                    *(to_utc_ms(end.ended), end.disposition, end.outcome, end.answered_ms),
                    *(end.duration_ms, _json(dict(end.raw)), end.recording, call_id),
                ),
            ).rowcount
            if changed == 0:
                raise StoreError(f"call {call_id} was never begun; call begin_call first")
        with self._counting:
            self._next_seq.pop(call_id, None)

    def close_interrupted(self, now: datetime) -> list[CallRow]:
        """Close calls whose process is gone: network_failure, outcome interrupted.

        Calls of another living process are left alone. daemon.campaign.recovery uses
        this and settles the leads.
        """
        with self.transaction() as connection:
            lost = [call for call in self.open_calls() if not runs_elsewhere(call.owner)]
            connection.executemany(
                "UPDATE calls SET ended_utc_ms = max(started_utc_ms, ?),"
                " disposition = 'network_failure', outcome = 'interrupted', duration_ms ="
                " coalesce((SELECT max(0, max(at_ms)) FROM events WHERE call_id = calls.id), 0)"
                " WHERE id = ?",
                [(to_utc_ms(now), call.id) for call in lost],
            )
            return [self.call(call.id) for call in lost]

    # Do not call

    def add_do_not_call(
        self,
        number: str,
        *,
        reason: str,
        now: datetime,
        wording: str = "",
        call_id: str | None = None,
        at_ms: int | None = None,
    ) -> None:
        """Put a canonical number on the list, for every campaign, durable on return.

        The first entry of a number stays: it says when the person first refused.
        Waiting leads with the number are blocked in the same transaction.
        """
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO do_not_call (number, reason, wording, call_id, at_ms, created_utc_ms)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO NOTHING",
                (number, reason, wording, call_id, at_ms, to_utc_ms(now)),
            )
            connection.execute(
                "UPDATE leads SET state = 'blocked', outcome = 'do_not_call',"
                " callback_utc_ms = NULL, changed_utc_ms = ?"
                " WHERE number = ? AND state = 'waiting'",
                (to_utc_ms(now), number),
            )

    # Requests and lines

    def submit_request(self, kind: str, payload: Mapping[str, Any], now: datetime) -> int:
        """Ask the daemon to do something; returns the request's id."""
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO requests (kind, payload, created_utc_ms) VALUES (?, ?, ?)",
                (kind, _json(dict(payload)), to_utc_ms(now)),
            )
            return int(cursor.lastrowid or 0)

    def take_requests(self, now: datetime) -> list[RequestRow]:
        """Requests nobody has taken yet, oldest first; they are taken by this."""
        if not self.query("SELECT 1 FROM requests WHERE taken_utc_ms IS NULL LIMIT 1"):
            return []
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM requests WHERE taken_utc_ms IS NULL ORDER BY id"
            ).fetchall()
            connection.executemany(
                "UPDATE requests SET taken_utc_ms = ? WHERE id = ?",
                [(to_utc_ms(now), row["id"]) for row in rows],
            )
            return [request_row(row) for row in rows]

    def answer_request(self, request_id: int, result: Mapping[str, Any]) -> None:
        """Write what became of a request."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE requests SET result = ? WHERE id = ?", (_json(dict(result)), request_id)
            )

    def set_line(self, name: str, status: Mapping[str, Any], now: datetime) -> None:
        """Write a line's live state for the status page."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO lines (name, status, changed_utc_ms) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET status = excluded.status,"
                " changed_utc_ms = excluded.changed_utc_ms",
                (name, _json(dict(status)), to_utc_ms(now)),
            )

    def keep_lines(self, names: set[str]) -> None:
        """Remove the state of lines that are no longer configured."""
        with self.transaction() as connection:
            for row in connection.execute("SELECT name FROM lines").fetchall():
                if row["name"] not in names:
                    connection.execute("DELETE FROM lines WHERE name = ?", (row["name"],))

    # Below the events

    def _resume(self, call_id: str) -> None:
        """Continue the numbering of a call that this Store has not begun itself."""
        self.call(call_id)
        self.flush()
        row = self.query("SELECT max(seq) FROM events WHERE call_id = ?", (call_id,))[0]
        with self._counting:
            self._next_seq.setdefault(call_id, 0 if row[0] is None else row[0] + 1)

    def _write_events(self, batch: list[PendingEvent]) -> None:
        try:
            self._insert_events(batch)
        except StoreError as error:
            if not isinstance(error.__cause__, sqlite3.IntegrityError):
                raise
            for event in batch:  # one bad event must not hold up the others
                try:
                    self._insert_events([event])
                except StoreError as refused:
                    if not isinstance(refused.__cause__, sqlite3.IntegrityError):
                        raise
                    log.error("event %s of call %s: %s", event.kind, event.call_id, refused)

    def _insert_events(self, batch: list[PendingEvent]) -> None:
        with self.transaction() as connection:
            connection.executemany(
                "INSERT INTO events (call_id, seq, at_ms, kind, payload) VALUES (?, ?, ?, ?, ?)",
                [(e.call_id, e.seq, e.at_ms, e.kind, e.payload) for e in batch],
            )
