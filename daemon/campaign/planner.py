"""May this lead be called now? A pure decision that names the rule that made it.

Fails closed: what is unknown (a time zone, a window that never opens) means no call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from daemon.campaign.windows import (
    Window,
    format_window,
    intersection,
    legal_window,
    next_open,
    parse_window,
)
from daemon.config import CampaignConfig
from daemon.errors import LeadError
from daemon.store.rows import CampaignRow, DoNotCallRow, LeadRow, from_utc_ms

RULES = {
    "do-not-call": "The person asked not to be called, in whatever campaign.",
    "already-done": "The lead has its result.",
    "in-call": "The person is being called right now, by this or another campaign.",
    "max-attempts": "It has been tried as often as allowed.",
    "unknown-time-zone": "Where the person is, and so the hour there, is not known.",
    "campaign-stopped": "The campaign is not started.",
    "window": "It is not the hour to call there.",
    "not-due": "The next attempt is later.",
}


@dataclass(frozen=True)
class Allow:
    """Call now."""


@dataclass(frozen=True)
class Defer:
    """Not now, but from `until` (UTC) as far as known today."""

    until: datetime
    rule: str
    detail: str


@dataclass(frozen=True)
class Deny:
    """Not by the passing of time alone."""

    rule: str
    detail: str


Decision = Allow | Defer | Deny


@dataclass(frozen=True)
class Rules:
    """What a campaign allows.

    Attributes:
        running: the campaign is started.
        max_attempts: attempts per lead; a promised call-back is made beyond them.
        window: hours of the campaign.
        timezone: for leads whose own is unknown; None: there is none.
    """

    running: bool
    max_attempts: int
    window: Window
    timezone: str | None


def rules_for(campaign: CampaignRow, settings: CampaignConfig) -> Rules:
    """A campaign's own rules, completed by the configuration."""
    configured = f"{settings.window_start}-{settings.window_end}"
    return Rules(
        running=campaign.state == "running",
        max_attempts=campaign.max_attempts or settings.max_attempts,
        window=parse_window(campaign.window or configured),
        timezone=campaign.timezone,
    )


@dataclass(frozen=True)
class Hours:
    """When, and in which zones all at once, a lead may be called."""

    window: Window
    zones: tuple[ZoneInfo, ...]

    def next_open(self, moment: datetime) -> datetime | None:
        """The first allowed moment from `moment` on, UTC; None: never within eight days."""
        return next_open(moment, self.window, self.zones)


def hours_for(
    rules: Rules, *, region: str, timezone: str | None, window: str | None
) -> Hours | None:
    """The hours of a lead with this region, zone and own window; None: zone unknown."""
    zones = known_zones(timezone or rules.timezone)
    if zones is None:
        return None
    hours = intersection(legal_window(region), rules.window)
    if window:
        try:
            hours = intersection(hours, parse_window(window))
        except LeadError:
            hours = ()
    return Hours(hours, zones)


def known_zones(names: str | None) -> tuple[ZoneInfo, ...] | None:
    """The zones of a comma-separated list; None if empty or one of them does not exist."""
    try:
        return tuple(ZoneInfo(name.strip()) for name in (names or "").split(",")) or None
    except (KeyError, ValueError, OSError):
        return None


def decide(
    lead: LeadRow,
    rules: Rules,
    *,
    now: datetime,
    do_not_call: DoNotCallRow | None,
    called_elsewhere: bool = False,
) -> Decision:
    """Whether to call this lead at `now`; the first rule that objects is named.

    Args:
        lead: as stored.
        rules: the campaign's.
        now: wall time, timezone-aware.
        do_not_call: the number's entry on the list, if any.
        called_elsewhere: the number is in a call for another campaign.
    """
    if denial := _denial(lead, rules, do_not_call, called_elsewhere):
        return denial
    hours = hours_for(rules, region=lead.region, timezone=lead.timezone, window=lead.window)
    if hours is None:
        zone = lead.timezone or rules.timezone or "none given"
        return Deny("unknown-time-zone", f"time zone: {zone}; add a column timezone to the list")
    if not rules.running:
        return Deny("campaign-stopped", "start it with `branchline campaign start NAME`")
    due = max(from_utc_ms(lead.next_attempt_utc_ms), now)
    until = hours.next_open(due)
    if until is None:
        own = f" and the lead's {lead.window}" if lead.window else ""
        return Deny(
            "window",
            f"the hours {format_window(rules.window)}{own} never lie within the legal "
            f"{format_window(legal_window(lead.region))} in {_names(hours.zones)}",
        )
    if until <= now:
        return Allow()
    if hours.next_open(now) == now:
        kind = "promised call-back" if lead.callback_utc_ms is not None else "next attempt"
        return Defer(until, "not-due", kind)
    places = _names(hours.zones)
    return Defer(until, "window", f"allowed {format_window(hours.window)} in {places}")


def _denial(
    lead: LeadRow, rules: Rules, do_not_call: DoNotCallRow | None, called_elsewhere: bool
) -> Deny | None:
    if do_not_call is not None:
        return Deny("do-not-call", f"{do_not_call.reason}: {do_not_call.wording}".rstrip(": "))
    if lead.state in {"done", "blocked"}:
        return Deny("already-done", f"outcome {lead.outcome or lead.disposition}")
    if lead.state == "calling" or called_elsewhere:
        return Deny("in-call", "wait until that call is over")
    if lead.attempts >= rules.max_attempts and lead.callback_utc_ms is None:
        return Deny("max-attempts", f"{lead.attempts} of {rules.max_attempts} attempts made")
    return None


def _names(zones: Sequence[ZoneInfo]) -> str:
    return ", ".join(zone.key for zone in zones)
