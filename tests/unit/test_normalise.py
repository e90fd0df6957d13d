"""Text as it is spoken."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tts.normalise import normalise

CHINESE = {
    "共12,000元": "共一万二千元",
    "¥12,000": "一万二千元",
    "￥3450.5": "三千四百五十元五角",
    "$20": "二十美元",
    "¥1.2万": "一点二万元",
    "100.05元": "一百元零五分",
    "9.99元": "九元九角九分",
    "0.50元": "五角",
    "每期手续费率0.6%，": "每期手续费率百分之零点六，",
    "10-15%": "百分之十到百分之十五",
    "5‰": "千分之五",
    "2026-11-03": "二零二六年十一月三日",
    "11月23日15:00": "十一月二十三日十五点",
    "下午3:05": "下午三点零五分",
    "9:00-17:30": "九点到十七点三十分",
    "2026年": "二零二六年",
    "电话10086": "电话幺零零八六",
    "尾号 6222 的卡": "尾号六二二二的卡",
    "+86 100 0000 0100": "八六，幺零零，零零零零，零幺零零",
    "3-5个工作日": "三到五个工作日",
    "2个": "两个",
    "第2期": "第二期",
    "2万": "两万",
    "20000元": "两万元",
    "10203": "一万零二百零三",
    "110": "一百一十",
    "1/3": "三分之一",
    "-5度": "负五度",
    "１２期": "十二期",
    "您好，王先生。": "您好，王先生。",
}

ENGLISH = {
    "$3,450.50": "three thousand four hundred fifty dollars and fifty cents",
    "$12,000": "twelve thousand dollars",
    "$1.01": "one dollar and one cent",
    "$0.99": "ninety nine cents",
    "$1.2 million": "one point two million dollars",
    "£20": "twenty pounds",
    "It is 0.6% a month.": "It is zero point six percent a month.",
    "2026-11-23": "November twenty third, twenty twenty six",
    "November 23, 2026.": "November twenty third, twenty twenty six.",
    "May 5th at 10": "May fifth at ten",
    "15:00": "three p.m.",
    "3:30 pm": "three thirty p.m.",
    "at 9:05": "at nine oh five",
    "9:00": "nine o'clock",
    "call 10086": "call one zero zero eight six",
    "ending in 6222": "ending in six two two two",
    "+1 202 555 0123": "one, two zero two, five five five, zero one two three",
    "3-5 days": "three to five days",
    "in 1999": "in nineteen ninety nine",
    "3/4": "three quarters",
    "the 1st": "the first",
    "12,000 people": "twelve thousand people",
    "007": "zero zero seven",
    "What's the fee?": "What's the fee?",
}


@pytest.mark.parametrize(("written", "spoken"), CHINESE.items())
def test_chinese(written, spoken):
    assert normalise(written, "zh") == spoken


@pytest.mark.parametrize(("written", "spoken"), ENGLISH.items())
def test_english(written, spoken):
    assert normalise(written, "en") == spoken


WRITTEN = st.text(alphabet="0123456789,.:%-/ ¥$元月日年万个a第号", max_size=24)


@given(WRITTEN)
def test_no_digit_is_left_and_nothing_fails(written):
    for lang in ("zh", "en"):
        assert not re.search(r"[0-9]", normalise(written, lang))


def test_another_language_is_left_alone():
    assert normalise("3개", "ko") == "3개"
