"""Chinese text as it is spoken: numbers, money, dates, times, percentages, digit strings.

Rules run from the most specific to the least; each leaves characters, so that no later
rule sees the same digits again. (wetext's grammars would do, but their library and
Vosk's each bring their own OpenFst, and both in one process corrupt the heap.)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from models.tts.numbers_zh import amount, digits, telephone

_CURRENCIES = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()}
_FULL_WIDTH |= {ord("￥"): ord("¥"), ord("％"): ord("%"), ord("＄"): ord("$"), ord("．"): ord(".")}
_FULL_WIDTH[ord("～")] = ord("~")

_N = r"\d+(?:\.\d+)?"
_NAMES = "尾号|电话|号码|手机|热线|客服|验证码|拨打|致电|卡号|账号|工号|编号|单号|分机"
_COUNTED = "个|次|位|天|年|周|笔|张|条|名|期|点|分钟|小时|种|家|份|块|成|倍|套|件|项|岁|句"


def normalise_zh(text: str) -> str:
    """Chinese text without digits or signs that need to be read out."""
    text = text.translate(_FULL_WIDTH)
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return text


def _money(found: re.Match[str]) -> str:
    """100.50元 is said 一百元五角."""
    whole, jiao, fen, unit = found.groups()
    said = f"{amount(whole)}{unit}" if int(whole) else ""
    if jiao != "0":
        said += f"{amount(jiao)}角"
    elif said and fen not in ("", "0"):
        said += "零"
    if fen not in ("", "0"):
        said += f"{amount(fen)}分"
    return said or f"零{unit}"


def _time(found: re.Match[str]) -> str:
    """15:05 is 十五点零五分; on the hour no minutes are said."""
    hour, minute = int(found[1]), int(found[2])
    if hour > 24 or minute > 59:
        return f"{amount(found[1])}比{amount(found[2])}"
    said = ("两" if hour == 2 else amount(str(hour))) + "点"
    if minute:
        said += ("零" if minute < 10 else "") + amount(str(minute)) + "分"
    return said


Say = Callable[[re.Match[str]], str]

_RULES: tuple[tuple[re.Pattern[str], Say], ...] = tuple(
    (re.compile(pattern), say)
    for pattern, say in (
        (r"(?<=\d),(?=\d{3}(?!\d))", lambda _m: ""),
        (r"(?<=[\u4e00-\u9fff])\s+(?=[\dA-Za-z])", lambda _m: ""),
        (r"(?<=[\dA-Za-z])\s+(?=[\u4e00-\u9fff])", lambda _m: ""),
        (rf"([¥$€£])\s*({_N})([万亿千百]*)元?", lambda m: m[2] + m[3] + _CURRENCIES[m[1]]),
        (r"(?<![\d.])(\d+)\.(\d)(\d?)(?=元|块)(元|块)", _money),
        (
            r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)",
            lambda m: f"{m[1]}年{int(m[2])}月{int(m[3])}日",
        ),
        (rf"({_N})%?\s*[-~–至到]\s*({_N})%", lambda m: f"{m[1]}%到{m[2]}%"),
        (rf"((?:{_NAMES})(?:是|为|:|：)?)\s*(\d[\d\s-]*\d)", lambda m: m[1] + telephone(m[2])),
        (
            r"(?<![\d.])\+?\d[\d -]{5,}\d(?![\d.]|\s*[%元块万亿个月日年期天人美欧])",
            lambda m: telephone(m[0]),
        ),
        (r"(\d:\d{2})\s*[-~–]\s*(?=\d{1,2}:\d{2})", lambda m: f"{m[1]}到"),
        (r"(?<!\d)(\d{1,2}):(\d{2})(?::\d{2})?(?!\d)", _time),
        (rf"({_N}):({_N})", lambda m: f"{amount(m[1])}比{amount(m[2])}"),
        (r"(?<!\d)(\d{4})年", lambda m: f"{digits(m[1])}年"),
        (rf"({_N})%", lambda m: f"百分之{amount(m[1])}"),
        (rf"({_N})‰", lambda m: f"千分之{amount(m[1])}"),
        (r"(?<!\d)(\d+)/(\d+)(?!\d)", lambda m: f"{amount(m[2])}分之{amount(m[1])}"),
        (r"(?<=\d)\s*[-~–]\s*(?=\d)", lambda _m: "到"),
        (r"(?<![\w])-(?=\d)", lambda _m: "负"),
        (rf"(?<![\d.第])2(?={_COUNTED}|[万亿千])", lambda _m: "两"),
        (_N, lambda m: amount(m[0])),
    )
)
