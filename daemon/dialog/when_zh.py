"""Dates and times as they are said in Mandarin, and how we say them back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

from pypinyin import lazy_pinyin

from daemon.dialog.numbers import ZH_NUMBER, parse_zh, words_zh
from daemon.dialog.when import Part, Repeats, When, next_date, next_weekday

_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6} | {
    str(day): day - 1 for day in range(1, 8)
}
_PARTS = {
    Part.NIGHT: "凌晨|半夜|深夜",
    Part.MORNING: "上午|早上|早晨|清晨|清早|一早|早(?=[零一二两三四五六七八九十\\d])",
    Part.NOON: "中午|正午",
    Part.AFTERNOON: "下午|午后|傍晚",
    Part.EVENING: "晚上|晚间|夜里|夜晚|晚(?=[零一二两三四五六七八九十\\d])",
}
_PART = re.compile("|".join(f"(?P<{part}>{words})" for part, words in _PARTS.items()))
_NAMED_DAYS = {
    "大后天": 3,
    "后天": 2,
    "明天": 1,
    "明日": 1,
    "明儿": 1,
    "明早": 1,
    "明晚": 1,
    "今天": 0,
    "今日": 0,
    "今儿": 0,
    "今早": 0,
    "今晚": 0,
}
_NAMED = re.compile("|".join(_NAMED_DAYS))
_WEEK = "(?:周|星期|礼拜)"
_WEEKDAY = re.compile(rf"(下下|下|这|本)?个?{_WEEK}([一二三四五六日天1-7](?![个天月年]))")
_WEEKEND = re.compile(r"(下下|下|这|本)?个?周末")
_DATE = re.compile(rf"(?:({ZH_NUMBER})月份?|(下)个?月)?({ZH_NUMBER})[号日]")
_MONTH_DAY = re.compile(rf"({ZH_NUMBER})月份?({ZH_NUMBER})(?!\d|[个点:])")
_DAYS_ON = re.compile(rf"(?:过({ZH_NUMBER})天|({ZH_NUMBER})天(?:以后|之后|过后|后))")
_SPAN = re.compile(
    rf"(?:(半)个?(小时|钟头)|({ZH_NUMBER})个?(半)?(小时|钟头)(半)?|([一两三123])刻钟|({ZH_NUMBER})分钟)"
)
_LATER = re.compile("以后|之后|过后|后|过|再|等")
_CLOCK = re.compile(
    rf"(?P<vague>[晚早快慢差有]一点|晚点|早点)|差(?P<to>{ZH_NUMBER}|一刻)分?钟?(?P<tohour>{ZH_NUMBER})点"
    rf"|(?P<h24>[01]?\d|2[0-3]):(?P<m24>[0-5]\d)"
    rf"|(?P<hour>{ZH_NUMBER})[点时](?!间|候|期)钟?整?"
    rf"(?:过?(?P<half>半)|(?P<quarter>[一三123])刻|过?(?P<minute>{ZH_NUMBER})分?(?![号日天个月点后]))?"
)
_BARE_HOUR = re.compile(rf"^(?:就|那|那就)?({ZH_NUMBER})(半)?(?:吧|左右|行吗|可以吗|可以)?$")

# What recognisers write for these words; each is repaired by its exact toneless pinyin.
_LEXICON = tuple(
    re.findall(
        r"\w+",
        "大后天 后天 明天 今天 上午 下午 中午 晚上 早上 傍晚 凌晨 今晚 明晚 明早 星期 礼拜 "
        "周末 下周 "
        "点半 点钟 小时 半小时 分钟 以后 周一 周二 周三 周四 周五 周六 周日 周天 "
        "十一点 十二点 一点 两点 三点 四点 五点 六点 七点 八点 九点 十点",
    )
)
_BY_SOUND: dict[tuple[str, ...], str] = {}
for _word in _LEXICON:
    _BY_SOUND.setdefault(tuple(lazy_pinyin(_word)), _word)
_BY_SOUND |= {("shan", "dian"): "三点", ("san", "tian"): "三天", ("zhong", "wu"): "中午"}


def repair(text: str) -> str:
    """Homophones of time words put right: 名天 to 明天, 酒店 to 九点.

    Only for answers to "when"; elsewhere a hotel is a hotel.
    """
    sounds = [lazy_pinyin(char)[0] if "\u4e00" <= char <= "\u9fff" else char for char in text]
    out, at = "", 0
    while at < len(text):
        for size in (3, 2):
            word = _BY_SOUND.get(tuple(sounds[at : at + size]))
            if word and len(word) == size and not _means_itself(text, at, size):
                out += word
                at += size
                break
        else:
            out += text[at]
            at += 1
    return out


def _means_itself(text: str, at: int, size: int) -> bool:
    """Characters that are a time word as they stand must not be turned into another."""
    window = text[at : at + size]
    return window in _LEXICON or bool(re.match("[这本下][周个]", text[at : at + 2]))


def parse_when_zh(text: str, now: datetime, *, bare: bool = False) -> When | None:
    """What a Mandarin utterance says about a moment; None if nothing.

    Args:
        text: normalised.
        now: timezone-aware.
        bare: a time was asked for, so a number alone is an hour.
    """
    text = repair(text)
    span = _span(text, now)
    if span is not None:
        return When(moment=span)
    day = _day(text, now.date())
    rest = text if day is None else text[: day[0]] + "，" + text[day[1] :]
    found = (day[2] if day else When()).then(_clock(rest) or When())
    if bare and found.hour is None:
        hour = _BARE_HOUR.search(_PART.sub("", rest).replace("，", ""))
        value = parse_zh(hour[1]) if hour else None
        if hour and value is not None and value <= 24:
            found = replace(found, hour=value % 24, minute=30 if hour[2] else 0)
    return None if found.empty else found


def _span(text: str, now: datetime) -> datetime | None:
    """两个半小时以后, 过半小时, 一刻钟后, 二十分钟之后."""
    found = _SPAN.search(text)
    if not found or not _LATER.search(text):
        return None
    half, _, hours, and_half, _, half_after, quarters, minutes = found.groups()
    total = 30 if half else 0
    if hours:
        total = (parse_zh(hours) or 0) * 60 + (30 if and_half or half_after else 0)
    elif quarters:
        total = (parse_zh(quarters) or 0) * 15
    elif minutes:
        total = parse_zh(minutes) or 0
    if not 0 < total <= 7 * 24 * 60:
        return None
    return now.replace(second=0, microsecond=0) + timedelta(minutes=total)


def _day(text: str, today: date) -> tuple[int, int, When] | None:
    """Start, end and meaning of the day named last: people correct themselves forwards."""
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], When | None]], ...] = (
        (_DATE, _date),
        (_MONTH_DAY, _month_day),
        (_NAMED, _named),
        (_WEEKDAY, _weekday),
        (_WEEKEND, _weekend),
        (_DAYS_ON, _days_on),
    )
    dates_end = {m.end() for pattern in (_DATE, _MONTH_DAY) for m in pattern.finditer(text)}
    best: tuple[int, int, When] | None = None
    for pattern, read in readers:
        for found in pattern.finditer(text):
            # 十一月二十五号星期三: the date says it, the weekday only repeats it.
            repeated = read is _weekday and found.start() in dates_end
            said = None if repeated else read(found, today)
            if said and (best is None or found.end() > best[1]):
                best = (found.start(), found.end(), said)
    return best


def _named(found: re.Match[str], today: date) -> When:
    word = found[0]
    part = {"早": Part.MORNING, "晚": Part.EVENING}.get(word[-1], Part.UNSAID)
    return When(day=today + timedelta(days=_NAMED_DAYS[word]), part=part)


def _weekday(found: re.Match[str], today: date) -> When:
    weeks = {"下下": 2, "下": 1}.get(found[1] or "")
    day = next_weekday(_WEEKDAYS[found[2]], today, weeks=weeks)
    return When(day=day, repeats=Repeats.NEVER if weeks else Repeats.WEEKLY)


def _weekend(found: re.Match[str], today: date) -> When:
    weeks = {"下下": 2, "下": 1}.get(found[1] or "")
    return When(day=next_weekday(5, today, weeks=weeks), repeats=Repeats.WEEKLY)


def _date(found: re.Match[str], today: date) -> When | None:
    month = parse_zh(found[1]) if found[1] else None
    start = (today.replace(day=28) + timedelta(days=4)).replace(day=1) if found[2] else today
    return _calendar(month, parse_zh(found[3]), start)


def _month_day(found: re.Match[str], today: date) -> When | None:
    return _calendar(parse_zh(found[1]), parse_zh(found[2]), today)


def _calendar(month: int | None, day: int | None, start: date) -> When | None:
    if day is None or not 1 <= day <= 31 or not 1 <= (month or 1) <= 12:
        return None
    try:
        found = next_date(day, start, month)
    except ValueError:
        return None
    return When(day=found, repeats=Repeats.YEARLY if month else Repeats.MONTHLY)


def _days_on(found: re.Match[str], today: date) -> When | None:
    days = parse_zh(found[1] or found[2])
    return When(day=today + timedelta(days=days)) if days and days <= 60 else None


def _clock(text: str) -> When | None:
    """The last time of day, with the part of the day that stands before it."""
    parts = [(m.start(), Part(m.lastgroup or "")) for m in _PART.finditer(text)]
    said: When | None = None
    for found in _CLOCK.finditer(text):
        clock = _clock_numbers(found)
        if clock is not None:
            before = [part for at, part in parts if at < found.start()]
            exact = found["h24"] is not None and (not before or clock[0] > 12)
            part = before[-1] if before else Part.UNSAID
            said = When(hour=clock[0], minute=clock[1], part=part, exact=exact)
    if said and said.exact and 1 <= (said.hour or 0) <= 12 and not parts:
        said = replace(said, exact=False)
    if said is None and parts:
        said = When(part=parts[-1][1])
    return said


def _clock_numbers(found: re.Match[str]) -> tuple[int, int] | None:
    """Hour and minute of a match of _CLOCK, or None if they are none."""
    if found["vague"]:
        return None
    if found["h24"]:
        return int(found["h24"]), int(found["m24"])
    hour = parse_zh(found["tohour"] or found["hour"])
    minute = 0
    if found["to"]:
        before = 15 if found["to"] == "一刻" else parse_zh(found["to"]) or 0
        hour, minute = (None if hour is None else hour - 1), 60 - before
    elif found["half"]:
        minute = 30
    elif found["quarter"]:
        minute = (parse_zh(found["quarter"]) or 0) * 15
    elif found["minute"]:
        minute = parse_zh(found["minute"].lstrip("零〇") or "零") or 0
    if hour is None or not 0 <= hour <= 24 or not 0 <= minute < 60:
        return None
    return hour, minute


def say_when_zh(at: datetime, now: datetime) -> str:
    """A moment in words: 明天下午三点, 十一月二十五号星期三上午十点半."""
    return _say_day(at.date(), now.date()) + _say_clock(at.hour, at.minute)


def _say_day(day: date, today: date) -> str:
    ahead = (day - today).days
    if 0 <= ahead <= 2:
        return ("今天", "明天", "后天")[ahead]
    return f"{words_zh(day.month)}月{words_zh(day.day)}号星期{'一二三四五六日'[day.weekday()]}"


def _say_clock(hour: int, minute: int) -> str:
    edges = ((6, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
    part = next(name for edge, name in edges if hour < edge)
    twelve = hour if hour <= 12 else hour - 12
    spoken = "两" if twelve == 2 else words_zh(twelve)
    if minute == 30:
        return f"{part}{spoken}点半"
    if minute == 0:
        return f"{part}{spoken}点"
    return f"{part}{spoken}点{'零' if minute < 10 else ''}{words_zh(minute)}分"
