"""Reading the database. A Reader changes nothing and may be used from several threads."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from daemon.errors import StoreError
from daemon.store.connect import connect_reader, translated
from daemon.store.rows import (
    CallRow,
    CampaignRow,
    DoNotCallRow,
    EventRow,
    LeadRow,
    LineRow,
    OutcomeCount,
    RejectedLine,
    RequestRow,
    to_utc_ms,
)


def open_reader(path: Path) -> Reader:
    """Open the database read-only.

    Raises:
        StoreError: there is none yet, or its schema is not this program's.
    """
    return Reader(connect_reader(path), path)


class Reader:
    """Questions to the database. Every method raises StoreError if SQLite fails."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the connection. Idempotent."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a SELECT; for questions that have no method of their own."""
        with self._lock, translated(self.path, "reading"):
            return self._connection.execute(sql, parameters).fetchall()

    def data_version(self) -> int:
        """A number that changes when another connection has committed something."""
        return int(self.query("PRAGMA data_version")[0][0])

    # Calls and events

    def call(self, call_id: str) -> CallRow:
        """One call.

        Raises:
            StoreError: there is no such call.
        """
        rows = self.query("SELECT * FROM calls WHERE id = ?", (call_id,))
        if not rows:
            raise StoreError(f"there is no call {call_id} in {self.path}; check the id")
        return _call(rows[0])

    def recent_calls(self, count: int) -> list[CallRow]:
        """The latest calls, newest first, running ones included."""
        rows = self.query(
            "SELECT * FROM calls ORDER BY started_utc_ms DESC, rowid DESC LIMIT ?", (count,)
        )
        return [_call(row) for row in rows]

    def open_calls(self) -> list[CallRow]:
        """Calls that are running, oldest first."""
        rows = self.query("SELECT * FROM calls WHERE ended_utc_ms IS NULL ORDER BY started_utc_ms")
        return [_call(row) for row in rows]

    def calls_to(self, number: str) -> list[CallRow]:
        """Every call to a canonical number, oldest first."""
        rows = self.query("SELECT * FROM calls WHERE number = ? ORDER BY started_utc_ms", (number,))
        return [_call(row) for row in rows]

    def events(self, call_id: str) -> list[EventRow]:
        """A call's events in the order they happened."""
        rows = self.query("SELECT * FROM events WHERE call_id = ? ORDER BY seq", (call_id,))
        return [_event(row) for row in rows]

    def events_after(self, event_id: int, limit: int = 500) -> list[EventRow]:
        """Events of all calls stored after the event with this id (0: from the start)."""
        rows = self.query(
            "SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", (event_id, limit)
        )
        return [_event(row) for row in rows]

    def last_event_id(self) -> int:
        """Id of the newest event, 0 if there is none: where a new follower starts."""
        return int(self.query("SELECT coalesce(max(id), 0) FROM events")[0][0])

    def outcomes_since(self, moment: datetime) -> list[OutcomeCount]:
        """Finished calls that started at `moment` or later, counted, most frequent first."""
        rows = self.query(
            "SELECT disposition, outcome, count(*) AS calls FROM calls"
            " WHERE started_utc_ms >= ? AND ended_utc_ms IS NOT NULL"
            " GROUP BY disposition, outcome ORDER BY calls DESC, disposition, outcome",
            (to_utc_ms(moment),),
        )
        return [OutcomeCount(**dict(row)) for row in rows]

    # Campaigns and leads

    def campaigns(self) -> list[CampaignRow]:
        """All campaigns by name."""
        return [
            CampaignRow(**dict(row)) for row in self.query("SELECT * FROM campaigns ORDER BY name")
        ]

    def campaign(self, name: str) -> CampaignRow | None:
        """The campaign of that name."""
        rows = self.query("SELECT * FROM campaigns WHERE name = ?", (name,))
        return CampaignRow(**dict(rows[0])) if rows else None

    def campaign_by_id(self, campaign_id: int) -> CampaignRow | None:
        """The campaign with that id."""
        rows = self.query("SELECT * FROM campaigns WHERE id = ?", (campaign_id,))
        return CampaignRow(**dict(rows[0])) if rows else None

    def lead(self, lead_id: int) -> LeadRow | None:
        """One lead."""
        rows = self.query("SELECT * FROM leads WHERE id = ?", (lead_id,))
        return _lead(rows[0]) if rows else None

    def leads(self, campaign_id: int | None = None, limit: int = -1) -> list[LeadRow]:
        """Leads of one campaign, or of all, in the order of import."""
        rows = self.query(
            "SELECT * FROM leads WHERE ?1 IS NULL OR campaign_id = ?1 ORDER BY id LIMIT ?2",
            (campaign_id, limit),
        )
        return [_lead(row) for row in rows]

    def leads_with(self, number: str) -> list[LeadRow]:
        """A canonical number's leads in every campaign."""
        rows = self.query("SELECT * FROM leads WHERE number = ? ORDER BY id", (number,))
        return [_lead(row) for row in rows]

    def lead_states(self, campaign_id: int) -> dict[str, int]:
        """How many leads of a campaign are in which state."""
        rows = self.query(
            "SELECT state, count(*) FROM leads WHERE campaign_id = ? GROUP BY state", (campaign_id,)
        )
        return {row[0]: row[1] for row in rows}

    def rejected_lines(self, import_id: int) -> list[RejectedLine]:
        """The lines of an import that were kept aside."""
        rows = self.query(
            "SELECT line, raw, reason FROM rejected_lines WHERE import_id = ? ORDER BY line",
            (import_id,),
        )
        return [RejectedLine(**dict(row)) for row in rows]

    def do_not_call(self, number: str) -> DoNotCallRow | None:
        """Why this canonical number must not be called, or None if it may."""
        rows = self.query("SELECT * FROM do_not_call WHERE number = ?", (number,))
        return DoNotCallRow(**dict(rows[0])) if rows else None

    # Lines and requests

    def lines(self) -> list[LineRow]:
        """The state of each line as the daemon last wrote it."""
        rows = self.query("SELECT * FROM lines ORDER BY name")
        return [LineRow(r["name"], json.loads(r["status"]), r["changed_utc_ms"]) for r in rows]

    def request(self, request_id: int) -> RequestRow | None:
        """One request, with its result once the daemon has answered."""
        rows = self.query("SELECT * FROM requests WHERE id = ?", (request_id,))
        return request_row(rows[0]) if rows else None


def _call(row: sqlite3.Row) -> CallRow:
    return CallRow(**{**dict(row), "raw": json.loads(row["raw"])})


def _event(row: sqlite3.Row) -> EventRow:
    return EventRow(**{**dict(row), "payload": json.loads(row["payload"])})


def _lead(row: sqlite3.Row) -> LeadRow:
    return LeadRow(**{**dict(row), "fields": json.loads(row["fields"])})


def request_row(row: sqlite3.Row) -> RequestRow:
    """A row of the table `requests` as a RequestRow."""
    result = json.loads(row["result"]) if row["result"] is not None else None
    return RequestRow(**{**dict(row), "payload": json.loads(row["payload"]), "result": result})
