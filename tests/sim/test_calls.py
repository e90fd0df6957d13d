"""Whole calls: real SIP, RTP, codec, recogniser, dialogue, voices and database.

Only the people are simulated. The models are those that `branchline models pull` fetched.
"""

import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from daemon import demo, paths
from daemon.app import Box, CallOrder
from daemon.call.result import CallResult
from daemon.campaign.why import explain
from daemon.config import Config
from daemon.dialler import Dialler
from daemon.rehearsal import LINE, Rehearsal, people, render_voices, voices_dir
from hw.base import Disposition
from hw.sim.personas import Persona
from models.registry import Registry
from models.tts import load_synthesiser

SCENARIO = "finance/credit_card_installment"
LANGS = ("zh", "en")
CALLED = ("accepts", "keys", "hangs-up", "busy", "rejects", "unknown-number", "voicemail", "silent")


@pytest.fixture(scope="module")
def personas(module_state: Path) -> list[Persona]:
    """Everybody, their lines rendered."""
    registry = Registry(None, paths.models_dir())
    found = people(LANGS)
    render_voices(found, lambda lang: load_synthesiser(registry, lang), voices_dir())
    return found


@pytest.fixture(scope="module")
def box(personas: list[Persona]) -> Iterator[Box]:
    """A box with four channels that lead to the simulated people."""
    with Rehearsal(personas, Config(), channels=4) as started:
        started.prepare([(SCENARIO, lang) for lang in LANGS])
        yield started


@pytest.fixture(scope="module")
def results(box: Box, personas: list[Persona]) -> dict[str, CallResult]:
    """One call to each kind of person in Mandarin, four at a time."""
    called = [p for p in personas if p.name in {f"{name}-zh" for name in CALLED}]

    def call(persona: Persona) -> CallResult:
        return box.place(CallOrder(persona.number, SCENARIO, "zh", {"name": "李明"}), LINE)

    with ThreadPoolExecutor(4) as callers:
        found = dict(zip((p.name for p in called), callers.map(call, called), strict=True))
    return found


@pytest.mark.parametrize(
    ("name", "disposition", "outcome"),
    [
        ("accepts-zh", Disposition.ANSWERED, "accepted"),
        ("keys-zh", Disposition.ANSWERED, "accepted"),
        ("hangs-up-zh", Disposition.ANSWERED, "hung_up"),
        ("silent-zh", Disposition.ANSWERED, "no_response"),
        ("busy-zh", Disposition.BUSY, ""),
        ("rejects-zh", Disposition.REJECTED, ""),
        ("unknown-number-zh", Disposition.INVALID, ""),
        ("voicemail-zh", Disposition.VOICEMAIL, ""),
    ],
)
def test_how_each_call_ends(
    results: dict[str, CallResult], name: str, disposition: Disposition, outcome: str
) -> None:
    result = results[name]
    assert (result.disposition, result.outcome) == (disposition, outcome), result.turns


def test_a_conversation_is_in_the_database_as_it_was_spoken(
    box: Box, results: dict[str, CallResult]
) -> None:
    result = results["accepts-zh"]
    row = box.store.call(result.call_id)
    assert (row.disposition, row.outcome) == ("answered", "accepted")
    assert row.raw["status"] == 200
    events = box.store.events(result.call_id)
    kinds = [event.kind for event in events]
    assert kinds[0] == "dialled"
    assert kinds[-1] == "hung_up"
    for wanted in ("rang", "picked_up", "said", "speech_started", "heard", "concluded"):
        assert wanted in kinds
    times = [event.at_ms for event in events if event.kind in ("said", "heard")]
    assert times == sorted(times)
    assert result.turns[0].who == "us"
    assert any(turn.who == "them" and turn.intent == "affirm" for turn in result.turns)


def test_the_recording_has_both_sides_each_in_its_channel(
    box: Box, results: dict[str, CallResult]
) -> None:
    result = results["accepts-zh"]
    row = box.store.call(result.call_id)
    assert row.recording is not None
    with wave.open(row.recording) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert abs(len(both) / 8 - result.duration_ms) <= 200
    for event in box.store.events(result.call_id):
        start = event.at_ms * 8
        if event.kind == "said" and event.at_ms + 500 < result.duration_ms:
            span = both[start : start + 4000].astype(float)
            assert span[:, 0].std() > 100, "our sentence is not in our channel"
            assert span[:, 1].std() < 100, "the far end was silent while we spoke"


def test_whoever_never_answers_is_let_go(box: Box, personas: list[Persona]) -> None:
    never = next(p for p in personas if p.name == "never-answers-en")
    result = box.place(CallOrder(never.number, SCENARIO, "en"), LINE)
    assert result.disposition == Disposition.NO_ANSWER
    assert result.raw.last_provisional == 180


def test_a_campaign_honours_a_refusal_at_once_and_for_good(
    box: Box, personas: list[Persona]
) -> None:
    chosen = [p for p in personas if p.name in ("do-not-call-en", "asks-then-callback-en")]
    refuser = next(p for p in chosen if p.name == "do-not-call-en")
    demo.enlist(box.store, chosen)
    called = demo.run(box, lambda _call, _event: None)
    outcomes = {lead.fields["persona"]: call.outcome for lead, call in called}
    heard = [
        event.payload
        for _, call in called
        for event in box.store.events(call.id)
        if event.kind == "heard"
    ]
    assert outcomes == {
        "do-not-call-en": "do_not_call",
        "asks-then-callback-en": "call_back",
    }, heard
    refused = box.store.do_not_call(refuser.number)
    assert refused is not None
    events = box.store.events(str(refused.call_id))
    over = next(event.at_ms for event in events if event.kind == "hung_up")
    assert refused.at_ms is not None
    assert refused.at_ms < over, "the refusal is written before the call ends"
    demo.enlist(box.store, chosen)
    assert [skipped.number for skipped in demo.skipped(box.store, box)] == [refuser.number]
    why = explain(box.store, box.config.campaign, refuser.number, box.clock.now())
    assert "do-not-call" in str(why)
    assert str(refused.call_id) in str(why)


def test_a_full_disk_stops_dialling_and_loses_nothing(box: Box, personas: list[Persona]) -> None:
    chosen = [p for p in personas if p.name == "accepts-en"]
    demo.enlist(box.store, chosen)
    storage = box.config.storage.model_copy(update={"min_free_mb": 10**9})
    normal, box.config = box.config, box.config.model_copy(update={"storage": storage})
    try:
        dialler = Dialler(box)
        dialler.start()
        dialler.stop()
        assert dialler.join(20.0)
    finally:
        box.config = normal
    lead = next(lead for lead in box.store.leads_with(chosen[0].number))
    assert (lead.state, lead.attempts) == ("waiting", 0)


def test_a_recording_that_cannot_be_written_does_not_end_the_call(
    box: Box, personas: list[Persona]
) -> None:
    hasty = next(p for p in personas if p.name == "hangs-up-en")
    directory = paths.recordings_dir()
    aside = directory.rename(directory.with_name("aside"))
    directory.write_text("in the way")
    try:
        result = box.place(CallOrder(hasty.number, SCENARIO, "en"), LINE)
    finally:
        directory.unlink()
        aside.rename(directory)
    assert (result.disposition, result.outcome) == (Disposition.ANSWERED, "hung_up")
    assert any("cannot write the recording" in what for what in result.trouble)
    assert box.store.call(result.call_id).recording is None
