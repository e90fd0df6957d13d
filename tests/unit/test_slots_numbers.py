"""Numbers, amounts and terms in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialog.numbers import parse_en, parse_zh, words_en, words_zh
from daemon.dialog.slots import parse_amount, parse_number, parse_term, say_amount, say_term


@pytest.mark.parametrize(
    ("lang", "text", "months"),
    [
        ("zh", "十二期", 12),
        ("zh", "分12个月吧", 12),
        ("zh", "二十四期", 24),
        ("zh", "20四期", 24),
        ("zh", "12其", 12),
        ("zh", "我要六级", 6),
        ("zh", "半年", 6),
        ("zh", "一年半", 18),
        ("zh", "两年", 24),
        ("zh", "不要十二期，要六期", 6),
        ("zh", "我们一起吃饭", None),
        ("en", "twelve months", 12),
        ("en", "let's do 24 monthly instalments", 24),
        ("en", "over two years", 24),
        ("en", "a year and a half", 18),
        ("en", "half a year", 6),
        ("en", "I'll think about it", None),
    ],
)
def test_terms(lang, text, months):
    assert parse_term(text, lang) == months


@pytest.mark.parametrize(("lang", "text"), [("zh", "六"), ("zh", "那就6吧"), ("en", "six please")])
def test_a_number_alone_is_a_term_only_where_one_was_asked_for(lang, text):
    assert parse_term(text, lang) is None
    assert parse_term(text, lang, bare=True) == 6


@pytest.mark.parametrize(
    ("lang", "text", "amount"),
    [
        ("zh", "一万二", 12000),
        ("zh", "大概12000块", 12000),
        ("zh", "1.2万", 12000),
        ("zh", "三千五", 3500),
        ("zh", "三千零五", 3005),
        ("zh", "一万零二百", 10200),
        ("zh", "两百五", 250),
        ("en", "twelve thousand", 12000),
        ("en", "about 12,000 dollars", 12000),
        ("en", "12k", 12000),
        ("en", "one hundred and twenty", 120),
        ("en", "twelve hundred and fifty", 1250),
    ],
)
def test_amounts(lang, text, amount):
    assert parse_amount(text, lang) == amount


@given(st.integers(min_value=0, max_value=99_999_999))
def test_numbers_said_in_words_are_understood(number):
    assert parse_zh(words_zh(number)) == number
    assert parse_en(words_en(number)) == number


@given(st.integers(min_value=1, max_value=60))
def test_terms_and_amounts_said_back_are_understood(number):
    for lang in ("zh", "en"):
        assert parse_term(say_term(number, lang), lang) == number
        assert parse_amount(say_amount(number * 100, lang), lang) == number * 100
        assert parse_number(say_term(number, lang), lang) == number
