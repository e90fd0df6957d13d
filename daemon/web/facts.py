"""What the page says about the box, from the database: plain dictionaries, no words.

Numbers are masked here, so a full telephone number never reaches a browser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from daemon.clock import Clock
from daemon.store.read import Reader
from daemon.store.rows import CallRow, OutcomeCount, from_utc_ms
from hw.base import Disposition

RECENT_CALLS = 20
NEVER_DIALLED = frozenset({Disposition.BLOCKED, Disposition.CONFIGURATION})
_PREFIX = re.compile(r"\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})")


def masked(number: str) -> str:
    """A number with only country and last four digits: "+86•••0101".

    A SIP address loses its user except for such a tail; what is too short to have
    a tail is hidden wholly.
    """
    user, at, host = number.removeprefix("sip:").partition("@")
    digits = re.sub(r"\D", "", user)
    country = _PREFIX.match(user)
    tail = digits[-4:] if len(digits) >= 7 else ""
    return f"{country[0] if country else ''}•••{tail}{at}{host}"


class Facts:
    """Answers of the page, one method per part of it.

    Times of day are those of the box's own time zone; today began at its midnight.
    """

    def __init__(self, zone: tzinfo, clock: Clock) -> None:
        self._zone = zone
        self._clock = clock

    def now_utc_ms(self) -> int:
        """The wall clock."""
        return round(self._clock.now().timestamp() * 1000)

    def overview(self, reader: Reader) -> dict[str, Any]:
        """Everything on the first page but the running calls."""
        return {
            "lines": self.lines(reader),
            "today": self.today(reader),
            "campaigns": self.campaigns(reader),
            "recent": [self.call(row) for row in reader.recent_calls(RECENT_CALLS)],
        }

    def lines(self, reader: Reader) -> list[dict[str, Any]]:
        """Each line as the daemon last reported it."""
        return [
            {
                "name": row.name,
                "state": line_state(row.status),
                "channels": row.status.get("channels"),
                "channels_in_use": row.status.get("channels_in_use"),
                "registered": row.status.get("registered"),
                "error": str(row.status.get("last_error") or ""),
                "time": self.time_of(row.changed_utc_ms),
            }
            for row in reader.lines()
        ]

    def today(self, reader: Reader) -> dict[str, Any]:
        """Finished calls since midnight: how they ended and what came of them."""
        local = self._clock.now().astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return summary(reader.outcomes_since(midnight))

    def campaigns(self, reader: Reader) -> list[dict[str, Any]]:
        """Each campaign with its leads counted by state."""
        asked = {
            row["name"]: row["kind"]
            for row in reader.query(
                "SELECT kind, json_extract(payload, '$.campaign') AS name FROM requests"
                " WHERE taken_utc_ms IS NULL ORDER BY id"
            )
        }
        found = []
        for row in reader.campaigns():
            states = reader.lead_states(row.id)
            found.append(
                {
                    "name": row.name,
                    "state": row.state,
                    "scenario": row.scenario,
                    "lang": row.lang,
                    "done": states.get("done", 0),
                    "waiting": states.get("waiting", 0) + states.get("calling", 0),
                    "blocked": states.get("blocked", 0),
                    "asked": asked.get(row.name, ""),
                }
            )
        return found

    def call(self, row: CallRow) -> dict[str, Any]:
        """One call as its row has it; the transcript is elsewhere."""
        return {
            "id": row.id,
            "time": self.time_of(row.started_utc_ms),
            "number": masked(row.number or row.address),
            "lang": row.lang,
            "scenario": row.scenario,
            "line": row.line,
            "running": row.ended_utc_ms is None,
            "disposition": row.disposition,
            "outcome": row.outcome,
            "duration_ms": row.duration_ms,
        }

    def time_of(self, utc_ms: int) -> str:
        """Time of day; with the date if it was not today."""
        moment = from_utc_ms(utc_ms).astimezone(self._zone)
        today = self._clock.now().astimezone(self._zone).date()
        return moment.strftime("%H:%M:%S" if moment.date() == today else "%Y-%m-%d %H:%M")

    def day_and_time(self, iso: str) -> str:
        """A moment written as ISO 8601, in the box's time zone; other text as it is."""
        try:
            moment = datetime.fromisoformat(iso)
        except ValueError:
            return iso
        if moment.tzinfo is None:
            return iso
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")


def line_state(status: Mapping[str, Any]) -> str:
    """Its own word for it; else "down" if it has no address, "ready" unless unregistered."""
    if status.get("state"):
        return str(status["state"])
    if status.get("address") == "":
        return "down"
    return "" if status.get("registered") is False else "ready"


def summary(counts: list[OutcomeCount]) -> dict[str, Any]:
    """Totals of a day; connect rate in percent, None where nothing was dialled."""
    dispositions: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    for count in counts:
        dispositions[count.disposition] = dispositions.get(count.disposition, 0) + count.calls
        if count.outcome:
            outcomes[count.outcome] = outcomes.get(count.outcome, 0) + count.calls
    dialled = sum(n for name, n in dispositions.items() if name not in NEVER_DIALLED)
    answered = dispositions.get(Disposition.ANSWERED, 0)
    return {
        "calls": sum(dispositions.values()),
        "answered": answered,
        "connect_percent": round(100 * answered / dialled) if dialled else None,
        "dispositions": _ranked(dispositions),
        "outcomes": _ranked(outcomes),
    }


def _ranked(counts: dict[str, int]) -> list[list[Any]]:
    return [[name, n] for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
