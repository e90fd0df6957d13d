"""English text as it is spoken: numbers, money, dates, times, percentages, digit strings.

Rules run from the most specific to the least; each leaves words, so that no later rule
sees the same digits again. American readings ("three thousand four hundred fifty").
"""

from __future__ import annotations

import re
from collections.abc import Callable

from num2words import num2words

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_CURRENCIES = {
    "$": ("dollar", "cent"),
    "¥": ("yuan", "fen"),
    "€": ("euro", "cent"),
    "£": ("pound", "penny"),
}
_PLURALS = {"yuan": "yuan", "fen": "fen", "penny": "pence"}
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MONTH_NAME = "|".join([*_MONTHS, *(f"{m[:3]}\\.?" for m in _MONTHS), "Sept\\.?"])
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_NAMED = r"ending in|ends in|number(?: is)?|call|dial|extension|code(?: is)?|account|card|line"


def normalise_en(text: str) -> str:
    """English text without digits or signs that need to be read out."""
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return text


def _cardinal(digits: str) -> str:
    """A number such as 3,450.5 as words; no "and", no commas, as Americans say it."""
    plain = digits.replace(",", "")
    whole, _, fraction = plain.partition(".")
    words: str = num2words(int(whole)).replace(",", "").replace("-", " ")
    words = words.replace(" and ", " ")
    return f"{words} point {_one_by_one(fraction)}" if fraction else words


def _ordinal(number: int) -> str:
    words: str = num2words(number, to="ordinal")
    return words.replace("-", " ").replace(" and ", " ").replace(",", "")


def _year(number: int) -> str:
    words: str = num2words(number, to="year")
    return words.replace("-", " ").replace(" and ", " ")


def _one_by_one(digits: str) -> str:
    return " ".join(_DIGITS[int(d)] for d in digits if d.isdigit())


def _telephone(digits: str) -> str:
    """Digits one by one, a short pause between groups."""
    return ", ".join(_one_by_one(group) for group in re.findall(r"\d+", digits))


def _plural(count: str, unit: str) -> str:
    return unit if count == "1" else _PLURALS.get(unit, unit + "s")


def _money(found: re.Match[str]) -> str:
    """$3,450.50: three thousand four hundred fifty dollars and fifty cents."""
    unit, small = _CURRENCIES[found["sign"]]
    amount = found["amount"].replace(",", "")
    if found["scale"]:
        return f"{_cardinal(amount)} {found['scale']} {_plural('2', unit)}"
    whole, _, cents = amount.partition(".")
    if len(cents) > 2:
        return f"{_cardinal(amount)} {_plural('2', unit)}"
    parts = []
    if int(whole) or not int(cents or "0"):
        parts.append(f"{_cardinal(whole)} {_plural(whole, unit)}")
    if int(cents or "0"):
        count = str(int(cents.ljust(2, "0")))
        parts.append(f"{_cardinal(count)} {_plural(count, small)}")
    return " and ".join(parts)


def _iso_date(found: re.Match[str]) -> str:
    year, month, day = (int(part) for part in found.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return _telephone(found[0])
    return f"{_MONTHS[month - 1]} {_ordinal(day)}, {_year(year)}"


def _month_day(found: re.Match[str]) -> str:
    year = f", {_year(int(found['year']))}" if found["year"] else ""
    month = found["month"].rstrip(".")
    full = next(name for name in _MONTHS if name.startswith(month[:3]))
    return f"{full} {_ordinal(int(found['day']))}{year}"


def _time(found: re.Match[str]) -> str:
    """15:00 is three p.m.; 9:05 is nine oh five; 9:00 is nine o'clock."""
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").lower().replace(".", "").strip()
    if hour > 23 or minute > 59:
        return _telephone(found[0])
    if not half and (hour > 12 or hour == 0):
        half = "am" if hour == 0 else "pm"
    words = [_cardinal(str((hour - 1) % 12 + 1))]
    if minute:
        words.append(("oh " if minute < 10 else "") + _cardinal(str(minute)))
    elif not half:
        words.append("o'clock")
    if half:
        words.append(f"{half[0]}.m.")
    return " ".join(words)


def _fraction(found: re.Match[str]) -> str:
    above, below = int(found[1]), int(found[2])
    if found[0] == "24/7":
        return "twenty four seven"
    if not 1 <= above < below <= 20:
        return f"{_cardinal(found[1])} over {_cardinal(found[2])}"
    name = {2: "half", 4: "quarter"}.get(below) or _ordinal(below)
    plural = "halves" if name == "half" else name + "s"
    return f"{_cardinal(found[1])} {name if above == 1 else plural}"


Say = Callable[[re.Match[str]], str]

_RULES: tuple[tuple[re.Pattern[str], Say], ...] = (
    (
        re.compile(
            rf"(?P<sign>[$¥€£])\s?(?P<amount>{_NUMBER})(?:\s(?P<scale>thousand|million|billion))?"
        ),
        _money,
    ),
    (re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b"), _iso_date),
    (
        re.compile(
            rf"\b(?P<month>{_MONTH_NAME}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b"
            r"(?:,? (?P<year>\d{4})\b)?"
        ),
        _month_day,
    ),
    (
        re.compile(
            r"\b(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<half>\s?[ap]\.?m\b\.?)?", re.IGNORECASE
        ),
        _time,
    ),
    (
        re.compile(r"\b(?P<hour>\d{1,2})(?P<minute>)(?P<half>\s?[ap]\.?m\b\.?)", re.IGNORECASE),
        _time,
    ),
    (re.compile(rf"({_NUMBER})\s?%"), lambda m: f"{_cardinal(m[1])} percent"),
    (
        re.compile(rf"\b({_NAMED}) (\+?\d[\d -]*\d)\b", re.IGNORECASE),
        lambda m: f"{m[1]} {_telephone(m[2])}",
    ),
    (re.compile(r"(?<![\d.,])\+?\d[\d -]{5,}\d(?![\d.,]\d)"), lambda m: _telephone(m[0])),
    (re.compile(r"\b(\d{1,4})(?:st|nd|rd|th)\b"), lambda m: _ordinal(int(m[1]))),
    (re.compile(r"\b(\d{1,3})/(\d{1,3})\b"), _fraction),
    (
        re.compile(r"\b(in|since|until|by|of|year) ((?:19|20)\d\d)\b(?![.,]\d)", re.IGNORECASE),
        lambda m: f"{m[1]} {_year(int(m[2]))}",
    ),
    (re.compile(r"(?<=\d)\s?[-–]\s?(?=\d)"), lambda _m: " to "),
    (re.compile(r"(?<![\w.])-(?=\d)"), lambda _m: "minus "),
    (re.compile(r"(?<![\d.,])0\d+\b"), lambda m: _one_by_one(m[0])),
    (
        re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"),
        lambda m: f" {_cardinal(m[0])} ",
    ),
    (re.compile(r"\s*&\s*"), lambda _m: " and "),
    (re.compile(r" {2,}"), lambda _m: " "),
    (re.compile(r" (?=[,.;:!?])|^ | $"), lambda _m: ""),
)
