"""Every simulated customer who answers, as text in virtual time, reaches the right outcome."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.dialog.engine import Engine
from daemon.dialog.reply import CallBack, DoNotCall, Key, Silence, TransferRequest, Words
from daemon.dialog.scenario import load_scenario
from hw.sim import personas

PEOPLE = personas.load_personas(Path(personas.__file__).parent / "people")
NOW = datetime(2026, 11, 23, 11, 0, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Monday
EXPECTED = {
    "accepts": "accepted",
    "asks-then-callback": "call_back",
    "do-not-call": "do_not_call",
    "interrupts": "refused",
    "silent": "no_response",
    "suspicious": "refused",
    "keys": "accepted",
    "voicemail": "voicemail",
    "wrong-person": "wrong_person",
    "driving": "call_back",
    "wants-colleague": "transfer",
    "relative": "third_party",
    "six-months": "accepted",
}
MOMENTS = {
    "asks-then-callback-zh": datetime(2026, 11, 24, 15, 0, tzinfo=NOW.tzinfo),
    "asks-then-callback-en": datetime(2026, 11, 27, 10, 0, tzinfo=NOW.tzinfo),
    "driving-zh": datetime(2026, 11, 27, 11, 0, tzinfo=NOW.tzinfo),
    "driving-en": datetime(2026, 11, 24, 16, 0, tzinfo=NOW.tzinfo),
}
EFFECTS = {"do_not_call": DoNotCall, "transfer": TransferRequest, "call_back": CallBack}


def play(persona):
    """Talk to a persona without sound; all replies and the inputs nobody waited for."""
    engine = Engine(load_scenario("finance/credit_card_installment", persona.lang), persona.lang)
    heard = [Key(turn.press) if turn.press else Words(turn.say) for turn in persona.turns]
    if persona.answer.greeting:
        heard = [Words(persona.answer.greeting)]
    replies = [engine.open({"name": "Sam Example"}, NOW)]
    while not replies[-1].hangup:
        given = heard.pop(0) if heard else Silence()
        replies.append(engine.respond(replies[-1].state, given, NOW + timedelta(seconds=9)))
    return replies, heard


@pytest.mark.parametrize(
    "persona",
    [each for each in PEOPLE if each.name[:-3] in EXPECTED],
    ids=lambda persona: persona.name,
)
def test_outcome(persona):
    replies, left_over = play(persona)
    outcome = EXPECTED[persona.name[:-3]]
    assert replies[-1].state.outcome == outcome, [(r.intent, r.state.step) for r in replies]
    assert not left_over, "the call ended before the customer had said everything"
    effects = [effect for reply in replies for effect in reply.effects]
    assert [type(effect) for effect in effects] == (
        [EFFECTS[outcome]] if outcome in EFFECTS else []
    )
    if persona.name in MOMENTS:
        assert effects == [CallBack(MOMENTS[persona.name])]
    if persona.name.startswith("six-months"):
        assert replies[-1].state.slots["term"] == 6


def test_every_situation_exists_in_both_languages():
    by_lang = {
        lang: {each.name[:-3] for each in PEOPLE if each.lang == lang} for lang in ("zh", "en")
    }
    assert by_lang["zh"] == by_lang["en"]
    assert set(EXPECTED) | {"never-answers", "busy", "rejects", "hangs-up"} <= by_lang["zh"]
