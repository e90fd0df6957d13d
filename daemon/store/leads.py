"""Campaigns and leads in the database. What may be called is decided in daemon.campaign."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from daemon.errors import LeadError
from daemon.store.owner import is_alive, runs_elsewhere, this_process
from daemon.store.read import Reader
from daemon.store.rows import CampaignRow, LeadRow, RejectedLine, to_utc_ms
from daemon.store.write import Store


@dataclass(frozen=True)
class NewLead:
    """A lead as imported; `number` is canonical."""

    number: str
    region: str
    lang: str
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    window: str | None = None
    timezone: str | None = None
    warning: str = ""


@dataclass(frozen=True)
class Group:
    """Leads of a campaign that share their hours."""

    region: str
    timezone: str | None
    window: str | None
    earliest_utc_ms: int


def add_campaign(
    store: Store,
    *,
    name: str,
    scenario: str,
    lang: str,
    now: datetime,
    window: str | None = None,
    timezone: str | None = None,
    max_attempts: int | None = None,
) -> CampaignRow:
    """Create a campaign, stopped.

    Raises:
        LeadError: there is one of that name.
    """
    with store.transaction() as connection:
        if store.campaign(name) is not None:
            raise LeadError(f"there is a campaign {name!r} already; choose another name")
        connection.execute(
            "INSERT INTO campaigns (name, scenario, lang, window, timezone, max_attempts,"
            " created_utc_ms, changed_utc_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
            (name, scenario, lang, window, timezone, max_attempts, to_utc_ms(now)),
        )
        return require_campaign(store, name)


def require_campaign(reader: Reader, name: str) -> CampaignRow:
    """The campaign of that name.

    Raises:
        LeadError: there is none; the message lists those there are.
    """
    campaign = reader.campaign(name)
    if campaign is None:
        names = ", ".join(other.name for other in reader.campaigns()) or "none yet"
        raise LeadError(
            f"there is no campaign {name!r} (campaigns: {names}); "
            f"create it with `branchline campaign create {name} --scenario ... --lang ...`"
        )
    return campaign


def set_campaign_state(store: Store, name: str, state: str, now: datetime) -> CampaignRow:
    """Set a campaign "running" or "stopped".

    Raises:
        LeadError: there is no such campaign.
    """
    with store.transaction() as connection:
        campaign = require_campaign(store, name)
        connection.execute(
            "UPDATE campaigns SET state = ?, changed_utc_ms = ? WHERE id = ?",
            (state, to_utc_ms(now), campaign.id),
        )
        return require_campaign(store, name)


def start_import(store: Store, campaign_id: int, file: Path, sha256: str, now: datetime) -> int:
    """Id of the import of this content into this campaign; the same if imported again."""
    with store.transaction() as connection:
        row = connection.execute(
            "INSERT INTO imports (campaign_id, file, sha256, created_utc_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (campaign_id, sha256) DO UPDATE SET file = excluded.file RETURNING id",
            (campaign_id, str(file), sha256, to_utc_ms(now)),
        ).fetchone()
        return int(row["id"])


def keep_rejected(store: Store, import_id: int, lines: Sequence[RejectedLine]) -> None:
    """Store the lines of an import that could not be used, replacing earlier ones."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM rejected_lines WHERE import_id = ?", (import_id,))
        connection.executemany(
            "INSERT INTO rejected_lines (import_id, line, raw, reason) VALUES (?, ?, ?, ?)",
            [(import_id, line.line, line.raw, line.reason) for line in lines],
        )


def add_leads(store: Store, campaign_id: int, leads: Iterable[NewLead], now: datetime) -> int:
    """Insert leads; one that the campaign has already gets its new details, nothing else.

    A new lead whose number is on the do-not-call list is stored blocked.

    Returns:
        How many were new.
    """
    now_ms = to_utc_ms(now)
    added = 0
    with store.transaction() as connection:
        for lead in leads:
            details = (
                *(lead.region, lead.name, lead.lang),
                json.dumps(dict(lead.fields), ensure_ascii=False),
                *(lead.window, lead.timezone, lead.warning),
            )
            changed = connection.execute(
                "UPDATE leads SET region = ?, name = ?, lang = ?, fields = ?, window = ?,"
                " timezone = ?, warning = ? WHERE campaign_id = ? AND number = ?",
                (*details, campaign_id, lead.number),
            ).rowcount
            if changed:
                continue
            refused = store.do_not_call(lead.number) is not None
            connection.execute(
                "INSERT INTO leads (region, name, lang, fields, window, timezone, warning,"
                " campaign_id, number, state, outcome, created_utc_ms, changed_utc_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(*details, campaign_id, lead.number),
                    *(("blocked", "do_not_call") if refused else ("waiting", "")),
                    *(now_ms, now_ms),
                ),
            )
            added += 1
    return added


def waiting_groups(reader: Reader, campaign_id: int) -> list[Group]:
    """The waiting leads of a campaign, grouped by what decides their hours."""
    rows = reader.query(
        "SELECT region, timezone, window, min(next_attempt_utc_ms) AS earliest_utc_ms FROM leads"
        " WHERE campaign_id = ? AND state = 'waiting' GROUP BY region, timezone, window",
        (campaign_id,),
    )
    return [Group(**dict(row)) for row in rows]


def due_leads(
    reader: Reader, campaign_id: int, group: Group, *, now: datetime, max_attempts: int, count: int
) -> list[LeadRow]:
    """Leads of a group whose time has come: promised call-backs first, then oldest due."""
    rows = reader.query(
        "SELECT id FROM leads WHERE campaign_id = ? AND state = 'waiting' AND region = ?"
        " AND timezone IS ? AND window IS ? AND next_attempt_utc_ms <= ?"
        " AND (attempts < ? OR callback_utc_ms IS NOT NULL)"
        " AND number NOT IN (SELECT number FROM do_not_call)"
        " AND number NOT IN (SELECT number FROM leads WHERE state = 'calling')"
        " ORDER BY callback_utc_ms IS NULL, next_attempt_utc_ms, id LIMIT ?",
        (
            *(campaign_id, group.region, group.timezone, group.window),
            *(to_utc_ms(now), max_attempts, count),
        ),
    )
    found = (reader.lead(row["id"]) for row in rows)
    return [lead for lead in found if lead is not None]


def called_elsewhere(reader: Reader, lead: LeadRow) -> bool:
    """The lead's number is being called for another lead or outside any campaign."""
    if reader.query(
        "SELECT 1 FROM leads WHERE number = ? AND id <> ? AND state = 'calling' LIMIT 1",
        (lead.number, lead.id),
    ):
        return True
    rows = reader.query(
        "SELECT owner FROM calls WHERE number = ? AND ended_utc_ms IS NULL AND lead_id IS NOT ?",
        (lead.number, lead.id),
    )
    return any(is_alive(row["owner"]) for row in rows)


def take_lead(store: Store, lead_id: int, now: datetime) -> LeadRow | None:
    """Mark a waiting lead as being called and count the attempt; None if no longer waiting."""
    with store.transaction() as connection:
        changed = connection.execute(
            "UPDATE leads SET state = 'calling', attempts = attempts + 1, owner = ?,"
            " taken_utc_ms = ?, changed_utc_ms = ? WHERE id = ? AND state = 'waiting'",
            (this_process(), to_utc_ms(now), to_utc_ms(now), lead_id),
        ).rowcount
        return store.lead(lead_id) if changed else None


def update_lead(store: Store, lead_id: int, columns: Mapping[str, object], now: datetime) -> None:
    """Write how a lead stands after a call; it is nobody's afterwards."""
    with store.transaction() as connection:
        connection.execute(
            "UPDATE leads SET state = :state, attempts = :attempts, disposition = :disposition,"
            " outcome = :outcome, next_attempt_utc_ms = :next_attempt_utc_ms,"
            " callback_utc_ms = :callback_utc_ms, owner = '', changed_utc_ms = :now WHERE id = :id",
            {**columns, "now": to_utc_ms(now), "id": lead_id},
        )


def stranded_leads(reader: Reader) -> list[LeadRow]:
    """Leads marked as being called by a process that is gone (or by this one, restarted)."""
    rows = reader.query("SELECT id FROM leads WHERE state = 'calling' ORDER BY id")
    found = (reader.lead(row["id"]) for row in rows)
    return [lead for lead in found if lead is not None and not runs_elsewhere(lead.owner)]
