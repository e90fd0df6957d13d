"""`branchline campaign`: create, list, start and stop campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from daemon.commands.output import echo_json, local_time
from daemon.paths import database_file

if TYPE_CHECKING:
    from daemon.config import CampaignConfig
    from daemon.store.read import Reader
    from daemon.store.rows import CampaignRow

_JSON_HELP = "Print JSON instead, one object per campaign."


@click.group(
    epilog="Example: branchline campaign create spring "
    "--scenario finance/credit_card_installment --lang zh, "
    "then `leads import`, then `campaign start spring`."
)
def command() -> None:
    """Create, list, start and stop campaigns.

    The daemon calls the leads of started campaigns. These commands work whether it runs
    or not.
    """


@command.command(
    epilog="Example: branchline campaign create spring "
    "--scenario finance/credit_card_installment --lang zh --window 09:30-11:30,14:00-18:00"
)
@click.argument("name")
@click.option("--scenario", required=True, help="What is talked about: INDUSTRY/NAME.")
@click.option("--lang", required=True, type=click.Choice(["zh", "en"]), help="Language spoken.")
@click.option("--window", help="Hours to call in, local to each person. Default: [campaign].")
@click.option("--timezone", help="IANA zone of people whose own is not known from number or list.")
@click.option("--max-attempts", type=click.IntRange(1, 20), help="Default: [campaign].")
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def create(
    name: str,
    scenario: str,
    lang: str,
    window: str | None,
    timezone: str | None,
    max_attempts: int | None,
    as_json: bool,
) -> None:
    """Create the campaign NAME, stopped and without leads.

    No window opens the hours the law closes (US 08:00-21:00, elsewhere 09:00-21:00).
    """
    from daemon.campaign.planner import known_zones
    from daemon.campaign.windows import format_window, parse_window
    from daemon.clock import SystemClock
    from daemon.dialog.scenario import load_scenario
    from daemon.errors import LeadError
    from daemon.store.leads import add_campaign
    from daemon.store.write import open_store

    load_scenario(scenario, lang)
    if timezone and known_zones(timezone) is None:
        raise LeadError(f"time zone {timezone!r} does not exist; write one such as Asia/Shanghai")
    hours = format_window(parse_window(window)) if window else None
    with open_store(database_file()) as store:
        campaign = add_campaign(
            store,
            name=name,
            scenario=scenario,
            lang=lang,
            window=hours,
            timezone=timezone,
            max_attempts=max_attempts,
            now=SystemClock().now(),
        )
        _show(store, [campaign], as_json)


@command.command("list", epilog="Example: branchline campaign list --json")
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def list_(as_json: bool) -> None:
    """List campaigns: state, hours, leads by state, next possible call."""
    from daemon.store.read import open_reader

    with open_reader(database_file()) as reader:
        _show(reader, reader.campaigns(), as_json)


@command.command(epilog="Example: branchline campaign start spring")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def start(name: str, as_json: bool) -> None:
    """Start the campaign NAME: a running daemon begins to call within seconds."""
    _set_state(name, "running", as_json)


@command.command(epilog="Example: branchline campaign stop spring")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
def stop(name: str, as_json: bool) -> None:
    """Stop the campaign NAME: calls that run are finished, no new one is begun."""
    _set_state(name, "stopped", as_json)


def _set_state(name: str, state: str, as_json: bool) -> None:
    from daemon.clock import SystemClock
    from daemon.store.leads import set_campaign_state
    from daemon.store.write import open_store

    with open_store(database_file()) as store:
        campaign = set_campaign_state(store, name, state, SystemClock().now())
        _show(store, [campaign], as_json)


def _show(reader: Reader, campaigns: list[CampaignRow], as_json: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from daemon.config import load_config

    config = load_config()
    zone = config.box.timezone
    rows = [_facts(reader, campaign, config.campaign) for campaign in campaigns]
    if as_json:
        for row in rows:
            echo_json({**row, "next": row["next"] and row["next"].isoformat()})
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title in ("campaign", "scenario", "lang", "state", "hours", "leads", "next call"):
        table.add_column(title, overflow="fold")
    for row in rows:
        leads = ", ".join(f"{count} {state}" for state, count in row["leads"].items())
        following = local_time(row["next"], zone) if row["next"] else ""
        table.add_row(
            *(escape(row["name"]), row["scenario"], row["lang"], row["state"], row["window"]),
            *(leads or "none", following),
        )
    Console().print(table if rows else "There is no campaign yet; see `campaign create --help`.")


def _facts(reader: Reader, campaign: CampaignRow, settings: CampaignConfig) -> dict[str, Any]:
    """A campaign with its effective rules, its leads by state and its next possible call."""
    from daemon.campaign.attempts import next_moment
    from daemon.campaign.planner import rules_for
    from daemon.campaign.windows import format_window
    from daemon.clock import SystemClock

    rules = rules_for(campaign, settings)
    return {
        **{"name": campaign.name, "scenario": campaign.scenario, "lang": campaign.lang},
        **{"state": campaign.state, "window": format_window(rules.window)},
        **{"timezone": campaign.timezone, "max_attempts": rules.max_attempts},
        "leads": reader.lead_states(campaign.id),
        "next": next_moment(reader, campaign.id, settings, SystemClock().now()),
    }
