"""From stored events to what a person reads: turns, notes and the state of a call.

Pure: the same fold serves the live page, one event at a time, and the page of a
finished call, all events at once. A turn carries the id of the last event that
touched it (`rev`), so a reader who missed some can be sent just those that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from daemon.store.rows import EventRow


@dataclass(frozen=True)
class Turn:
    """One bubble or one note of a transcript.

    Attributes:
        key: id of the event that began it; unique in the database.
        rev: id of the last event that changed it.
        who: "us", "them" or "note".
        state: "open" while it sounds, "done", "cut" (ours, stopped early) or
            "empty" (something was heard and no words came of it).
        note: for notes, what happened: "picked_up", "effect", "outcome",
            "hung_up", "trouble"; for their turns "key" if a key was pressed.
        interrupted: the person spoke over this sentence.
    """

    key: int
    rev: int
    who: str
    at_ms: int
    text: str = ""
    state: str = "done"
    note: str = ""
    intent: str = ""
    layer: str = ""
    confidence: float | None = None
    decode_ms: float | None = None
    latency_ms: int | None = None
    played_ms: int | None = None
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        """The fields, without those that say nothing."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}


class Transcript:
    """The turns of one call, growing as its events come in.

    Attributes:
        phase: "dialling", "ringing", "talking" or "ended".
        answered: somebody picked up.
        end: the fields of the hung_up event, empty before it.
        ended_ms: when it hung up, milliseconds since the answer.
    """

    def __init__(self, rows: Iterable[EventRow] = ()) -> None:
        """Start empty, or from all events so far."""
        self.phase = "dialling"
        self.answered = False
        self.outcome = ""
        self.end: dict[str, Any] = {}
        self.ended_ms = 0
        self.rev = 0
        self._turns: dict[int, Turn] = {}
        self._ours: dict[str, int] = {}
        self._theirs: int | None = None
        for row in rows:
            self.apply(row)

    @property
    def turns(self) -> list[Turn]:
        """All turns, oldest first."""
        return list(self._turns.values())

    def since(self, rev: int) -> list[Turn]:
        """The turns that changed after the event with this id."""
        return [turn for turn in self._turns.values() if turn.rev > rev]

    def apply(self, row: EventRow) -> None:
        """Take in one event; events seen before and unknown kinds change nothing."""
        if row.id <= self.rev:
            return
        self.rev = row.id
        handler: Callable[[EventRow], None] | None = getattr(self, f"_on_{row.kind}", None)
        if handler is not None:
            handler(row)

    def _add(self, row: EventRow, who: str, **fields: Any) -> int:
        self._turns[row.id] = Turn(row.id, row.id, who, row.at_ms, **fields)
        return row.id

    def _change(self, key: int, row: EventRow, **fields: Any) -> None:
        self._turns[key] = replace(self._turns[key], rev=row.id, **fields)

    def _close_theirs(self, row: EventRow) -> None:
        """What they began stays if words came of it, else it is marked empty."""
        if self._theirs is not None:
            text = self._turns[self._theirs].text
            self._change(self._theirs, row, state="done" if text else "empty")
            self._theirs = None

    def _on_rang(self, row: EventRow) -> None:
        self.phase = "ringing"

    def _on_picked_up(self, row: EventRow) -> None:
        self.phase, self.answered = "talking", True
        self._add(row, "note", note="picked_up")

    def _on_speech_started(self, row: EventRow) -> None:
        if self._theirs is None:
            self._theirs = self._add(row, "them", state="open")

    def _on_partial(self, row: EventRow) -> None:
        self._on_speech_started(row)
        if self._theirs is not None:
            self._change(self._theirs, row, text=str(row.payload["text"]))

    def _on_heard(self, row: EventRow) -> None:
        self._on_speech_started(row)
        if self._theirs is None:
            return
        heard = row.payload
        self._change(
            self._theirs,
            row,
            state="done",
            text=str(heard["text"]),
            intent=str(heard["intent"]),
            layer=str(heard["layer"]),
            confidence=float(heard["confidence"]),
            decode_ms=float(heard["decode_ms"]),
        )
        self._theirs = None

    def _on_pressed(self, row: EventRow) -> None:
        pressed = row.payload
        self._add(
            row,
            "them",
            note="key",
            text=str(pressed["digit"]),
            intent=str(pressed["intent"]),
            layer="keypad",
        )

    def _on_said(self, row: EventRow) -> None:
        self._close_theirs(row)
        said = row.payload
        latency_ms = int(said["latency_ms"])
        self._ours[str(said["token"])] = self._add(
            row,
            "us",
            state="open",
            text=str(said["text"]),
            latency_ms=latency_ms if latency_ms >= 0 else None,
        )

    def _on_said_end(self, row: EventRow) -> None:
        key = self._ours.get(str(row.payload["token"]))
        if key is not None:
            complete = bool(row.payload["complete"])
            self._change(
                key,
                row,
                state="done" if complete else "cut",
                played_ms=int(row.payload["played_ms"]),
            )

    def _on_interrupted(self, row: EventRow) -> None:
        key = self._ours.get(str(row.payload["token"]))
        if key is not None:
            self._change(key, row, state="cut", interrupted=True)

    def _on_effected(self, row: EventRow) -> None:
        effect = row.payload
        self._add(
            row, "note", note="effect", intent=str(effect["effect"]), text=str(effect["detail"])
        )

    def _on_concluded(self, row: EventRow) -> None:
        self.outcome = str(row.payload["outcome"])
        self._add(row, "note", note="outcome", intent=self.outcome)

    def _on_trouble(self, row: EventRow) -> None:
        self._add(row, "note", note="trouble", text=str(row.payload["what"]))

    def _on_hung_up(self, row: EventRow) -> None:
        self._close_theirs(row)
        for key, turn in list(self._turns.items()):
            if turn.state == "open":
                self._change(key, row, state="cut")
        self.phase, self.end, self.ended_ms = "ended", dict(row.payload), row.at_ms
        ended_by = str(row.payload["ended_by"])
        self._add(row, "note", note="hung_up", intent=ended_by)
