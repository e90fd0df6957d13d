"""Turn detection on probabilities written by hand, 32 ms a chunk."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.call.turns import (
    FalseStart,
    Paused,
    Resumed,
    Sign,
    TurnDetector,
    TurnEnded,
    TurnSettings,
    VoiceBegan,
    VoiceHolds,
)
from daemon.dialog.reply import Expects

CHUNK_MS = 32
SETTINGS = TurnSettings(
    speculate_after_ms=160,
    endpoint_ms={expects: 420 for expects in Expects} | {Expects.YES_NO: 320},
    barge_in_ms=260,
)


def run(pattern: str, expects: Expects = Expects.OPEN) -> list[tuple[int, Sign]]:
    """`#` is voice, `.` is silence; returns signs with the chunk they came in."""
    detector = TurnDetector(SETTINGS)
    detector.expects = expects
    signs = []
    for number, mark in enumerate(pattern):
        probability = 0.95 if mark == "#" else 0.02
        for sign in detector.feed((number + 1) * CHUNK_MS, CHUNK_MS, probability):
            signs.append((number, sign))
    return signs


def kinds(pattern: str, expects: Expects = Expects.OPEN) -> list[type]:
    return [type(sign) for _, sign in run(pattern, expects)]


def test_a_turn_is_recognised_on_suspicion_before_it_ends() -> None:
    signs = run("..##########" + "." * 20)
    assert [type(sign) for _, sign in signs] == [VoiceBegan, VoiceHolds, Paused, TurnEnded]
    assert signs[0][1] == VoiceBegan(64)
    assert signs[-1][1] == TurnEnded(12 * CHUNK_MS)


def test_going_on_after_a_pause_is_the_same_turn() -> None:
    signs = kinds("#####" + "." * 7 + "#####" + "." * 20)
    assert signs == [VoiceBegan, Paused, Resumed, VoiceHolds, Paused, TurnEnded]


def test_an_answer_to_a_yes_or_no_question_ends_sooner() -> None:
    ends = {e: run("##########" + "." * 30, e)[-1][0] for e in (Expects.YES_NO, Expects.OPEN)}
    assert ends[Expects.YES_NO] < ends[Expects.OPEN]


def test_a_click_is_not_speech() -> None:
    assert kinds("#" + "." * 20) == []
    assert kinds("##" + "." * 20)[-1] is FalseStart


@given(st.text(alphabet="#.", max_size=300))
def test_every_turn_that_begins_ends_once(pattern: str) -> None:
    signs = kinds(pattern + "." * 40)
    begun = signs.count(VoiceBegan)
    assert begun == signs.count(TurnEnded) + signs.count(FalseStart)
    assert signs.count(Resumed) <= signs.count(Paused)
