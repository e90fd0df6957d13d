"""After a crash or a power cut: close what was open, and give no one a second call.

A lead that was being called is settled by what its call's events say was concluded.
Where nothing was concluded the attempt counts, and the lead waits like after a network
failure.
"""

from __future__ import annotations

import logging
from datetime import datetime

from daemon.campaign.attempts import record_outcome
from daemon.campaign.outcomes import INTERRUPTED
from daemon.config import CampaignConfig
from daemon.store.leads import stranded_leads
from daemon.store.rows import CallRow, EventRow, LeadRow
from daemon.store.write import Store
from hw.base import Disposition

log = logging.getLogger(__name__)


def recover(store: Store, settings: CampaignConfig, now: datetime) -> list[CallRow]:
    """Close the calls of dead processes and settle their leads; run it before dialling.

    Returns:
        The calls that were closed, as network_failure and interrupted.
    """
    with store.transaction():
        closed = store.close_interrupted(now)
        leads = stranded_leads(store)
        for lead in leads:
            disposition, outcome, callback_at = _result(store, lead)
            record_outcome(
                store,
                settings,
                lead_id=lead.id,
                disposition=disposition,
                outcome=outcome,
                now=now,
                callback_at=callback_at,
            )
    if closed or leads:
        log.warning(
            "after an interruption: %s calls closed, %s leads settled", len(closed), len(leads)
        )
    return closed


def _result(store: Store, lead: LeadRow) -> tuple[str, str, datetime | None]:
    """Disposition, outcome and promised call-back of the attempt that was cut off."""
    lost = (Disposition.NETWORK_FAILURE.value, INTERRUPTED, None)
    if lead.last_call_id is None:
        return lost
    call = store.call(lead.last_call_id)
    if call.started_utc_ms < (lead.taken_utc_ms or 0):
        return lost  # the call before; this time the line was not even asked
    events = store.events(call.id)
    if call.outcome != INTERRUPTED:
        return call.disposition, call.outcome, _promised(events)
    concluded = [event.payload["outcome"] for event in events if event.kind == "concluded"]
    if not concluded and store.do_not_call(lead.number) is not None:
        concluded = ["do_not_call"]
    if not concluded:
        return lost
    return Disposition.ANSWERED.value, concluded[-1], _promised(events)


def _promised(events: list[EventRow]) -> datetime | None:
    """The last call-back promised; the event's detail is an ISO 8601 moment."""
    for event in reversed(events):
        if event.kind == "effected" and event.payload["effect"] == "call_back":
            try:
                moment = datetime.fromisoformat(event.payload["detail"])
            except ValueError:
                return None
            return moment if moment.tzinfo else None
    return None
