"""What follows from a call for its lead: done, or again when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.campaign.planner import Rules, hours_for
from daemon.config import RetryMinutesConfig
from daemon.store.rows import LeadRow, to_utc_ms
from hw.base import Disposition

SETTLED = frozenset({"accepted", "refused", "wrong_person", "do_not_call", "transfer"})
INTERRUPTED = "interrupted"
OUR_FAULTS = frozenset({Disposition.NETWORK_FAILURE, Disposition.CONFIGURATION})
ONCE_MORE_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Settlement:
    """How a lead stands after a call; columns of the table `leads`."""

    state: str
    attempts: int
    disposition: str
    outcome: str
    next_attempt_utc_ms: int = 0
    callback_utc_ms: int | None = None


def settle(
    lead: LeadRow,
    rules: Rules,
    retry: RetryMinutesConfig,
    *,
    disposition: str,
    outcome: str,
    now: datetime,
    callback_at: datetime | None = None,
) -> Settlement:
    """What becomes of `lead` after this call.

    Args:
        lead: as stored, the attempt just made already counted.
        rules: the campaign's.
        retry: waiting times of attempts that reached nobody.
        disposition: a hw.base.Disposition value.
        outcome: business outcome, "" where there was no conversation.
        now: wall time, timezone-aware.
        callback_at: what was promised, timezone-aware.
    """
    if outcome in SETTLED:
        return Settlement("done", lead.attempts, disposition, outcome)
    if outcome == "call_back" and callback_at is not None:
        promised = to_utc_ms(_allowed(lead, rules, max(callback_at, now)))
        return Settlement("waiting", lead.attempts, disposition, outcome, promised, promised)
    reason = Disposition(disposition)
    if reason is Disposition.ANSWERED:
        outcome = outcome or "hung_up"
    # A call that never left the box is not an attempt.
    attempts = lead.attempts - (reason is Disposition.CONFIGURATION)
    # A promise is not used up by a fault of ours, but neither is it tried for ever.
    owed = lead.callback_utc_ms if reason in OUR_FAULTS else None
    limit = rules.max_attempts * (1 if owed is None else 2)
    wait = _wait(retry, reason, lead)
    if wait is None or attempts >= limit:
        return Settlement("done", attempts, disposition, outcome or disposition)
    again = to_utc_ms(_allowed(lead, rules, now + wait))
    # Only a conversation has an outcome; that of an earlier one stays.
    said = outcome if reason is Disposition.ANSWERED else lead.outcome
    return Settlement("waiting", attempts, disposition, said, again, owed)


def _wait(retry: RetryMinutesConfig, disposition: Disposition, lead: LeadRow) -> timedelta | None:
    """How long until the next attempt; None: no other attempt."""
    minutes = {
        Disposition.BUSY: retry.busy,
        Disposition.NO_ANSWER: retry.no_answer,
        Disposition.UNREACHABLE: retry.unreachable,
        Disposition.ANNOUNCEMENT: retry.unreachable,
        Disposition.NETWORK_FAILURE: retry.network_failure,
        Disposition.CONFIGURATION: retry.network_failure,
        Disposition.VOICEMAIL: retry.voicemail,
    }
    if disposition in minutes:
        return timedelta(minutes=minutes[disposition])
    if disposition is not Disposition.ANSWERED:
        return None
    talked_before = lead.outcome not in {"", "call_back"}
    return None if talked_before else ONCE_MORE_AFTER


def _allowed(lead: LeadRow, rules: Rules, moment: datetime) -> datetime:
    """`moment`, or the next one within the lead's hours where they are known."""
    hours = hours_for(rules, region=lead.region, timezone=lead.timezone, window=lead.window)
    return (hours.next_open(moment) if hours else None) or moment
