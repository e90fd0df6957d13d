"""Whole numbers in both languages: from words or digits, and back to words."""

from __future__ import annotations

import re

ZH_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "俩": 2,
    "幺": 1,
}
_ZH_UNITS = {"十": 10, "百": 100, "千": 1000}
ZH_NUMBER = r"(?:\d+(?:\.\d+)?[百千万]?|[零〇一二两俩三四五六七八九十百千万\d]+)"

_TEENS = {"ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14} | {
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_ONES = {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4} | {
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}  # fmt: skip
_EN_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50} | {
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
EN_SMALL = _ONES | _TEENS | _EN_TENS
_EN_NAMES = {value: word for word, value in EN_SMALL.items()}
_EN_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_EN_WORD = "|".join([*EN_SMALL, *_EN_SCALES])
EN_NUMBER = rf"(?:\d+(?:\.\d+)?k?|\b(?:a )?(?:{_EN_WORD})(?:(?: and)? (?:{_EN_WORD}))*\b)"
EN_ORDINALS = {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9} | {
    **{f"{word}th": value for word, value in _TEENS.items() if word != "twelve"},
    **{f"{word}th": value for word, value in _ONES.items() if value in (4, 6, 7)},
    "twelfth": 12,
    "twentieth": 20,
    "thirtieth": 30,
}


def parse_zh(text: str) -> int | None:
    """A number said in Chinese, in characters, digits or both: 一万二, 1.2万, 两百五, 20四."""
    if re.fullmatch(r"\d+", text):
        return int(text)
    mixed = re.fullmatch(r"(\d+(?:\.\d+)?)([百千万])", text)
    if mixed:
        unit = {"百": 100, "千": 1000, "万": 10000}[mixed[2]]
        return round(float(mixed[1]) * unit)
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return None
    if not re.search(r"[十百千万]", text):
        return _zh_spelled(text)
    head, _, tail = text.rpartition("万")
    if not head and "万" in text:
        return None
    high = _zh_section(head) if head else 0
    low = _zh_tail(tail, 10000 if head else 1)
    return None if high is None or low is None else high * 10000 + low


def _zh_spelled(text: str) -> int | None:
    """Digit by digit (一五 is 15, 20四 is 24); one character is itself."""
    tens = re.fullmatch(r"([2-9])0([一二三四五六七八九])", text)
    if tens:
        return int(tens[1]) * 10 + ZH_DIGITS[tens[2]]
    digits = [int(char) if char.isdigit() else ZH_DIGITS.get(char) for char in text]
    if not digits or None in digits:
        return None
    return int("".join(str(digit) for digit in digits))


def _zh_tail(text: str, above: int) -> int | None:
    """What follows a unit: 一万二 is 12000, 一万零二 is 10002."""
    if above > 1 and len(text) == 1 and text in ZH_DIGITS:
        return ZH_DIGITS[text] * (above // 10)
    return _zh_section(text) if text else 0


def _zh_section(text: str) -> int | None:
    """A number below 10,000."""
    total, digit, last_unit = 0, None, 1
    for char in text:
        if char in _ZH_UNITS:
            last_unit = _ZH_UNITS[char]
            total += (1 if digit is None else digit) * last_unit
            digit = None
        elif char in ZH_DIGITS or char.isdigit():
            value = ZH_DIGITS.get(char, int(char) if char.isdigit() else 0)
            digit = value if not digit else digit * 10 + value
            last_unit = 1 if value == 0 else last_unit
        else:
            return None
    if digit is None:
        return total
    # 三千五 is 3500, but 三千零五 is 3005 and 十五 is 15.
    return total + digit * (last_unit // 10 if last_unit >= 100 else 1)


def words_zh(number: int) -> str:
    """A number from 0 to 99,999,999 in characters, as it is spoken."""
    if number >= 10000:
        high, low = divmod(number, 10000)
        gap = "零" if 0 < low < 1000 else ""
        return words_zh(high) + "万" + gap + (_zh_words(low) if low else "")
    return _zh_words(number)


def _zh_words(number: int) -> str:
    if number == 0:
        return "零"
    out, zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit == 0:
            zero = bool(out)
            continue
        out += "零" if zero else ""
        zero = False
        out += (
            "" if digit == 1 and unit == 10 and not out else "零一二三四五六七八九"[digit]
        ) + name
    return out


def parse_en(text: str) -> int | None:
    """A number said in English: twelve thousand, twenty-five hundred, 12,000, 12k."""
    text = text.replace(",", "").replace("-", " ").strip()
    plain = re.fullmatch(r"(\d+(?:\.\d+)?)(k?)", text)
    if plain:
        value = float(plain[1]) * (1000 if plain[2] else 1)
        return int(value) if value == int(value) else None
    total = section = 0
    words = [word for word in text.split() if word not in ("and", "a")]
    if not words:
        return None
    for word in words:
        if word in EN_SMALL:
            section += EN_SMALL[word]
        elif word.isdigit():
            section += int(word)
        elif word == "hundred":
            section = max(section, 1) * 100
        elif word in _EN_SCALES:
            total, section = total + max(section, 1) * _EN_SCALES[word], 0
        else:
            return None
    return total + section


def words_en(number: int) -> str:
    """A number from 0 to 999,999,999 in words."""
    if number in _EN_NAMES:
        return _EN_NAMES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return f"{_EN_NAMES[tens * 10]}-{_EN_NAMES[ones]}"
    for scale, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= scale:
            high, low = divmod(number, scale)
            rest = "" if not low else (" and " if low < 100 else " ") + words_en(low)
            return f"{words_en(high)} {name}{rest}"
    raise AssertionError(number)


def ordinal_en(number: int) -> str:
    """first, twenty-fifth, thirty-first: 1 to 31."""
    for word, value in EN_ORDINALS.items():
        if value == number:
            return word
    tens = number // 10 * 10
    return f"{words_en(tens)}-{ordinal_en(number - tens)}"
