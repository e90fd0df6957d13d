"""Moments as people say them, in both languages, and said back by us."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.dialog.slots import parse_when, resolve, say_when
from daemon.dialog.when import When

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=ZONE)  # a Wednesday

COMPLETE = [
    ("zh", "明天下午三点", "11-26 15:00"),
    ("zh", "明天下午3点", "11-26 15:00"),
    ("zh", "那就明天下午3:00吧", "11-26 15:00"),
    ("zh", "名天下午山点", "11-26 15:00"),
    ("zh", "明天酒店", "11-26 09:00"),
    ("zh", "后天上午十点半", "11-27 10:30"),
    ("zh", "周五十点", "11-27 10:00"),
    ("zh", "礼拜三下午两点", "12-02 14:00"),
    ("zh", "下周一上午九点一刻", "11-30 09:15"),
    ("zh", "下个星期二下午四点二十", "12-01 16:20"),
    ("zh", "11月30号下午2点", "11-30 14:00"),
    ("zh", "二十号上午十点", "12-20 10:00"),
    ("zh", "今天八点", "11-25 20:00"),
    ("zh", "今晚七点半", "11-25 19:30"),
    ("zh", "明早九点", "11-26 09:00"),
    ("zh", "明天中午十二点", "11-26 12:00"),
    ("zh", "明天差一刻三点", "11-26 14:45"),
    ("zh", "半小时以后", "11-25 15:30"),
    ("zh", "过两个半小时再打", "11-25 17:30"),
    ("zh", "二十分钟后", "11-25 15:20"),
    ("zh", "三天以后上午十点", "11-28 10:00"),
    ("zh", "不是明天，是后天下午三点", "11-27 15:00"),
    ("en", "Friday at ten", "11-27 10:00"),
    ("en", "tomorrow at half past three", "11-26 15:30"),
    ("en", "in two hours", "11-25 17:00"),
    ("en", "half an hour from now", "11-25 15:30"),
    ("en", "the 30th at 4 pm", "11-30 16:00"),
    ("en", "the 20th at 4 p.m.", "12-20 16:00"),
    ("en", "next Monday at nine in the morning", "11-30 09:00"),
    ("en", "Wednesday at 10 o'clock", "12-02 10:00"),
    ("en", "tonight at eight", "11-25 20:00"),
    ("en", "today at eight", "11-25 20:00"),
    ("en", "tomorrow at 3:30 p.m.", "11-26 15:30"),
    ("en", "tomorrow at ate", "11-26 20:00"),
    ("en", "quarter to five on Thursday", "11-26 16:45"),
    ("en", "December 1st at noon", "12-01 12:00"),
    ("en", "the day after tomorrow, ten thirty", "11-27 10:30"),
    ("en", "in an hour and a half", "11-25 16:30"),
    ("en", "a week from today at 9 am", "12-02 09:00"),
    ("en", "not tomorrow, Friday at two", "11-27 14:00"),
]
PARTIAL = [
    ("zh", "晚上八点", "date"),
    ("zh", "下午三点吧", "date"),
    ("zh", "下周一", "time"),
    ("zh", "明天下午", "time"),
    ("zh", "周末吧", "time"),
    ("zh", "明天有一点忙", "time"),
    ("en", "at ten", "date"),
    ("en", "10 o'clock", "date"),
    ("en", "next Monday morning", "time"),
    ("en", "tomorrow", "time"),
    ("en", "maybe on the weekend", "time"),
]
NOTHING = [
    ("zh", "手续费多少"),
    ("zh", "我考虑一下"),
    ("zh", "分十二期"),
    ("en", "how much is it for twelve months"),
    ("en", "I'm not interested"),
    ("en", "one moment"),
]


@pytest.mark.parametrize(("lang", "text", "expected"), COMPLETE)
def test_complete(lang, text, expected):
    when = parse_when(text, NOW, lang)
    assert when is not None
    assert resolve(when, NOW) == datetime.strptime(f"2026-{expected}", "%Y-%m-%d %H:%M").replace(
        tzinfo=ZONE
    )


@pytest.mark.parametrize(("lang", "text", "missing"), PARTIAL)
def test_partial(lang, text, missing):
    when = parse_when(text, NOW, lang)
    assert when is not None
    assert when.missing == missing
    assert resolve(when, NOW) is None


@pytest.mark.parametrize(("lang", "text"), NOTHING)
def test_nothing(lang, text):
    assert parse_when(text, NOW, lang) is None


@pytest.mark.parametrize(
    ("lang", "said", "expected"),
    [
        ("zh", ["明天下午", "三点"], "11-26 15:00"),
        ("zh", ["晚上", "八点", "星期五"], "11-27 20:00"),
        ("zh", ["十点", "明天"], "11-26 10:00"),
        ("zh", ["明天下午三点", "四点"], "11-26 16:00"),
        ("zh", ["明天下午三点", "后天吧"], "11-27 15:00"),
        ("zh", ["明天下午三点", "上午九点"], "11-26 09:00"),
        ("en", ["tomorrow afternoon", "three"], "11-26 15:00"),
        ("en", ["Friday", "in the evening", "seven"], "11-27 19:00"),
        ("en", ["at ten", "tomorrow"], "11-26 10:00"),
        ("en", ["tomorrow at three", "make it four o'clock"], "11-26 16:00"),
    ],
)
def test_said_in_several_turns(lang, said, expected):
    when = When()
    for text in said:
        when = when.then(parse_when(text, NOW, lang, bare=True) or When())
    assert resolve(when, NOW) == datetime.strptime(f"2026-{expected}", "%Y-%m-%d %H:%M").replace(
        tzinfo=ZONE
    )


MINUTES = st.integers(min_value=1, max_value=60 * 24 * 60)
STARTS = st.datetimes(
    min_value=datetime(2026, 1, 1), max_value=datetime(2030, 12, 31), timezones=st.just(ZONE)
)


@pytest.mark.parametrize("lang", ["zh", "en"])
@settings(max_examples=300, deadline=None)
@given(now=STARTS, ahead=MINUTES)
def test_what_we_say_back_means_the_same_moment(lang, now, ahead):
    at = now.replace(second=0, microsecond=0) + timedelta(minutes=ahead)
    words = say_when(at, now, lang)
    assert not any(char.isdigit() for char in words)
    when = parse_when(words, now, lang)
    assert when is not None, words
    assert resolve(when, now) == at, words


@pytest.mark.parametrize("lang", ["zh", "en"])
@settings(max_examples=200, deadline=None)
@given(now=STARTS, text=st.sampled_from([text for _, text, _ in COMPLETE]))
def test_a_moment_is_never_past(lang, now, text):
    when = parse_when(text, now, lang)
    at = resolve(when, now) if when else None
    assert at is None or at > now
