"""What came of a call, derived from its events and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from daemon.events import CallEvent, Heard, Pressed, Said
from hw.base import Disposition, Raw


@dataclass(frozen=True)
class Turn:
    """One turn of either side.

    Attributes:
        who: "us" or "them".
        text: what was said, or "[1]" for a key.
        intent, layer: what they meant and which layer understood it; "" for us.
        latency_ms: ours: from the end of their speech to our first sound, -1 if nothing
            preceded; theirs: time the recognition took.
    """

    who: str
    text: str
    intent: str = ""
    layer: str = ""
    latency_ms: int = -1


@dataclass(frozen=True)
class CallResult:
    """One finished attempt.

    Attributes:
        answered_ms: from dialling to the answer; None if never answered.
        duration_ms: from the answer to the end; 0 if never answered.
        call_back_at: promised moment, if one was agreed.
    """

    call_id: str
    disposition: Disposition
    outcome: str
    answered_ms: int | None
    duration_ms: int
    raw: Raw
    turns: tuple[Turn, ...]
    call_back_at: datetime | None = None
    trouble: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Ready for json.dumps."""
        data = asdict(self)
        data["call_back_at"] = self.call_back_at.isoformat() if self.call_back_at else None
        return data


def turns(events: Iterable[CallEvent]) -> tuple[Turn, ...]:
    """The conversation turn by turn; sentences of one reply are one turn."""
    found: list[Turn] = []
    last_reply = ""
    for event in events:
        match event:
            case Said():
                reply = event.token.split(".")[0]
                if reply == last_reply and found and found[-1].who == "us":
                    joined = f"{found[-1].text} {event.text}"
                    found[-1] = Turn("us", joined, latency_ms=found[-1].latency_ms)
                else:
                    found.append(Turn("us", event.text, latency_ms=event.latency_ms))
                last_reply = reply
            case Heard():
                found.append(
                    Turn("them", event.text, event.intent, event.layer, round(event.decode_ms))
                )
            case Pressed():
                found.append(Turn("them", f"[{event.digit}]", event.intent, "keypad", 0))
            case _:
                continue
    return tuple(found)
