"""The engine as a pure function: what must hold for every conversation."""

from datetime import datetime
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.dialog.engine import Engine
from daemon.dialog.reply import (
    CallBack,
    DoNotCall,
    Expects,
    Key,
    Silence,
    TransferRequest,
    Unclear,
    Words,
)
from daemon.dialog.scenario import load_scenario
from daemon.errors import ScenarioError

NOW = datetime(2026, 11, 23, 11, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LANGS = pytest.mark.parametrize("lang", ["zh", "en"])
YES = {"zh": "是的", "en": "yes"}
SECRET = {"zh": ("账单", "分期", "手续费"), "en": ("bill", "instalment", "fee", "card bill")}
LINES = {
    "zh": "你是谁|什么事|利息多少|我在开会|明天下午三点|三点|明天|他在开会吗|你是机器人吗|骗子吧|"
    "再说一遍|等一下|考虑一下|喂|谢谢|能分几期|怎么办理|天气不错|不对|好|分六期|分九期|四点",
    "en": "who are you|what is this about|how much is the fee|I'm busy|tomorrow at three|at ten|"
    "Friday|are you a robot|is this a scam|say that again|hold on|let me think|hello|thanks|"
    "how many months|how does it work|nice weather|that's wrong|okay|six months|nine months",
}


@cache
def engine(lang):
    return Engine(load_scenario("finance/credit_card_installment", lang), lang)


def talk(lang, *inputs, lead=None):
    """The replies to inputs; text is words, `#1` a key, `_` silence, `?` unclear."""
    special = {"_": Silence(), "?": Unclear()}
    replies = [engine(lang).open(lead or {}, NOW)]
    for given_ in inputs:
        heard = Key(given_[1]) if given_[0] == "#" else special.get(given_, Words(given_))
        replies.append(engine(lang).respond(replies[-1].state, heard, NOW))
    return replies


def spoken(reply):
    return " ".join(sentence.text for sentence in reply.say)


@LANGS
def test_opening_discloses_what_the_law_wants_and_cannot_be_interrupted(lang):
    reply = engine(lang).open({"name": "Kim Example"}, NOW)
    fixed = [sentence for sentence in reply.say if not sentence.interruptible]
    wanted = {
        "zh": ("自动", "合成", "录音", "按九"),
        "en": ("automated", "computer voice", "record", "opt"),
    }
    assert all(word in " ".join(s.text for s in fixed) for word in wanted[lang])
    assert all(sentence.cached for sentence in fixed)
    question = reply.say[-1]
    assert "Kim Example" in question.text
    assert (question.interruptible, question.cached) == (True, False)
    assert (reply.expects, reply.layer, reply.hangup) == (Expects.YES_NO, "opening", False)


@LANGS
def test_without_a_name_the_opening_is_rendered_ahead(lang):
    reply = engine(lang).open({}, NOW)
    assert all(sentence.cached for sentence in reply.say)
    assert {s.text for s in reply.say} <= set(engine(lang).cached_sentences())
    assert not any("{" in text for text in engine(lang).cached_sentences())


@LANGS
def test_silence_is_met_by_two_other_wordings_then_goodbye(lang):
    first, second, third = talk(lang, YES[lang], "_", "_", "_")[2:]
    assert len({spoken(first), spoken(second), spoken(third)}) == 3
    assert [r.hangup for r in (first, second, third)] == [False, False, True]
    assert third.state.outcome == "no_response"
    assert {r.layer for r in (first, second, third)} == {"silence"}


@LANGS
def test_what_is_not_understood_is_asked_back_then_by_keys_then_ended(lang):
    nonsense = {"zh": "今天天气真蓝", "en": "purple elephants dance"}[lang]
    first, second, third = talk(lang, YES[lang], nonsense, "?", nonsense)[2:]
    assert {"zh": "按一", "en": "Press one"}[lang] in spoken(second)
    assert third.hangup
    assert third.state.outcome == "not_understood"
    assert {r.layer for r in (first, second, third)} == {"fallback"}
    again = talk(lang, YES[lang], "?", "?", YES[lang])
    assert again[-1].state.unclears == 0


@LANGS
@pytest.mark.parametrize("path", [[], ["#1"], ["#1", "#1"], ["#0", "?"], ["_", "?", "#1"]])
def test_nine_is_do_not_call_anywhere(lang, path):
    reply = talk(lang, *path, "#9")[-1]
    assert reply.effects == (DoNotCall("key 9"),)
    assert (reply.state.outcome, reply.hangup) == ("do_not_call", True)


@LANGS
def test_do_not_call_is_honoured_while_goodbye_is_being_said(lang):
    no, stop = {"zh": ("不需要", "以后别再打了"), "en": ("not interested", "don't call again")}[
        lang
    ]
    refused, stopped, after = talk(lang, YES[lang], no, stop, stop)[2:]
    assert (refused.state.outcome, refused.hangup) == ("refused", True)
    assert stopped.effects == (DoNotCall(stop),)
    assert stopped.state.outcome == "do_not_call"
    assert (after.effects, after.say, after.hangup) == ((), (), True)


@LANGS
def test_star_repeats_what_was_said_last(lang):
    fee = {"zh": "利息多少", "en": "how much is the fee"}[lang]
    answer, repeated = talk(lang, YES[lang], fee, "#*")[2:]
    assert repeated.say == answer.say


@LANGS
def test_zero_asks_for_a_colleague_with_what_was_said(lang):
    words = {"zh": "我要找你们经理", "en": "let me speak to a manager"}[lang]
    assert talk(lang, "#0")[-1].effects == (TransferRequest("key 0"),)
    assert talk(lang, YES[lang], words)[-1].effects == (TransferRequest(words),)


@LANGS
def test_a_question_and_a_yes_in_one_breath_are_both_heard(lang):
    words = {"zh": "是我，你哪位？", "en": "Yes, who's calling?"}[lang]
    reply = talk(lang, words)[-1]
    assert {"zh": "语音助手", "en": "assistant"}[lang] in spoken(reply)
    assert reply.state.step == "offer"


@LANGS
def test_a_term_that_is_not_on_offer_is_refused_with_what_is(lang):
    words = {"zh": "分九期", "en": "nine months"}[lang]
    reply = talk(lang, YES[lang], words)[-1]
    assert reply.state.step == "offer"
    assert {"zh": "二十四", "en": "twenty-four"}[lang] in spoken(reply)
    assert "term" not in reply.state.slots


def test_choosing_the_term_by_key():
    replies = talk("zh", "#1", "#1", "#2", "#4", "#1")
    assert [reply.state.step for reply in replies[3:5]] == ["choose_term", "confirm_plan"]
    assert "二十四期" in spoken(replies[4])
    assert replies[-1].state.outcome == "accepted"


def test_call_back_time_may_come_with_the_wish_in_parts_and_be_corrected():
    replies = talk("zh", "我在开车，明天再打给我吧", "下午三点", "不对，四点", "明天下午四点，对")
    assert [reply.state.step for reply in replies[1:4]] == [
        "when_time",
        "confirm_when",
        "confirm_when",
    ]
    assert "明天下午四点" in spoken(replies[3])
    assert replies[-1].effects == (CallBack(datetime(2026, 11, 24, 16, 0, tzinfo=NOW.tzinfo)),)


@LANGS
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_about_the_bill_is_said_before_the_right_person_confirmed(lang, data):
    pool = st.sampled_from([*LINES[lang].split("|"), "#*", "#5", "_", "?", "#2"])
    for reply in talk(lang, *data.draw(st.lists(pool, max_size=12))):
        if reply.state.slots.get("verified"):
            break
        assert not any(word in spoken(reply) for word in SECRET[lang]), spoken(reply)


@LANGS
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_every_conversation_ends_and_each_reply_is_sound(lang, data):
    pool = st.sampled_from([*LINES[lang].split("|"), "_", "?", "#1", "#2", "#*", "#7", YES[lang]])
    inputs = data.draw(st.lists(pool, min_size=45, max_size=45))
    replies = talk(lang, *inputs)
    ahead = set(engine(lang).cached_sentences())
    assert replies == talk(lang, *inputs), "the engine must be a pure function"
    for before, reply in pairwise(replies):
        assert not before.hangup or reply.hangup
        assert bool(reply.state.outcome) == reply.hangup
        assert (reply.expects == Expects.NOTHING) == reply.hangup
        assert all(sentence.text in ahead for sentence in reply.say if sentence.cached)
        assert not any("{" in sentence.text for sentence in reply.say)
    assert replies[-1].hangup


def test_wrong_language_is_refused():
    with pytest.raises(ScenarioError, match="load_scenario"):
        Engine(load_scenario("finance/credit_card_installment", "zh"), "en")
