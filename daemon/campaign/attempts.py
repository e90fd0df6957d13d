"""Taking the next lead, and writing what came of the call.

The intent to dial is durable before the line is asked: a power cut in between costs an
attempt, it never costs the person a second call.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime

from daemon.campaign.numbers import masked
from daemon.campaign.outcomes import settle
from daemon.campaign.planner import Allow, Decision, Hours, Rules, decide, hours_for, rules_for
from daemon.config import CampaignConfig
from daemon.errors import LeadError
from daemon.store.leads import (
    Group,
    called_elsewhere,
    due_leads,
    take_lead,
    update_lead,
    waiting_groups,
)
from daemon.store.read import Reader
from daemon.store.rows import CampaignRow, LeadRow, from_utc_ms
from daemon.store.write import Store

log = logging.getLogger(__name__)

_LOOKED_AT = 20


def next_lead(
    store: Store, campaign_id: int, settings: CampaignConfig, now: datetime
) -> LeadRow | None:
    """Take the lead to call now, marked as being called, its attempt counted.

    Whoever gets a lead dials it and then calls record_outcome, whatever happened.

    Returns:
        None if nobody of this campaign may be called now.

    Raises:
        LeadError: there is no such campaign.
        StoreError: the database failed; nobody was taken.
    """
    rules = rules_for(_campaign(store, campaign_id), settings)
    if not rules.running or not _due(store, campaign_id, rules, now):
        return None
    with store.transaction():
        rules = rules_for(_campaign(store, campaign_id), settings)  # it may just have been stopped
        for lead in _due(store, campaign_id, rules, now):
            decision = decision_for(store, lead, rules, now)
            if isinstance(decision, Allow):
                taken = take_lead(store, lead.id, now)
                if taken is not None:
                    log.info("lead %s %s, attempt %s", lead.id, masked(lead.number), taken.attempts)
                    return taken
            else:
                log.debug("lead %s: %s", lead.id, decision)
    return None


def next_moment(
    reader: Reader, campaign_id: int, settings: CampaignConfig, now: datetime
) -> datetime | None:
    """When somebody of this campaign may be callable next: how long the daemon may rest.

    Not later than the truth, possibly earlier. None: nobody is waiting, or not running.
    """
    rules = rules_for(_campaign(reader, campaign_id), settings)
    moments: list[datetime] = []
    for group in waiting_groups(reader, campaign_id) if rules.running else []:
        hours = _hours(group, rules)
        moment = hours and hours.next_open(max(now, from_utc_ms(group.earliest_utc_ms)))
        if moment:
            moments.append(moment)
    return min(moments, default=None)


def decision_for(reader: Reader, lead: LeadRow, rules: Rules, now: datetime) -> Decision:
    """The planner's decision, with what the database knows about the number."""
    return decide(
        lead,
        rules,
        now=now,
        do_not_call=reader.do_not_call(lead.number),
        called_elsewhere=called_elsewhere(reader, lead),
    )


def record_outcome(
    store: Store,
    settings: CampaignConfig,
    *,
    lead_id: int,
    disposition: str,
    outcome: str,
    now: datetime,
    callback_at: datetime | None = None,
) -> LeadRow:
    """Write what follows for the lead from a call that is over.

    Args:
        store: the database.
        settings: retry times and limits.
        lead_id: as taken by next_lead.
        disposition: a hw.base.Disposition value.
        outcome: business outcome, "" where there was no conversation.
        now: wall time, timezone-aware.
        callback_at: what was promised, with outcome "call_back".

    Raises:
        LeadError: there is no such lead, or it is not being called.
    """
    with store.transaction():
        lead = store.lead(lead_id)
        if lead is None or lead.state != "calling":
            state = lead.state if lead else "gone"
            raise LeadError(f"lead {lead_id} is {state}, not being called; take it by next_lead")
        settlement = settle(
            lead,
            rules_for(_campaign(store, lead.campaign_id), settings),
            settings.retry_minutes,
            disposition=disposition,
            outcome=outcome,
            now=now,
            callback_at=callback_at,
        )
        update_lead(store, lead_id, asdict(settlement), now)
        return store.lead(lead_id) or lead


def _campaign(reader: Reader, campaign_id: int) -> CampaignRow:
    campaign = reader.campaign_by_id(campaign_id)
    if campaign is None:
        raise LeadError(f"there is no campaign with id {campaign_id}; list them first")
    return campaign


def _hours(group: Group, rules: Rules) -> Hours | None:
    return hours_for(rules, region=group.region, timezone=group.timezone, window=group.window)


def _due(reader: Reader, campaign_id: int, rules: Rules, now: datetime) -> list[LeadRow]:
    """Leads that may be called now, best first; hours are checked once per group."""
    leads: list[LeadRow] = []
    for group in waiting_groups(reader, campaign_id):
        hours = _hours(group, rules)
        if hours is not None and hours.next_open(now) == now:
            leads += due_leads(
                reader,
                campaign_id,
                group,
                now=now,
                max_attempts=rules.max_attempts,
                count=_LOOKED_AT,
            )
    leads.sort(key=lambda lead: (lead.callback_utc_ms is None, lead.next_attempt_utc_ms, lead.id))
    return leads
