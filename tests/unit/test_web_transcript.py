"""The fold from events to turns, and what a page is sent of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from daemon.events import (
    CallEvent,
    Effected,
    Heard,
    HungUp,
    Interrupted,
    Partial,
    PickedUp,
    Pressed,
    Said,
    SaidEnd,
    SpeechStarted,
    Trouble,
)
from daemon.store.rows import EventRow
from daemon.web.transcript import Transcript
from tests.unit.web_samples import REFUSAL


def rows(events: tuple[CallEvent, ...] | list[CallEvent]) -> list[EventRow]:
    return [
        EventRow(10 + n, "call", n, event.at_ms, event.kind, event.payload())
        for n, event in enumerate(events)
    ]


def test_a_refusal_reads_as_it_was_spoken() -> None:
    transcript = Transcript(rows(REFUSAL))
    turns = [(t.who, t.text or t.intent, t.state, t.latency_ms) for t in transcript.turns]
    assert turns == [
        ("note", "", "done", None),
        ("us", "您好，请问是王女士吗？", "done", None),
        ("them", "是我", "done", None),
        ("us", "您的账单可以分期，想了解一下吗？", "cut", 550),
        ("them", "别再打了", "done", None),
        ("note", "别再打了", "done", None),
        ("us", "好的，不会再打扰您。", "done", 650),
        ("note", "do_not_call", "done", None),
        ("note", "us", "done", None),
    ]
    assert [t.interrupted for t in transcript.turns if t.who == "us"] == [False, True, False]
    assert (transcript.phase, transcript.outcome) == ("ended", "do_not_call")
    assert transcript.end["disposition"] == "answered"


def test_words_grow_within_one_turn_until_they_are_understood() -> None:
    events = [SpeechStarted(10), Partial(20, "明天"), Partial(30, "明天下午")]
    transcript = Transcript(rows(events))
    (turn,) = transcript.turns
    assert (turn.text, turn.state) == ("明天下午", "open")
    transcript.apply(EventRow(20, "call", 4, 40, *_heard("明天下午三点")))
    (turn,) = transcript.turns
    assert (turn.text, turn.state, turn.intent) == ("明天下午三点", "done", "call_back")


def _heard(text: str) -> tuple[str, dict[str, object]]:
    event = Heard(40, text, "call_back", "pattern", 0.9, 100.0)
    return event.kind, event.payload()


def test_a_cough_leaves_no_bubble_and_a_hang_up_cuts_what_sounds() -> None:
    cough = [SpeechStarted(10), Said(50, "请问您在吗？", "a", -1)]
    gone = HungUp(90, "answered", 200, "", None, None, "them")
    transcript = Transcript(rows([*cough, gone]))
    assert [(t.who, t.state) for t in transcript.turns] == [
        ("them", "empty"),
        ("us", "cut"),
        ("note", "done"),
    ]


texts = st.text(max_size=5)
tokens = st.sampled_from(["a", "b", "c"])
some_events = st.lists(
    st.one_of(
        st.just(PickedUp(0)),
        st.builds(SpeechStarted, st.just(1)),
        st.builds(Partial, st.just(1), texts),
        st.builds(Heard, st.just(1), texts, texts, texts, st.just(0.5), st.just(9.0)),
        st.builds(Pressed, st.just(1), st.sampled_from("0123456789*#"), texts),
        st.builds(Said, st.just(1), texts, tokens, st.integers(-1, 3000)),
        st.builds(SaidEnd, st.just(1), tokens, st.integers(0, 9), st.booleans()),
        st.builds(Interrupted, st.just(1), tokens),
        st.builds(Effected, st.just(1), texts, texts),
        st.builds(Trouble, st.just(1), texts),
        st.builds(HungUp, st.just(1), texts, st.none(), texts, st.none(), st.none(), texts),
    ),
    max_size=30,
)


@given(some_events, st.lists(st.integers(0, 30), max_size=6))
def test_a_page_that_is_sent_only_changes_shows_what_a_full_page_shows(
    events: list[CallEvent], looks: list[int]
) -> None:
    stored = rows(events)
    live, page, known = Transcript(), {}, 0
    for look in [*sorted(looks), len(stored)]:
        for row in stored[:look]:
            live.apply(row)
        page.update({turn.key: turn for turn in live.since(known)})
        known = live.rev
    assert list(page.values()) == Transcript(stored).turns
