"""What the store gives and takes: one frozen dataclass per kind of row.

`*_utc_ms` is wall time in milliseconds since 1970 UTC; `at_ms` is milliseconds
since the answer of the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def to_utc_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC of a timezone-aware moment."""
    if moment.tzinfo is None:
        raise ValueError(f"moment without a time zone: {moment!r}")
    return round(moment.timestamp() * 1000)


def from_utc_ms(utc_ms: int) -> datetime:
    """The moment, in UTC."""
    return datetime.fromtimestamp(utc_ms / 1000, UTC)


@dataclass(frozen=True)
class CampaignRow:
    """A campaign: a scenario, a language, and when it may call.

    `window` and `max_attempts` are None where the configuration's value applies.
    """

    id: int
    name: str
    scenario: str
    lang: str
    state: str
    window: str | None
    timezone: str | None
    max_attempts: int | None
    created_utc_ms: int
    changed_utc_ms: int


@dataclass(frozen=True)
class LeadRow:
    """A person to call within one campaign. Columns as in migration 0001."""

    id: int
    campaign_id: int
    number: str
    region: str
    name: str
    lang: str
    fields: Mapping[str, str]
    window: str | None
    timezone: str | None
    warning: str
    state: str
    attempts: int
    next_attempt_utc_ms: int
    callback_utc_ms: int | None
    disposition: str
    outcome: str
    last_call_id: str | None
    owner: str
    taken_utc_ms: int | None
    created_utc_ms: int
    changed_utc_ms: int


@dataclass(frozen=True)
class CallStart:
    """What is known when a call is about to be dialled.

    Attributes:
        call_id: chosen by the caller, unique.
        address: as handed to the line.
        number: the person's canonical number.
        started: wall time, timezone-aware.
    """

    call_id: str
    address: str
    number: str
    lang: str
    scenario: str
    line: str
    started: datetime
    lead_id: int | None = None
    campaign_id: int | None = None


@dataclass(frozen=True)
class CallEnd:
    """What is known when a call is over.

    Attributes:
        disposition: a hw.base.Disposition value.
        outcome: business outcome, "" where there was no conversation.
        answered_ms: from dialling to the answer, None if never answered.
        duration_ms: from the answer to the end, 0 if never answered.
        raw: the line's facts (hw.base.Raw as a mapping).
        recording: path of the WAV file, None if there is none.
        ended: wall time, timezone-aware.
    """

    disposition: str
    outcome: str
    ended: datetime
    answered_ms: int | None = None
    duration_ms: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict)
    recording: str | None = None


@dataclass(frozen=True)
class CallRow:
    """One call. `ended_utc_ms` and `duration_ms` are None while it runs."""

    id: str
    lead_id: int | None
    campaign_id: int | None
    address: str
    number: str
    lang: str
    scenario: str
    line: str
    owner: str
    started_utc_ms: int
    ended_utc_ms: int | None
    answered_ms: int | None
    duration_ms: int | None
    disposition: str
    outcome: str
    raw: Mapping[str, Any]
    recording: str | None


@dataclass(frozen=True)
class EventRow:
    """One stored event. `id` grows over all calls, `seq` counts from 0 within one."""

    id: int
    call_id: str
    seq: int
    at_ms: int
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class DoNotCallRow:
    """Why a number must not be called, and which call says so."""

    number: str
    reason: str
    wording: str
    call_id: str | None
    at_ms: int | None
    created_utc_ms: int


@dataclass(frozen=True)
class RejectedLine:
    """A line of an imported file that could not be used."""

    line: int
    raw: str
    reason: str


@dataclass(frozen=True)
class RequestRow:
    """Something the page or the command line asks the daemon to do."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    created_utc_ms: int
    taken_utc_ms: int | None
    result: Mapping[str, Any] | None


@dataclass(frozen=True)
class LineRow:
    """The live state of a line, as the daemon last wrote it."""

    name: str
    status: Mapping[str, Any]
    changed_utc_ms: int


@dataclass(frozen=True)
class OutcomeCount:
    """How many finished calls had this disposition and outcome."""

    disposition: str
    outcome: str
    calls: int
