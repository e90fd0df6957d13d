"""What Whisper makes up is not passed on; what people say is."""

import pytest

from models.asr import guards
from models.asr.text import clean

SURE = {"no_speech": 0.05, "mean_log_probability": -0.4}


@pytest.mark.parametrize(
    "text", ["对对对", "好的好的", "不要不要", "我要13800000000", "不是，我不是"]
)
def test_how_people_repeat_themselves_is_kept(text):
    assert guards.believable(text, "zh", 3.0, **SURE) == text


@pytest.mark.parametrize(
    ("heard", "lang", "kept"),
    [
        ("请问你是机器人吗，请问你是机器人吗，请问你是", "zh", "请问你是机器人吗"),
        ("对我是" * 9, "zh", "对我是" * 2),
        ("啊" * 20, "zh", "啊" * 3),
        ("Press one to send. Press one to send. Press", "en", "Press one to send."),
        ("The echo test has been completed.", "en", "The echo test has been completed."),
        ("no, no", "en", "no, no"),
    ],
)
def test_an_echo_is_cut(heard, lang, kept):
    assert guards.believable(heard, lang, 4.0, **SURE) == kept


def test_more_than_can_be_said_in_the_time_is_cut():
    text = "一二三四五六七八九十甲乙丙丁戊己庚辛壬癸子丑寅卯"
    assert guards.believable(text, "zh", 1.0, **SURE) == text[:17]
    assert guards.believable(text, "zh", 4.0, **SURE) == text


def test_silence_and_film_credits_are_nothing():
    assert guards.believable("我", "zh", 2.0, no_speech=0.62, mean_log_probability=-1.2) == ""
    assert guards.believable("我", "zh", 2.0, no_speech=0.1, mean_log_probability=-2.0) == ""
    assert guards.believable("我", "zh", 2.0, no_speech=0.73, mean_log_probability=-0.3) == "我"
    assert guards.believable("请不吝点赞订阅", "zh", 3.0, **SURE) == ""


@pytest.mark.parametrize(
    ("heard", "lang", "text"),
    [
        (" 請問 這個手續費怎麼算？", "zh", "请问这个手续费怎么算"),
        ("好的。再见！", "zh", "好的，再见"),
        ("手续费0.6%吗?", "zh", "手续费0.6%吗"),
        (" Stop  calling me. ", "en", "Stop calling me."),
        ("...", "zh", ""),
    ],
)
def test_text_is_brought_into_one_form(heard, lang, text):
    assert clean(heard, lang) == text
