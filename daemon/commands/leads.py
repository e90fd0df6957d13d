"""`branchline leads`: import and list leads, and say why one is or is not called."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.output import echo_json, local_time
from daemon.paths import database_file, state_dir

if TYPE_CHECKING:
    from daemon.campaign.importing import Imported, Progress
    from daemon.campaign.why import Why
    from daemon.store.rows import LeadRow, RejectedLine
    from daemon.store.write import Store

_SHOWN = 200
_DEFAULT_LANG = "zh"
_MANY_BYTES = 50_000


@click.group(
    epilog="Example: branchline leads import people.csv --campaign spring "
    "and later `branchline leads why '+1 202 555 0123'`."
)
def command() -> None:
    """Import and list leads; say why one is or is not called."""


@command.command("import", epilog="Example: branchline leads import people.csv --campaign spring")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--campaign", help="Campaign the people are called for. Default: named as FILE.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language where a line names none.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def import_(file: Path, campaign: str | None, lang: str | None, as_json: bool) -> None:
    """Import people from a CSV FILE.

    The first line names the columns: number (or phone, 电话, 手机号) is needed; name
    (姓名), lang (语言), timezone (时区) and window (时段, such as 10:00-12:00) are
    understood; all others are kept for the scenario. UTF-8 and GB18030 are read.

    A line that cannot be used is kept aside with its number and the reason; the others
    are imported. Importing a file again does no harm. Exit code 1 if no line was usable.

    Without --campaign, a campaign named as the file is made, stopped, if there is none
    of that name.
    """
    from daemon.campaign.importing import import_file
    from daemon.clock import SystemClock
    from daemon.store.write import open_store

    with open_store(database_file()) as store, _progress(file, as_json) as progress:
        campaign = campaign or _campaign_named_as(store, file, lang or _DEFAULT_LANG)
        done = import_file(
            store,
            file,
            campaign=campaign,
            lang=lang,
            now=SystemClock().now(),
            progress=progress,
        )
    aside = _write_rejected(file, done.rejected)
    if as_json:
        echo_json(
            {
                **{"file": str(file), "campaign": campaign, "encoding": done.encoding},
                **{"added": done.added, "known": done.known, "rejected_file": aside},
                "warnings": [
                    {"line": line, "number": number, "warning": warning}
                    for line, number, warning in done.warnings
                ],
                "rejected": [vars(line) for line in done.rejected],
            }
        )
    else:
        _print_import(file, campaign, done, aside)
    sys.exit(0 if done.added + done.known else 1)


def _campaign_named_as(store: Store, file: Path, lang: str) -> str:
    """Name of the campaign for this file; it is made if it is not there.

    Raises:
        LeadError: several scenarios are installed, so that one must be chosen.
    """
    from daemon.clock import SystemClock
    from daemon.dialog.scenario import scenario_names
    from daemon.errors import LeadError
    from daemon.store.leads import add_campaign

    name, scenarios = file.stem, scenario_names()
    if store.campaign(name) is not None or not file.is_file():
        return name
    if len(scenarios) != 1:
        raise LeadError(
            f"there is no campaign {name!r}; create it with `branchline campaign create {name} "
            f"--scenario SCENARIO --lang {lang}`; scenarios: {', '.join(scenarios)}"
        )
    add_campaign(store, name=name, scenario=scenarios[0], lang=lang, now=SystemClock().now())
    return name


@command.command("list", epilog="Example: branchline leads list --campaign spring --json")
@click.option("--campaign", help="Only this campaign.")
@click.option("--limit", type=click.IntRange(0), help="At most so many; 0: all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per lead.")
def list_(campaign: str | None, limit: int | None, as_json: bool) -> None:
    """List leads in the order of import, with state, attempts and next attempt."""
    from daemon.store.leads import require_campaign
    from daemon.store.read import open_reader

    if limit is None:
        limit = 0 if as_json else _SHOWN
    with open_reader(database_file()) as reader:
        wanted = require_campaign(reader, campaign).id if campaign else None
        leads = reader.leads(wanted, limit or -1)
        names = {row.id: row.name for row in reader.campaigns()}
        if as_json:
            for lead in leads:
                echo_json({**vars(lead), "campaign": names[lead.campaign_id]})
        else:
            _print_leads(leads, names, limit)


@command.command(epilog="Example: branchline leads why '+1 202 555 0123'")
@click.argument("number")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def why(number: str, as_json: bool) -> None:
    """Say which rule decides now whether NUMBER is called.

    For a number on the do-not-call list: which call put it there, when, and the words.
    """
    from daemon.campaign.why import explain
    from daemon.clock import SystemClock
    from daemon.config import load_config
    from daemon.store.read import open_reader

    config = load_config()
    with open_reader(database_file()) as reader:
        found = explain(reader, config.campaign, number, SystemClock().now())
        if as_json:
            echo_json(found.as_json())
        else:
            _print_why(found, config.box.timezone)


@contextmanager
def _progress(file: Path, quiet: bool) -> Iterator[Progress]:
    """A progress bar on stderr for big files; nothing with --json or for small ones."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    big = file.is_file() and file.stat().st_size > _MANY_BYTES
    with Bar(console=Console(stderr=True), transient=True, disable=quiet or not big) as bar:
        task = bar.add_task("Reading lines")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _write_rejected(file: Path, rejected: tuple[RejectedLine, ...]) -> str | None:
    """Write rejected lines beside the database; returns the path, None if there are none."""
    path = state_dir() / "rejected" / f"{file.stem}.rejected.csv"
    if not rejected:
        path.unlink(missing_ok=True)
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["line", "reason", "raw"])
        writer.writerows([line.line, line.reason, line.raw] for line in rejected)
    return str(path)


def _print_import(file: Path, campaign: str, done: Imported, aside: str | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console.print(
        f"{escape(file.name)} ({done.encoding}) into {escape(campaign)}: {done.added} new, "
        f"{done.known} known already, {len(done.rejected)} kept aside",
        highlight=False,
    )
    for line, number, warning in done.warnings[:10]:
        console.print(f"line {line}: {escape(number)} kept, but {warning}", highlight=False)
    if len(done.warnings) > 10:
        console.print(f"and {len(done.warnings) - 10} more such warnings", highlight=False)
    if not done.rejected:
        return
    table = Table("line", "reason", "as it stands", title="Lines kept aside")
    for rejected in done.rejected[:_SHOWN]:
        table.add_row(str(rejected.line), escape(rejected.reason), escape(rejected.raw[:60]))
    console.print(table)
    console.print(f"All of them: {aside}", highlight=False, soft_wrap=True)


def _print_leads(leads: list[LeadRow], names: dict[int, str], limit: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from daemon.config import load_config
    from daemon.store.rows import from_utc_ms

    zone = load_config().box.timezone
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("number", min_width=14, overflow="fold")
    for title in ("name", "campaign"):
        table.add_column(title, overflow="fold")
    for title in ("lang", "state", "tries", "next attempt"):
        table.add_column(title)
    table.add_column("outcome", overflow="fold")
    for lead in leads:
        following = ""
        if lead.state == "waiting":
            due = lead.next_attempt_utc_ms
            following = local_time(from_utc_ms(due), zone) if due else "when allowed"
        table.add_row(
            *(lead.number, escape(lead.name), escape(names[lead.campaign_id]), lead.lang),
            *(lead.state, str(lead.attempts), following, lead.outcome or lead.disposition),
        )
    console = Console()
    console.print(table)
    if limit and len(leads) == limit:
        console.print(f"The first {limit} only; `--limit 0` lists all.", highlight=False)


def _print_why(found: Why, zone: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from daemon.store.rows import from_utc_ms

    console = Console()
    entry = found.do_not_call
    if entry is not None:
        when = local_time(from_utc_ms(entry.created_utc_ms), zone)
        console.print(f"{found.number} is on the do-not-call list since {when}.", highlight=False)
        console.print(f"  reason: {escape(entry.reason)}", highlight=False)
        if entry.wording:
            console.print(f"  in these words: {escape(entry.wording)}", highlight=False)
        if entry.call_id:
            after = "" if entry.at_ms is None else f", {entry.at_ms / 1000:.1f} s after the answer"
            console.print(f"  in call: {entry.call_id}{after}", highlight=False, soft_wrap=True)
    for verdict in found.verdicts:
        until = verdict.until and local_time(verdict.until, zone)
        answer = {
            "allow": "may be called now",
            "defer": f"not before {until} (rule {verdict.rule}: {verdict.detail})",
            "deny": f"is not called (rule {verdict.rule}: {verdict.detail})",
        }[verdict.decision]
        console.print(
            f"{found.number} in campaign {verdict.campaign}: {answer}. "
            f"{verdict.state.capitalize()}, {verdict.attempts} of {verdict.max_attempts} attempts.",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if not found.verdicts:
        console.print(f"{found.number} is a lead of no campaign.", highlight=False)
    if found.calls:
        calls = Table(box=SIMPLE_HEAD, title="Attempts so far", title_justify="left")
        calls.add_column("call", overflow="fold")
        for title in ("started", "disposition", "outcome"):
            calls.add_column(title)
        for call in found.calls:
            started = local_time(from_utc_ms(call.started_utc_ms), zone)
            calls.add_row(call.id, started, call.disposition or "running", call.outcome)
        console.print(calls)
