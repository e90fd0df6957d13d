"""Chinese text as it is spoken: numbers, money, dates, times, percentages, digit strings.

wetext's grammars (their files come with the package) do most of it; the rules here put
into their form what they misread: separators, currency signs, jiao and fen, and digits
that are a name, not an amount.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cache

from wetext import Normalizer

log = logging.getLogger(__name__)

_DIGITS = "零一二三四五六七八九"
_TELEPHONE_DIGITS = "零幺二三四五六七八九"
_CURRENCIES = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()}
_FULL_WIDTH |= {ord("￥"): ord("¥"), ord("％"): ord("%"), ord("＄"): ord("$"), ord("．"): ord(".")}

_SEPARATOR = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CURRENCY = re.compile(r"([¥$€£])\s*(\d+(?:\.\d+)?)\s*([万亿千百]?)")
_CENTS = re.compile(r"(\d+)\.(\d)(\d?)(?=元|块)(元|块)")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_PERCENT_RANGE = re.compile(r"(\d+(?:\.\d+)?)%?\s*[-~–至到]\s*(\d+(?:\.\d+)?)%")
_PER_MILLE = re.compile(r"(\d+(?:\.\d+)?)‰")
_NAMED = re.compile(
    r"((?:尾号|电话|号码|手机|热线|客服|验证码|拨打|致电|卡号|账号|工号|编号|单号|分机)"
    r"(?:是|为|:|：)?)\s*(\d[\d\s-]*\d)"
)
_LONG = re.compile(r"\+?(?<![\d.])\d[\d -]{5,}\d(?![\d.]|\s*[%元块万亿个月日年期天人])")
_GAP = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\dA-Za-z])|(?<=[\dA-Za-z])\s+(?=[\u4e00-\u9fff])")
_LONE_DIGIT = re.compile(r"\d")


def normalise_zh(text: str) -> str:
    """Chinese text without digits or signs that need to be read out."""
    text = text.translate(_FULL_WIDTH)
    text = _SEPARATOR.sub("", text)
    text = _GAP.sub("", text)
    text = _CURRENCY.sub(lambda m: m[2] + m[3] + _CURRENCIES[m[1]], text)
    text = _CENTS.sub(_money, text)
    text = _ISO_DATE.sub(lambda m: f"{m[1]}年{int(m[2])}月{int(m[3])}日", text)
    text = _PERCENT_RANGE.sub(r"\1%到\2%", text)
    text = _PER_MILLE.sub(r"千分之\1", text)
    text = _NAMED.sub(lambda m: m[1] + _one_by_one(m[2]), text)
    text = _LONG.sub(lambda m: _one_by_one(m[0]), text)
    if _LONE_DIGIT.search(text) or "%" in text:
        text = _grammar(text)
    return _LONE_DIGIT.sub(lambda m: _DIGITS[int(m[0])], text)


def _money(found: re.Match[str]) -> str:
    """100.50元 is said 100元5角."""
    whole, jiao, fen, unit = found.groups()
    said = f"{whole}{unit}"
    if fen and fen != "0":
        return said + (f"{jiao}角" if jiao != "0" else "零") + f"{fen}分"
    return said if jiao == "0" else f"{said}{jiao}角"


def _one_by_one(digits: str) -> str:
    """A telephone or card number, groups separated by a short pause."""
    groups = re.split(r"[\s-]+", digits.strip().lstrip("+"))
    return "，".join("".join(_TELEPHONE_DIGITS[int(d)] for d in group) for group in groups)


@cache
def _normaliser() -> Normalizer:
    return Normalizer(lang="zh", operator="tn")


_LOCK = threading.Lock()


def _grammar(text: str) -> str:
    """The grammars' reading; where its grammar gives up, the digits are read one by one."""
    try:
        with _LOCK:
            said: str = _normaliser().normalize(text)
    except (AssertionError, RuntimeError, IndexError, KeyError) as error:
        log.warning("no reading for a number (%r); reading its digits", error)
        return text.replace("%", "百分")
    return said
