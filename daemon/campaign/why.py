"""Why a number is or is not called: the planner's answer with everything behind it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from daemon.campaign.attempts import decision_for
from daemon.campaign.numbers import REGION_OF_LANGUAGE, canonical
from daemon.campaign.planner import Allow, Defer, rules_for
from daemon.config import CampaignConfig
from daemon.errors import LeadError
from daemon.store.read import Reader
from daemon.store.rows import CallRow, DoNotCallRow, LeadRow, from_utc_ms


@dataclass(frozen=True)
class Verdict:
    """What holds for the number in one campaign.

    Attributes:
        decision: "allow", "defer" (then with `until`) or "deny".
        rule: id of the rule that decided, "" for allow; see planner.RULES.
    """

    campaign: str
    state: str
    attempts: int
    max_attempts: int
    outcome: str
    decision: str
    rule: str
    detail: str
    until: datetime | None


@dataclass(frozen=True)
class Why:
    """All that is known about a number."""

    number: str
    do_not_call: DoNotCallRow | None
    verdicts: tuple[Verdict, ...]
    calls: tuple[CallRow, ...]

    @property
    def rule(self) -> str:
        """The rule that keeps the number from being called, "" if a campaign may call it."""
        if self.do_not_call is not None:
            return "do-not-call"
        if any(verdict.decision == "allow" for verdict in self.verdicts):
            return ""
        return self.verdicts[0].rule if self.verdicts else "no-lead"

    def as_json(self) -> dict[str, Any]:
        """One object: number, rule, do_not_call, campaigns, calls; moments in ISO 8601."""
        entry = None
        if self.do_not_call is not None:
            entry = asdict(self.do_not_call)
            entry["created"] = from_utc_ms(entry.pop("created_utc_ms")).isoformat()
        return {
            "number": self.number,
            "rule": self.rule,
            "do_not_call": entry,
            "campaigns": [
                {**asdict(v), "until": v.until and v.until.isoformat()} for v in self.verdicts
            ],
            "calls": [
                {
                    "call_id": call.id,
                    "started": from_utc_ms(call.started_utc_ms).isoformat(),
                    "disposition": call.disposition,
                    "outcome": call.outcome,
                }
                for call in self.calls
            ],
        }


def explain(reader: Reader, settings: CampaignConfig, text: str, now: datetime) -> Why:
    """What the planner decides about a number, in whatever form it is typed.

    Raises:
        LeadError: it is not a number, or nothing is known about it.
    """
    problems: list[str] = []
    for lang in REGION_OF_LANGUAGE:
        try:
            number = canonical(text, lang)
        except LeadError as error:
            problems.append(str(error))
            continue
        found = Why(
            number,
            reader.do_not_call(number),
            tuple(_verdict(reader, settings, lead, now) for lead in reader.leads_with(number)),
            tuple(reader.calls_to(number)),
        )
        if found.do_not_call or found.verdicts or found.calls:
            return found
        problems.append(f"{number} is not a lead, was never called and is on no list")
    raise LeadError(f"{problems[0]}; see `branchline leads list`")


def _verdict(reader: Reader, settings: CampaignConfig, lead: LeadRow, now: datetime) -> Verdict:
    campaign = reader.campaign_by_id(lead.campaign_id)
    if campaign is None:
        raise LeadError(f"lead {lead.id} belongs to no campaign; restore the database")
    rules = rules_for(campaign, settings)
    decision = decision_for(reader, lead, rules, now)
    allowed = isinstance(decision, Allow)
    deferred = isinstance(decision, Defer)
    return Verdict(
        campaign=campaign.name,
        state=lead.state,
        attempts=lead.attempts,
        max_attempts=rules.max_attempts,
        outcome=lead.outcome,
        decision="allow" if allowed else "defer" if deferred else "deny",
        rule="" if isinstance(decision, Allow) else decision.rule,
        detail="" if isinstance(decision, Allow) else decision.detail,
        until=decision.until if isinstance(decision, Defer) else None,
    )
