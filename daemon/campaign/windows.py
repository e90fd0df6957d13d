"""The hours in which a person may be called, at the place where that person is.

A window is a tuple of (start, end) in minutes since midnight, local time, end
excluded. Several windows and several time zones apply together: a call is allowed
only when all of them are open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.errors import LeadError

Window = tuple[tuple[int, int], ...]

_DAY_MINUTES = 24 * 60
_RANGE = re.compile(r"^(\d{2}):(\d{2})\s*[-\u2013]\s*(\d{2}):(\d{2})$")

# US: 47 CFR 64.1200(c)(1), 08:00-21:00 at the called party's location. Elsewhere the
# conservative Chinese practice. No setting opens these further.
_LEGAL: dict[str, Window] = {"US": ((8 * 60, 21 * 60),)}
_LEGAL_ELSEWHERE: Window = ((9 * 60, 21 * 60),)
_SEARCH_DAYS = 8


def legal_window(region: str) -> Window:
    """The hours nobody may leave, by the country of the number ("" if unknown)."""
    return _LEGAL.get(region, _LEGAL_ELSEWHERE)


def parse_window(text: str) -> Window:
    """Read "09:00-20:00" or "10:00-12:00,14:00-18:00".

    Raises:
        LeadError: it is not of that form, or a range ends before it starts.
    """
    ranges: list[tuple[int, int]] = []
    for part in text.replace("\uff0c", ",").replace("\uff1a", ":").split(","):
        match = _RANGE.match(part.strip())
        if not match:
            raise LeadError(f"window {text!r} is not like 09:00-20:00 or 10:00-12:00,14:00-18:00")
        hour, minute, end_hour, end_minute = (int(group) for group in match.groups())
        start, end = hour * 60 + minute, end_hour * 60 + end_minute
        if minute > 59 or end_minute > 59 or not start < end <= _DAY_MINUTES:
            raise LeadError(
                f"window {text!r}: {part.strip()} must start before it ends, in one day"
            )
        ranges.append((start, end))
    return tuple(sorted(ranges))


def format_window(window: Window) -> str:
    """The text form that parse_window reads."""
    return ",".join(
        f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}" for start, end in window
    )


def intersection(first: Window, second: Window) -> Window:
    """The minutes that lie in both; empty if there are none."""
    both = {(max(a[0], b[0]), min(a[1], b[1])) for a in first for b in second}
    return tuple(sorted((start, end) for start, end in both if start < end))


def next_open(moment: datetime, window: Window, zones: Sequence[ZoneInfo]) -> datetime | None:
    """The first moment, not before `moment`, that lies in the window in every zone.

    Returns:
        A UTC moment; None if there is none within eight days.
    """
    if not window or not zones:
        return None
    candidate = moment.astimezone(UTC)
    last = candidate + timedelta(days=_SEARCH_DAYS)
    while candidate <= last:
        latest = max(_next_open_in(candidate, window, zone) for zone in zones)
        if latest == candidate:
            return candidate
        candidate = latest
    return None


def _next_open_in(moment: datetime, window: Window, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    if any(start * 60 <= seconds < end * 60 for start, end in window):
        return moment
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    for days in range(3):
        for start, _ in window:
            # Wall-clock arithmetic on purpose: the zone gives each day its own offset.
            wall = (midnight + timedelta(days=days)).replace(hour=start // 60, minute=start % 60)
            opening = wall.astimezone(UTC)
            if opening > moment:
                return opening
    raise AssertionError(f"no opening of {window} within three days in {zone}")
