"""Filling a scenario's slots from the person's words, over several turns if need be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from daemon.dialog.scenario_format import Slot
from daemon.dialog.slots import parse_term, parse_when, resolve
from daemon.dialog.when import When

SAID_SUFFIX = "_said"
_BETWEEN = " | "


@dataclass(frozen=True)
class Filling:
    """What some words gave for a slot.

    Attributes:
        value: the value (a moment as ISO text, a term in months), or None.
        missing: which half of a date and time is not known yet.
        said: the words it was put together from.
        invalid: a value was given that is not on offer.
    """

    value: str | int | None = None
    missing: Literal["", "date", "time"] = ""
    said: str = ""
    invalid: bool = False


def fill(
    slot: Slot,
    name: str,
    known: Mapping[str, object],
    text: str,
    now: datetime,
    lang: str,
    *,
    bare: bool,
) -> Filling | None:
    """What the words give for a slot, together with what was said before; None if nothing."""
    if slot.kind == "term":
        months = parse_term(text, lang, bare=bare)
        if months is None:
            return None
        return Filling(months, said=text, invalid=bool(slot.choices) and months not in slot.choices)
    return _fill_when(str(known.get(name + SAID_SUFFIX, "")), text, now, lang, bare=bare)


def _fill_when(before: str, text: str, now: datetime, lang: str, *, bare: bool) -> Filling | None:
    heard = parse_when(text, now, lang, bare=bare)
    if heard is None:
        return None
    when = When()
    for earlier in before.split(_BETWEEN) if before else ():
        when = when.then(parse_when(earlier, now, lang, bare=True) or When())
    when = when.then(heard)
    said = f"{before}{_BETWEEN}{text}" if before else text
    missing = when.missing
    if missing == "date":
        return Filling(missing="date", said=said)
    if missing == "time":
        return Filling(missing="time", said=said)
    at = resolve(when, now)
    return None if at is None else Filling(at.isoformat(), said=said)
