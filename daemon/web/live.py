"""The running calls, kept in memory from their events."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from daemon.store.read import Reader
from daemon.store.rows import CallRow, EventRow
from daemon.web.facts import Facts
from daemon.web.transcript import Transcript

log = logging.getLogger(__name__)

KEEP_ENDED_MS = 120_000
BATCH = 500


@dataclass
class LiveCall:
    """One call that is running or has just ended.

    Attributes:
        answered_utc_ms: best estimate of the moment of the answer. An event cannot
            be seen before it happens, so the earliest (seen - at_ms) is nearest.
        left_utc_ms: when it was seen to have ended.
    """

    row: CallRow
    transcript: Transcript = field(default_factory=Transcript)
    answered_utc_ms: int | None = None
    left_utc_ms: int | None = None
    rev: int = 0

    def apply(self, event: EventRow, now_utc_ms: int) -> None:
        """Take in one event; one that is not as it should be is left out."""
        self.rev = max(self.rev, event.id)
        try:
            self.transcript.apply(event)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("event %d (%s) cannot be shown: %r", event.id, event.kind, error)
        if self.transcript.answered:
            seen = now_utc_ms - event.at_ms
            self.answered_utc_ms = min(self.answered_utc_ms or seen, seen)

    @property
    def ended(self) -> bool:
        """Nothing more will happen in it."""
        return self.left_utc_ms is not None

    def as_json(self, facts: Facts, since: int) -> dict[str, Any]:
        """Its head, and the turns that changed after the event `since`."""
        transcript = self.transcript
        if self.ended:
            elapsed_ms = self.row.duration_ms or max(0, transcript.ended_ms)
        elif self.answered_utc_ms is not None:
            elapsed_ms = max(0, facts.now_utc_ms() - self.answered_utc_ms)
        else:
            elapsed_ms = max(0, facts.now_utc_ms() - self.row.started_utc_ms)
        return facts.call(self.row) | {
            "phase": "ended" if self.ended else transcript.phase,
            "disposition": transcript.end.get("disposition", self.row.disposition),
            "outcome": transcript.outcome or self.row.outcome,
            "elapsed_ms": elapsed_ms,
            "turns": [shown(turn.as_json(), facts) for turn in transcript.since(since)],
        }


def shown(turn: dict[str, Any], facts: Facts) -> dict[str, Any]:
    """A turn with the moment of a call-back in the box's own time."""
    if turn.get("intent") == "call_back" and turn.get("note") == "effect":
        return turn | {"text": facts.day_and_time(turn.get("text", ""))}
    return turn


class LiveCalls:
    """All running calls and those that ended in the last two minutes.

    The ended ones are kept for pages that were away for a moment.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.calls: dict[str, LiveCall] = {}
        self.last_id = 0

    def load(self, reader: Reader) -> None:
        """Start from what is stored: the running calls with all their events."""
        self.calls.clear()
        self.last_id = reader.last_event_id()
        now = self._facts.now_utc_ms()
        for row in reader.open_calls():
            call = self.calls[row.id] = LiveCall(row)
            for event in reader.events(row.id):
                call.apply(event, now)

    def update(self, reader: Reader) -> list[tuple[LiveCall, int]]:
        """Take in what was stored since; gives the calls that changed.

        Returns:
            (call, id of the last event that was known of it before).
        """
        before: dict[str, int] = {}
        now = self._facts.now_utc_ms()
        self._join(reader, before)
        while events := reader.events_after(self.last_id, BATCH):
            for event in events:
                call = self.calls.get(event.call_id)
                if call is None:
                    call = self.calls[event.call_id] = LiveCall(reader.call(event.call_id))
                before.setdefault(event.call_id, call.rev)
                call.apply(event, now)
            self.last_id = events[-1].id
        self._part(reader, before, now)
        return [(self.calls[call_id], rev) for call_id, rev in before.items()]

    def _join(self, reader: Reader, before: dict[str, int]) -> None:
        """Calls that were begun and may have no event yet."""
        for row in reader.open_calls():
            if row.id not in self.calls:
                self.calls[row.id] = LiveCall(row)
                before[row.id] = 0

    def _part(self, reader: Reader, before: dict[str, int], now_utc_ms: int) -> None:
        """Calls whose row says they are over, with or without a last event."""
        for call in self.calls.values():
            if call.ended:
                continue
            row = reader.call(call.row.id)
            if row.ended_utc_ms is not None:
                call.row, call.left_utc_ms = row, now_utc_ms
                before.setdefault(row.id, call.rev)

    def forget(self) -> None:
        """Let go of calls that ended a while ago."""
        now = self._facts.now_utc_ms()
        for call_id, call in list(self.calls.items()):
            if call.left_utc_ms is not None and now - call.left_utc_ms > KEEP_ENDED_MS:
                del self.calls[call_id]
