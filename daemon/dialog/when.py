"""A moment as people say it, and which moment of the calendar it is.

People give a day, a time of day, or both; the time often without morning or afternoon.
`When` keeps what was said; `resolve` turns it into a moment once both halves are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

OFFICE_HOURS = (9, 18)
CALLING_HOURS = (9, 21)


class Part(StrEnum):
    """Part of the day, as far as it was said."""

    UNSAID = ""
    NIGHT = "night"
    MORNING = "morning"
    NOON = "noon"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class Repeats(StrEnum):
    """How a day comes round again, should the moment be past."""

    NEVER = ""
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True)
class When:
    """What was said about a moment.

    Attributes:
        day: the day, or None if none was said.
        repeats: whether `day` was a weekday, a day of the month or a date of the year.
        hour, minute: as said; hour None if no time was said.
        part: part of the day; with `hour` it decides between 3 and 15.
        exact: the hour was given on a 24-hour clock (15:00).
        moment: a moment said outright ("in two hours"); the other fields are then unset.
    """

    day: date | None = None
    repeats: Repeats = Repeats.NEVER
    hour: int | None = None
    minute: int = 0
    part: Part = Part.UNSAID
    exact: bool = False
    moment: datetime | None = None

    @property
    def missing(self) -> str:
        """Which half is not known: "date", "time" or "" when complete."""
        if self.moment is not None:
            return ""
        if self.day is None:
            return "date"
        return "time" if self.hour is None else ""

    @property
    def empty(self) -> bool:
        """Whether nothing at all was said."""
        return self == When()

    def then(self, later: When) -> When:
        """This, completed or corrected by what was said later."""
        if later.moment is not None:
            return later
        merged = replace(self, moment=None)
        if later.day is not None:
            merged = replace(merged, day=later.day, repeats=later.repeats)
        if later.hour is not None:
            part = later.part or (merged.part if _fits(later, merged.part) else Part.UNSAID)
            merged = replace(
                merged, hour=later.hour, minute=later.minute, part=part, exact=later.exact
            )
        elif later.part:
            merged = replace(merged, part=later.part)
        return merged


def _fits(when: When, part: Part) -> bool:
    """Whether an hour can lie in a part of the day."""
    if when.exact or when.hour is None:
        return False
    return not (part == Part.NOON and when.hour not in (11, 12, 1, 2))


def resolve(when: When, now: datetime) -> datetime | None:
    """The next moment that fits, in now's zone; None while a half is missing.

    An hour without a part of the day is read as the one in office hours, else the one in
    which calls are allowed. A moment that is past moves to the next time its day comes.
    """
    if when.moment is not None:
        return when.moment
    if when.day is None or when.hour is None:
        return None
    options = _hours(when)
    if not when.repeats:
        # "Today at eight", said at noon, is in the evening.
        ahead = [hour for hour in options if _at(when.day, hour, when.minute, now) > now]
        options = ahead or options
    hour = _preferred(options)
    at = _at(when.day, hour, when.minute, now)
    return at if at > now else _at(_next(when, now), hour, when.minute, now)


def _at(day: date, hour: int, minute: int, now: datetime) -> datetime:
    """A moment in now's zone; hour 24 is the midnight that ends the day."""
    if hour == 24:
        day, hour = day + timedelta(days=1), 0
    return datetime.combine(day, time(hour, minute), tzinfo=now.tzinfo)


def _next(when: When, now: datetime) -> date:
    assert when.day is not None
    if when.repeats == Repeats.WEEKLY:
        return when.day + timedelta(days=7)
    if when.repeats == Repeats.MONTHLY:
        return next_date(when.day.day, when.day + timedelta(days=1))
    if when.repeats == Repeats.YEARLY:
        return next_date(when.day.day, when.day + timedelta(days=1), month=when.day.month)
    return max(when.day, now.date()) + timedelta(days=1)


def _hours(when: When) -> list[int]:
    """Every hour of the day (0 to 24) that the words can mean, likeliest first."""
    hour = when.hour
    assert hour is not None
    if when.exact or hour > 12 or hour == 0:
        return [hour]
    twelve = hour % 12
    if when.part == Part.MORNING:
        return [hour]
    if when.part == Part.NIGHT:
        return [twelve]
    if when.part == Part.NOON:
        return [hour if hour >= 10 else hour + 12]
    if when.part == Part.AFTERNOON:
        return [twelve + 12]
    if when.part == Part.EVENING:
        return [24] if hour == 12 else [twelve + 12]
    return [12, 24] if hour == 12 else [hour, hour + 12]


def _preferred(hours: list[int]) -> int:
    for first, last in (OFFICE_HOURS, CALLING_HOURS):
        for hour in hours:
            if first <= hour < last:
                return hour
    return hours[0]


def next_weekday(weekday: int, today: date, *, weeks: int | None = None) -> date:
    """The next such weekday (Monday is 0), today included; or that of the week in `weeks`."""
    if weeks is not None:
        monday = today - timedelta(days=today.weekday())
        return monday + timedelta(days=7 * weeks + weekday)
    return today + timedelta(days=(weekday - today.weekday()) % 7)


def next_date(day: int, start: date, month: int | None = None) -> date:
    """The first date from `start` on with that day of the month (and month).

    Raises:
        ValueError: there is no such date (31 February).
    """
    for ahead in range(366 * 8):
        found = start + timedelta(days=ahead)
        if found.day == day and month in (None, found.month):
            return found
    raise ValueError(f"no day {day} in month {month}")
