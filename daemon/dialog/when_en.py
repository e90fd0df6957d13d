"""Dates and times as they are said in English, and how we say them back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from daemon.dialog.numbers import EN_NUMBER, EN_ORDINALS, EN_SMALL, ordinal_en, parse_en, words_en
from daemon.dialog.when import Part, Repeats, When, next_date, next_weekday

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = re.findall(
    r"\w+",
    "january february march april may june july august september october november december",
)
_DAY_NAME = "|".join(f"{day}s?" for day in _WEEKDAYS)
_MONTH_NAME = "|".join(_MONTHS)
_ORDINAL_WORD = "|".join([f"(?:twenty|thirty) (?:{'|'.join(EN_ORDINALS)})", *EN_ORDINALS])
_ORDINAL = rf"(?:\d{{1,2}}(?:st|nd|rd|th)|{_ORDINAL_WORD})"
_COUNT = rf"(?:{EN_NUMBER}|an?|a couple of|a few)"

_NAMED = re.compile(
    r"\b(?:day after tomorrow|tomorrow|today|tonight|this (?=morning|afternoon|evening))"
)
_WEEKDAY = re.compile(rf"\b(next|this|coming)?\s?\b({_DAY_NAME})\b( week)?")
_WEEKEND = re.compile(r"\b(next|this|the|at the|on the)? ?weekend\b")
_DATE = re.compile(
    rf"\b(?:(?P<month>{_MONTH_NAME}) (?:the )?(?P<day>{_ORDINAL}|\d{{1,2}})\b"
    rf"|(?:the )?(?P<day2>{_ORDINAL})(?: of)? (?P<month2>{_MONTH_NAME})"
    rf"|(?:(?P<next>next month) )?(?:on )?(?:the )(?P<day3>{_ORDINAL}))"
)
_DAYS_ON = re.compile(
    rf"\b(?:in ({_COUNT}) (day|week)s?|({_COUNT}) (day|week)s? (?:from (?:now|today)|later))\b"
)
_SPAN = re.compile(
    rf"\b(?:(?P<half>half an hour|half hour)|(?P<hours>{_COUNT}) (?P<and>and a half )?hours?"
    rf"(?P<after> and a half)?|(?P<minutes>{_COUNT}) (?:minutes?|mins?))\b"
)
_LATER = re.compile(r"\bin\b|\bfrom now\b|\blater\b|\bgive me\b|\bafter\b|\bwithin\b")
_PART = re.compile(
    r"(?P<morning>\bmornings?\b|\bam\b)|(?P<noon>\blunch ?time\b|\blunch\b)"
    r"|(?P<afternoon>\bafternoons?\b)|(?P<evening>\bevenings?\b|\btonight\b|\bnight\b)"
)
_HOUR = rf"(?:\d{{1,2}}|{'|'.join(_w for _w in EN_SMALL if EN_SMALL[_w] <= 12 and _w != 'zero')})"
_SIXTY = rf"(?:[0-5]\d|\d|{'|'.join(EN_SMALL)})"
_WORD = "|".join(EN_SMALL)
_MINUTE = rf"(?:[0-5]\d|oh? (?:\d|{_WORD})|(?:(?:twenty|thirty|forty|fifty) )?(?:{_WORD}))"
_HALF_DAY = r"(?P<ampm> ?am\b| ?pm\b| in the (?:morning|afternoon|evening)| at night)"
_CLOCK = re.compile(
    rf"\b(?:(?P<noon>noon|midday)|(?P<midnight>midnight)"
    rf"|(?P<rel>half|(?:a )?quarter|{_SIXTY}(?: minutes?)?) (?P<dir>past|to|after|before) "
    rf"(?P<relhour>{_HOUR})(?: ?oclock)?"
    rf"|(?P<h24>[01]?\d|2[0-3])[:.](?P<m24>[0-5]\d)"
    rf"|(?P<hour>{_HOUR})(?: (?P<minute>{_MINUTE}))?(?P<mark> ?oclock)?"
    rf")(?:{_HALF_DAY})?"
    rf"(?!(?:st|nd|rd|th|\w| ?(?:of )?(?:{_MONTH_NAME}|days?|weeks?|hours?|minutes?|months?)))"
)
_LEAD_IN = re.compile(
    r"\b(?:at|around|about|by|after|before|say|maybe|like|till|until)(?: about| around)? $"
)
_SOUND_ALIKES = {"to": "two", "too": "two", "for": "four", "ate": "eight", "won": "one"}
_SOUND_ALIKE = re.compile(
    r"(?:(?<=\bat )|(?<=\baround )|(?<=\babout ))(?:to|too|for|ate|won)\b"
    r"(?! (?:\d|a|an|the|me|quarter|half|ten|five|twenty))"
    r"|\b(?:to|too|for|ate|won)(?= (?:oclock|pm|am|thirty)\b)"
)


def parse_when_en(text: str, now: datetime, *, bare: bool = False) -> When | None:
    """What an English utterance says about a moment; None if nothing.

    Args:
        text: normalised.
        now: timezone-aware.
        bare: a time was asked for, so a number alone is an hour.
    """
    text = _repair(text)
    span = _span(text, now)
    if span is not None:
        return When(moment=span)
    day = _day(text, now.date())
    rest = text if day is None else text[: day[0]] + " , " + text[day[1] :]
    found = (day[2] if day else When()).then(_clock(rest, bare or day is not None) or When())
    return None if found.empty else found


def _repair(text: str) -> str:
    """Numbers that recognisers write as little words: at ate, for pm."""
    text = re.sub(r"\b(?:for|four) a clock\b", "four oclock", text)
    return _SOUND_ALIKE.sub(lambda found: _SOUND_ALIKES[found[0]], text)


def _count(text: str) -> int | None:
    return {"a": 1, "an": 1, "a couple of": 2, "a few": 3}.get(text) or parse_en(text)


def _span(text: str, now: datetime) -> datetime | None:
    """In two hours, half an hour from now, in an hour and a half."""
    found = _SPAN.search(text)
    if not found or not _LATER.search(text):
        return None
    if found["half"]:
        total: int | None = 30
    elif found["hours"]:
        hours = _count(found["hours"])
        half = 30 if found["and"] or found["after"] else 0
        total = None if hours is None else hours * 60 + half
    else:
        total = _count(found["minutes"])
    if total is None or not 0 < total <= 7 * 24 * 60:
        return None
    return now.replace(second=0, microsecond=0) + timedelta(minutes=total)


def _day(text: str, today: date) -> tuple[int, int, When] | None:
    """Start, end and meaning of the day that was named last."""
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], When | None]], ...] = (
        (_NAMED, _named),
        (_WEEKDAY, _weekday),
        (_WEEKEND, _weekend),
        (_DATE, _date),
        (_DAYS_ON, _days_on),
    )
    best: tuple[int, int, When] | None = None
    for pattern, read in readers:
        for found in pattern.finditer(text):
            said = read(found, today)
            if said and (best is None or found.end() >= best[1]):
                best = (found.start(), found.end(), said)
    return best


def _named(found: re.Match[str], today: date) -> When:
    word = found[0].strip()
    ahead = {"tomorrow": 1, "day after tomorrow": 2}.get(word, 0)
    part = Part.EVENING if word == "tonight" else Part.UNSAID
    return When(day=today + timedelta(days=ahead), part=part)


def _weekday(found: re.Match[str], today: date) -> When:
    weeks = 1 if found[1] == "next" else None
    day = next_weekday(_WEEKDAYS.index(found[2].rstrip("s")), today, weeks=weeks)
    if found[3]:
        day += timedelta(days=7)
    return When(day=day, repeats=Repeats.NEVER if weeks else Repeats.WEEKLY)


def _weekend(found: re.Match[str], today: date) -> When:
    weeks = 1 if found[1] == "next" else None
    return When(day=next_weekday(5, today, weeks=weeks), repeats=Repeats.WEEKLY)


def _date(found: re.Match[str], today: date) -> When | None:
    name = found["month"] or found["month2"]
    month = _MONTHS.index(name) + 1 if name else None
    day = _ordinal(found["day"] or found["day2"] or found["day3"])
    start = (today.replace(day=28) + timedelta(days=4)).replace(day=1) if found["next"] else today
    if day is None or not 1 <= day <= 31:
        return None
    try:
        moment = next_date(day, start, month)
    except ValueError:
        return None
    return When(day=moment, repeats=Repeats.YEARLY if month else Repeats.MONTHLY)


def _ordinal(text: str) -> int | None:
    digits = re.match(r"\d+", text)
    if digits:
        return int(digits[0])
    tens, _, ones = text.rpartition(" ")
    return EN_ORDINALS[ones] + (EN_SMALL[tens] if tens else 0)


def _days_on(found: re.Match[str], today: date) -> When | None:
    count = _count(found[1] or found[3])
    days = None if count is None else count * (7 if (found[2] or found[4]) == "week" else 1)
    return When(day=today + timedelta(days=days)) if days and days <= 60 else None


def _clock(text: str, expected: bool) -> When | None:
    """The last time of day; a bare number counts after "at" or where one is expected."""
    said: When | None = None
    for found in _CLOCK.finditer(text):
        clock = _clock_numbers(found)
        led = bool(_LEAD_IN.search(text[: found.start()]))
        certain = found["hour"] is None or found["mark"] or found["ampm"] or led or expected
        if clock is None or not certain:
            continue
        said = When(hour=clock[0], minute=clock[1], part=_half(found["ampm"], clock[0]))
        if found["noon"] or found["midnight"] or clock[0] > 12:
            said = replace(said, exact=True)
    parts = [Part(m.lastgroup or "") for m in _PART.finditer(text)]
    if said is not None and not said.part and not said.exact and parts:
        said = replace(said, part=parts[-1])
    if said is None and parts:
        said = When(part=parts[-1])
    return said


def _half(words: str | None, hour: int) -> Part:
    words = (words or "").strip()
    if words in ("am", "in the morning"):
        return Part.NIGHT if hour == 12 else Part.MORNING
    if words == "pm":
        return Part.AFTERNOON
    if words in ("in the evening", "at night"):
        return Part.EVENING
    return Part.AFTERNOON if words else Part.UNSAID


def _clock_numbers(found: re.Match[str]) -> tuple[int, int] | None:
    """Hour and minute of a match of _CLOCK, or None if they are none."""
    if found["noon"] or found["midnight"]:
        return (12, 0) if found["noon"] else (24, 0)
    if found["h24"]:
        return int(found["h24"]), int(found["m24"])
    minute: int | None = 0
    if found["rel"]:
        hour = parse_en(found["relhour"])
        word = found["rel"].removeprefix("a ").removesuffix("s").removesuffix(" minute")
        minute = {"half": 30, "quarter": 15}.get(word) or parse_en(word)
        if hour is not None and minute and found["dir"] in ("to", "before"):
            hour, minute = (hour - 1) or 12, 60 - minute
    else:
        hour = parse_en(found["hour"])
        if found["minute"]:
            minute = parse_en(re.sub(r"^oh? ", "", found["minute"]))
    if hour is None or minute is None or not 0 <= hour <= 23 or not 0 <= minute < 60:
        return None
    return hour, minute


def say_when_en(at: datetime, now: datetime) -> str:
    """A moment in words: tomorrow at three in the afternoon."""
    midnight = (at.hour, at.minute) == (0, 0)
    # Midnight ends a day: "tonight at midnight" is tomorrow at 0:00.
    day = at.date() - timedelta(days=1) if midnight else at.date()
    return f"{_say_day(day, now.date())} {_say_clock(at.hour, at.minute)}"


def _say_day(day: date, today: date) -> str:
    ahead = (day - today).days
    if ahead in (0, 1):
        return ("today", "tomorrow")[ahead]
    name = f"{_WEEKDAYS[day.weekday()].capitalize()} the {ordinal_en(day.day)}"
    if (day.year, day.month) != (today.year, today.month):
        name += f" of {_MONTHS[day.month - 1].capitalize()}"
    return name


def _say_clock(hour: int, minute: int) -> str:
    if minute == 0 and hour in (0, 12):
        return "at noon" if hour else "at midnight"
    part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
    twelve = words_en(hour % 12 or 12)
    if minute == 0:
        return f"at {twelve} {part}"
    if minute == 30:
        return f"at half past {twelve} {part}"
    return f"at {twelve} {'oh ' if minute < 10 else ''}{words_en(minute)} {part}"
