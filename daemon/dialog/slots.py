"""What can be learned from words: moments, terms, numbers and amounts, in both languages.

Text is taken as the recogniser gives it. Every kind can be said back in words that the
same grammar understands again.
"""

from __future__ import annotations

import re
from datetime import datetime

from daemon.dialog.numbers import EN_NUMBER, ZH_NUMBER, parse_en, parse_zh, words_en, words_zh
from daemon.dialog.text import fuzzy_syllable, normalise, syllables
from daemon.dialog.when import When, resolve
from daemon.dialog.when_en import parse_when_en, say_when_en
from daemon.dialog.when_zh import parse_when_zh, say_when_zh

__all__ = [
    "When",
    "parse_amount",
    "parse_number",
    "parse_term",
    "parse_when",
    "resolve",
    "say_amount",
    "say_term",
    "say_when",
]

_ZH_YEARS = re.compile(rf"(半)年|({ZH_NUMBER})年(半)?")
_ZH_TERM = re.compile(rf"({ZH_NUMBER})(?:个?月|期)")
_ZH_REJECTED = re.compile(rf"(?:不要|不是|不分|不选){ZH_NUMBER}(?:个?月|期)")
_EN_YEARS = re.compile(
    rf"({EN_NUMBER}|\ba|\bone) (?:and a half )?years?( and a half)?|(half a) year"
)
_EN_TERM = re.compile(
    rf"({EN_NUMBER}) (?:months?|monthly|instal?lments?|payments?|equal|of them)"
    rf"|\bover ({EN_NUMBER})"
)
_EN_REJECTED = re.compile(rf"\bnot (?:for |over |the )?{EN_NUMBER}(?: months?)?")
_ZH_BARE = re.compile(rf"^(?:就|那就?|要|选|分|我?选择?)?({ZH_NUMBER})(?:吧|的|好了|可以|行)?$")
_EN_BARE = re.compile(
    r"^(?:the |make it |lets say |lets do |id like |ill take |maybe |say )*"
    rf"({EN_NUMBER})(?: please| then| is fine)*$"
)


def parse_when(text: str, now: datetime, lang: str, *, bare: bool = False) -> When | None:
    """What was said about a moment, or None.

    Args:
        text: as recognised.
        now: timezone-aware, in the zone the person thinks in.
        lang: "zh" or "en".
        bare: a time was asked for, so a number alone is an hour.
    """
    plain = normalise(text, lang)
    if lang == "zh":
        return parse_when_zh(plain, now, bare=bare)
    return parse_when_en(plain, now, bare=bare)


def say_when(at: datetime, now: datetime, lang: str) -> str:
    """A moment in words, without digits."""
    return say_when_zh(at, now) if lang == "zh" else say_when_en(at, now)


def parse_term(text: str, lang: str, *, bare: bool = False) -> int | None:
    """A number of months, the last one said: 十二期, 分12个月, 半年, two years.

    Args:
        text: as recognised.
        lang: "zh" or "en".
        bare: a term was asked for, so a number alone is one.
    """
    plain = normalise(text, lang)
    return _term_zh(plain, bare) if lang == "zh" else _term_en(plain, bare)


def _term_zh(text: str, bare: bool) -> int | None:
    text = _ZH_REJECTED.sub("", _terms_by_sound(text))
    found: list[tuple[int, int | None]] = []
    for match in _ZH_TERM.finditer(text):
        found.append((match.end(), parse_zh(match[1])))
    for match in _ZH_YEARS.finditer(text):
        years = parse_zh(match[2]) if match[2] else None
        months = 6 if match[1] else None if years is None else years * 12
        found.append((match.end(), months and months + (6 if match[3] else 0)))
    if not found and bare:
        whole = _ZH_BARE.search(text)
        return parse_zh(whole[1]) if whole else None
    return max(found)[1] if found else None


def _terms_by_sound(text: str) -> str:
    """Write 期 for what stands after a number and sounds like it: 12其, 十二七, 六级."""
    out = list(text)
    previous_end = -1
    for syllable, start, end in syllables(text):
        number = previous_end == start and re.fullmatch(ZH_NUMBER, text[start - 1 : start])
        seventeen = text[start] == "七" and (
            text[start - 1] == "十" or text[end : end + 1] in "期个月"
        )
        alike = syllable == fuzzy_syllable("qi") or text[start] in "级季集"
        if number and alike and not seventeen and text[start - 1] != "一":
            out[start] = "期"
        previous_end = end
    return "".join(out)


def _term_en(text: str, bare: bool) -> int | None:
    text = _EN_REJECTED.sub("", text)
    found: list[tuple[int, int | None]] = []
    for match in _EN_TERM.finditer(text):
        found.append((match.end(), parse_en(match[1] or match[2])))
    for match in _EN_YEARS.finditer(text):
        years = 1 if match[1] == "a" else parse_en(match[1]) if match[1] else None
        months = 6 if match[3] else None if years is None else years * 12
        half = 6 if "and a half" in match[0] else 0
        found.append((match.end(), months and months + half))
    if not found and bare:
        whole = _EN_BARE.search(text)
        return parse_en(whole[1]) if whole else None
    return max(found, key=lambda item: item[0])[1] if found else None


def say_term(months: int, lang: str) -> str:
    """A term in words: 十二期, twelve months."""
    if lang == "zh":
        return f"{words_zh(months)}期"
    return f"{words_en(months)} month{'' if months == 1 else 's'}"


def parse_number(text: str, lang: str) -> int | None:
    """The first whole number in the text."""
    plain = normalise(text, lang)
    found = re.search(ZH_NUMBER if lang == "zh" else EN_NUMBER, plain)
    if not found:
        return None
    return parse_zh(found[0]) if lang == "zh" else parse_en(found[0])


def parse_amount(text: str, lang: str) -> int | None:
    """An amount of money in whole units of the currency, the largest number said."""
    plain = normalise(text, lang)
    found = re.findall(ZH_NUMBER if lang == "zh" else EN_NUMBER, plain)
    read = parse_zh if lang == "zh" else parse_en
    numbers = [value for value in map(read, found) if value is not None]
    return max(numbers, default=None)


def say_amount(amount: int, lang: str) -> str:
    """An amount in words: 一万两千元, twelve thousand yuan in the currency's own name."""
    return f"{words_zh(amount)}元" if lang == "zh" else f"{words_en(amount)} dollars"
