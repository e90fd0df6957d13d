"""Chinese numerals: amounts, and digits read one by one."""

from __future__ import annotations

import re

_DIGITS = "零一二三四五六七八九"
_TELEPHONE_DIGITS = "零幺二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
LARGEST = 10**16
"""From here on nobody says the amount; digits are read one by one."""


def amount(number: str) -> str:
    """A number such as "12000.5" as it is said: 一万二千点五.

    Leading 2 is 两 before 千, 万 and 亿; a leading zero is kept ("007" is digits).
    """
    whole, _, fraction = number.partition(".")
    if (len(whole) > 1 and whole[0] == "0") or int(whole) >= LARGEST:
        said = digits(whole)
    else:
        said = _integer(int(whole))
    return f"{said}点{digits(fraction)}" if fraction else said


def digits(number: str) -> str:
    """Digits one by one, as in a year or after the decimal point."""
    return "".join(_DIGITS[int(d)] for d in number)


def telephone(number: str) -> str:
    """Digits one by one with 幺 for 1; groups are separated by a pause."""
    groups = re.findall(r"\d+", number)
    return "，".join("".join(_TELEPHONE_DIGITS[int(d)] for d in group) for group in groups)


def _integer(number: int) -> str:
    if number == 0:
        return _DIGITS[0]
    said = ""
    for power in range(len(_GROUPS) - 1, -1, -1):
        group = number // 10 ** (4 * power) % 10000
        if not group:
            continue
        if said and (group < 1000 or number // 10 ** (4 * power) % 100000 < 10000):
            said += "零"
        words = _group(group)
        said += ("两" if words == "二" and power else words) + _GROUPS[power]
    if said.startswith("一十"):
        said = said[1:]
    return re.sub(r"^二千", "两千", said)


def _group(number: int) -> str:
    """1 to 9999."""
    said = ""
    for power in range(3, -1, -1):
        digit = number // 10**power % 10
        if digit:
            said += _DIGITS[digit] + _UNITS[power]
        elif said and number % 10**power:
            said += "" if said.endswith("零") else "零"
    return said
