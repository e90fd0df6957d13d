"""The demo: a campaign over simulated people, through every real part of the box.

It uses the state directory of this user's box as long as that holds nothing but demo
campaigns, and a directory of its own beside a real one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from daemon import paths
from daemon.app import Box
from daemon.campaign.attempts import decision_for
from daemon.campaign.numbers import parse_number
from daemon.campaign.planner import Allow, rules_for
from daemon.campaign.recovery import recover
from daemon.clock import SystemClock
from daemon.dialler import Dialler
from daemon.ledger import Listener
from daemon.store.leads import NewLead, add_campaign, add_leads, set_campaign_state, update_lead
from daemon.store.read import Reader
from daemon.store.rows import CallRow, CampaignRow, LeadRow
from daemon.store.write import Store, open_store
from hw.sim.personas import Persona

SCENARIO = "finance/credit_card_installment"
PREFIX = "demo-"
CAST = ("accepts", "asks-then-callback", "do-not-call", "interrupts", "never-answers")
GOODBYE_S = 20.0
NAMES = {"zh": "李明", "en": "Alex Sample"}


@dataclass(frozen=True)
class Skipped:
    """Somebody the planner would not call, with the rule that decided."""

    number: str
    rule: str
    detail: str


def choose_state() -> None:
    """Keep the demo out of a database that holds real campaigns."""
    if not paths.database_file().exists():
        return
    with open_store(paths.database_file()) as store:
        real = [c.name for c in store.campaigns() if not c.name.startswith(PREFIX)]
    if real:
        os.environ["BRANCHLINE_MODELS"] = str(paths.models_dir())
        os.environ["BRANCHLINE_STATE"] = str(paths.state_dir() / "demo")


def cast(personas: Sequence[Persona], langs: Sequence[str]) -> list[Persona]:
    """The people of the demo, in order of appearance."""
    by_name = {persona.name: persona for persona in personas}
    return [by_name[f"{name}-{lang}"] for name in CAST for lang in langs]


def enlist(store: Store, personas: Sequence[Persona]) -> None:
    """Make the demo's campaigns and leads; a later run makes all of them due again.

    The people live where it is midday now, so that the calling hours allow the demo at
    any time of day. Whoever refused calls stays refused.
    """
    now = SystemClock().now()
    zone = midday_zone(now)
    for lang in sorted({persona.lang for persona in personas}):
        name = f"{PREFIX}{lang}"
        campaign = store.campaign(name) or add_campaign(
            store, name=name, scenario=SCENARIO, lang=lang, now=now
        )
        fresh = [new_lead(p, lang, zone) for p in personas if p.lang == lang]
        add_leads(store, campaign.id, fresh, now)
        for lead in store.leads(campaign.id):
            if store.do_not_call(lead.number) is None:
                again = {"state": "waiting", "attempts": 0, "next_attempt_utc_ms": 0}
                blank = {"callback_utc_ms": None, "outcome": "", "disposition": ""}
                update_lead(store, lead.id, {**again, **blank}, now)
        set_campaign_state(store, name, "running", now)


def new_lead(persona: Persona, lang: str, zone: str) -> NewLead:
    """A simulated person as a lead."""
    number = parse_number(persona.number, lang)
    return NewLead(
        number=number.canonical,
        region=number.region,
        name=NAMES[lang],
        lang=lang,
        fields={"persona": persona.name},
        timezone=zone,
        warning=number.warning,
    )


def midday_zone(now: datetime) -> str:
    """A time zone in which it is about midday; Etc/GMT-3 is three hours east of Greenwich."""
    east = (12 - now.astimezone(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-east:+d}" if east else "Etc/GMT"


def skipped(reader: Reader, settings: Box) -> list[Skipped]:
    """Who will not be called, and by which rule."""
    found = []
    for campaign in demo_campaigns(reader):
        rules = rules_for(campaign, settings.config.campaign)
        for lead in reader.leads(campaign.id):
            decision = decision_for(reader, lead, rules, settings.clock.now())
            if not isinstance(decision, Allow):
                found.append(Skipped(lead.number, decision.rule, decision.detail))
    return found


def run(box: Box, listener: Listener) -> list[tuple[LeadRow, CallRow]]:
    """Call everybody who may be called; returns leads with their last calls."""
    recover(box.store, box.config.campaign, box.clock.now())
    began = box.clock.now()
    dialler = Dialler(box, listener)
    dialler.start()
    try:
        while not dialler.idle:
            time.sleep(0.2)
    except BaseException:
        box.wind_up()
        raise
    finally:
        dialler.stop()
        if not dialler.join(GOODBYE_S):
            box.hang_up()
            dialler.join(GOODBYE_S)
        for campaign in demo_campaigns(box.store):
            set_campaign_state(box.store, campaign.name, "stopped", box.clock.now())
    return results(box.store, began)


def results(reader: Reader, began: datetime) -> list[tuple[LeadRow, CallRow]]:
    """The leads that were called since `began`, with the call."""
    found = []
    for campaign in demo_campaigns(reader):
        for lead in reader.leads(campaign.id):
            if lead.last_call_id is None:
                continue
            call = reader.call(lead.last_call_id)
            if call.started_utc_ms >= began.timestamp() * 1000:
                found.append((lead, call))
    return sorted(found, key=lambda pair: pair[1].started_utc_ms)


def demo_campaigns(reader: Reader) -> list[CampaignRow]:
    """The demo's own campaigns."""
    return [c for c in reader.campaigns() if c.name.startswith(PREFIX)]
