"""From a file to leads: columns by their usual names, one bad line kept aside by itself."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from daemon.campaign.csvfile import Record, Table, read_table
from daemon.campaign.numbers import parse_number
from daemon.campaign.planner import known_zones
from daemon.campaign.windows import format_window, parse_window
from daemon.errors import LeadError
from daemon.store.leads import NewLead, add_leads, keep_rejected, require_campaign, start_import
from daemon.store.rows import RejectedLine
from daemon.store.write import Store

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": (
        *("number", "phone", "phonenumber", "mobile", "tel", "telephone"),
        *("电话", "电话号码", "联系电话", "手机", "手机号", "手机号码", "号码"),
    ),
    "name": ("name", "fullname", "customer", "姓名", "名字", "客户姓名", "客户"),
    "lang": ("lang", "language", "语言"),
    "timezone": ("timezone", "时区"),
    "window": ("window", "callingwindow", "呼叫时段", "时段"),
}
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "zh": ("zh", "zhcn", "cn", "chinese", "mandarin", "中文", "汉语", "普通话"),
    "en": ("en", "enus", "engb", "english", "英文", "英语"),
}
_BATCH = 500  # a live call's writes wait for one batch at the most

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        added: leads that were new.
        known: leads the campaign had already; their details were refreshed.
        warnings: (line, canonical number, warning) of leads kept all the same.
        rejected: lines kept aside.
    """

    import_id: int
    encoding: str
    added: int
    known: int
    warnings: tuple[tuple[int, str, str], ...]
    rejected: tuple[RejectedLine, ...]


@dataclass(frozen=True)
class Parsed:
    """Leads by the line they stand on, and the lines that are none."""

    leads: Mapping[int, NewLead]
    rejected: tuple[RejectedLine, ...]


def import_file(
    store: Store,
    file: Path,
    *,
    campaign: str,
    now: datetime,
    lang: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Imported:
    """Import a CSV file into a campaign. Importing it again changes nothing.

    Args:
        store: the database.
        file: see daemon.campaign.csvfile for what is read.
        campaign: name of the campaign.
        now: wall time, timezone-aware.
        lang: language of lines that name none; None: the campaign's.
        progress: called with (lines done, lines in all).

    Raises:
        LeadError: no such campaign, or the file as a whole cannot be used.
    """
    row = require_campaign(store, campaign)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise LeadError(
            f"{file} cannot be read: {error.strerror}; check path and rights"
        ) from error
    try:
        table = read_table(data)
        parsed = parse_leads(table, lang=lang or row.lang, progress=progress)
    except LeadError as error:
        raise LeadError(f"{file} {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    import_id = start_import(store, row.id, file, digest, now)
    keep_rejected(store, import_id, parsed.rejected)
    leads = list(parsed.leads.values())
    added = 0
    for start in range(0, len(leads), _BATCH):
        added += add_leads(store, row.id, leads[start : start + _BATCH], now)
    return Imported(
        import_id=import_id,
        encoding=table.encoding,
        added=added,
        known=len(leads) - added,
        warnings=tuple(
            (line, lead.number, lead.warning) for line, lead in parsed.leads.items() if lead.warning
        ),
        rejected=parsed.rejected,
    )


def parse_leads(
    table: Table, *, lang: str, progress: Progress = lambda done, total: None
) -> Parsed:
    """Leads of a table; lines that cannot be leads are rejected with the reason.

    Raises:
        LeadError: no column holds the number.
    """
    columns = _columns(table.header)
    leads: dict[int, NewLead] = {}
    rejected: list[RejectedLine] = []
    line_of: dict[str, int] = {}
    for done, record in enumerate(table.records, start=1):
        if isinstance(record, RejectedLine):
            rejected.append(record)
        else:
            try:
                lead = _lead(record, table.header, columns, lang)
                first = line_of.setdefault(lead.number, record.line)
                if first != record.line:
                    raise LeadError(f"same number as line {first}")
                leads[record.line] = lead
            except LeadError as error:
                rejected.append(RejectedLine(record.line, record.raw, str(error)))
        if done % 100 == 0 or done == len(table.records):
            progress(done, len(table.records))
    return Parsed(leads, tuple(rejected))


def _fold(text: str) -> str:
    return re.sub(r"[\s_\-]", "", unicodedata.normalize("NFKC", text)).casefold()


def _columns(header: tuple[str, ...]) -> dict[str, int]:
    """Position of each known column; the first of several with one meaning."""
    found: dict[str, int] = {}
    for position, title in enumerate(header):
        for name, aliases in COLUMNS.items():
            if _fold(title) in aliases:
                found.setdefault(name, position)
    if "number" not in found:
        names = ", ".join(repr(title) for title in header[:8])
        raise LeadError(
            f"has no column for the number (columns: {names}); "
            f"name one of them {', '.join(COLUMNS['number'][:2])} or 电话"
        )
    return found


def _lead(record: Record, header: tuple[str, ...], columns: dict[str, int], lang: str) -> NewLead:
    def cell(name: str) -> str:
        return record.cells[columns[name]].strip() if name in columns else ""

    language = _language(cell("lang")) if cell("lang") else lang
    number = parse_number(cell("number"), language)
    zone = cell("timezone")
    if zone and known_zones(zone) is None:
        raise LeadError(f"time zone {zone!r} does not exist; write one such as Asia/Shanghai")
    window = cell("window")
    return NewLead(
        number=number.canonical,
        region=number.region,
        lang=language,
        name=" ".join(cell("name").split())[:100],
        fields={
            title: record.cells[position].strip()
            for position, title in enumerate(header)
            if title and position not in columns.values()
        },
        window=format_window(parse_window(window)) if window else None,
        timezone=zone or ",".join(number.timezones) or None,
        warning=number.warning,
    )


def _language(text: str) -> str:
    for lang, aliases in LANGUAGES.items():
        if _fold(text) in aliases:
            return lang
    raise LeadError(f"language {text!r} is not spoken here; use {' or '.join(LANGUAGES)}")
