"""The call core on text in virtual time, with the real engine and scenario."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.call import signals as sig
from daemon.call.core import CallCore, CallState
from daemon.dialog.engine import Engine
from daemon.dialog.reply import CallBack, DoNotCall, Utterance
from daemon.dialog.scenario import load_scenario
from daemon.events import CallEvent, Concluded, Heard, Interrupted, Said
from hw.base import Disposition, Raw

ENGINE = Engine(load_scenario("finance/credit_card_installment", "zh"), "zh")
START = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SENTENCE_MS = 1500


@dataclass
class VirtualCall:
    """Plays every sentence in virtual time and keeps what the core ordered."""

    state: CallState = field(default_factory=CallState)
    now_ms: int = 0
    queue: list[tuple[str, Utterance]] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)
    effects: list[object] = field(default_factory=list)
    hung_up: bool = False
    core: CallCore = field(default_factory=lambda: CallCore(ENGINE, {"name": "李明"}))

    def feed(self, event: sig.CoreInput) -> None:
        now = START + timedelta(milliseconds=self.now_ms)
        self.state, actions = self.core.step(self.state, event, now)
        for action in actions:
            match action:
                case sig.Say():
                    self.queue.append((action.token, action.utterance))
                case sig.StopSound():
                    cut, self.queue = self.queue, []
                    for token, _ in cut:
                        self.feed(sig.SoundEnded(self.now_ms, token, 100, False))
                case sig.Note():
                    self.events.append(action.event)
                case sig.Carry():
                    self.effects.append(action.effect)
                case sig.HangUp():
                    self.hung_up = True
                case sig.Listen():
                    pass

    def play_one(self) -> None:
        token, _ = self.queue[0]
        self.feed(sig.SoundBegan(self.now_ms, token))
        self.now_ms += SENTENCE_MS
        self.queue.pop(0)
        self.feed(sig.SoundEnded(self.now_ms, token, SENTENCE_MS, True))

    def play(self) -> None:
        while self.queue:
            self.play_one()

    def speak(self, text: str, length_ms: int = 900) -> None:
        self.feed(sig.VoiceOnset(self.now_ms))
        self.now_ms += length_ms
        end_ms = self.now_ms
        self.now_ms += 400
        self.feed(sig.VoiceOver(self.now_ms, end_ms))
        self.feed(sig.Recognised(self.now_ms, end_ms, text, 0.9, 120.0))

    def wait(self, ms: int) -> None:
        for _ in range(ms // 100):
            self.now_ms += 100
            self.feed(sig.Tick(self.now_ms))

    def end(self) -> str:
        self.feed(sig.LegOver(self.now_ms, Disposition.ANSWERED, Raw(200, ended_by="us")))
        return next(e.outcome for e in self.events if isinstance(e, Concluded))

    def said(self) -> str:
        return " ".join(event.text for event in self.events if isinstance(event, Said))


def answered() -> VirtualCall:
    call = VirtualCall()
    call.feed(sig.PickUp(0))
    return call


def test_acceptance_from_greeting_to_hang_up() -> None:
    call = answered()
    call.play()
    for words in ("是我", "需要", "可以"):
        call.speak(words)
        call.play()
    call.wait(1000)
    assert call.hung_up
    assert call.end() == "accepted"
    latencies = [event.latency_ms for event in call.events if isinstance(event, Said)]
    assert latencies.count(400) == 3, "the first sentence of each reply is timed, no other"


def test_the_disclosure_cannot_be_interrupted_but_is_answered_afterwards() -> None:
    call = answered()
    call.feed(sig.SoundBegan(0, call.queue[0][0]))
    call.feed(sig.VoiceOnset(100))
    call.feed(sig.BargeIn(400))
    assert not any(isinstance(event, Interrupted) for event in call.events)
    call.speak("别再打了")
    assert not call.effects, "the opening is heard out first"
    call.play()
    assert [type(effect) for effect in call.effects] == [DoNotCall]
    call.wait(1000)
    assert call.hung_up
    assert call.end() == "do_not_call"


def test_a_refusal_counts_even_if_they_hang_up_during_the_disclosure() -> None:
    call = answered()
    call.feed(sig.SoundBegan(0, call.queue[0][0]))
    call.speak("不要再给我打电话了")
    assert call.end() == "do_not_call"
    assert [type(effect) for effect in call.effects] == [DoNotCall]


def test_what_comes_after_it_does_not_push_a_refusal_out() -> None:
    for later in ("需要", "是我", "再见"):
        call = answered()
        call.feed(sig.SoundBegan(0, call.queue[0][0]))
        call.speak("别再打了")
        call.speak(later)
        call.play()
        assert [type(effect) for effect in call.effects] == [DoNotCall], later


def test_neither_a_key_nor_a_shutdown_loses_a_refusal_that_waits() -> None:
    for event in (sig.Press(3000, "5"), sig.WindUp(3000)):
        call = answered()
        call.feed(sig.SoundBegan(0, call.queue[0][0]))
        call.speak("别再打了")
        call.feed(event)
        assert [type(effect) for effect in call.effects] == [DoNotCall]
        assert call.end() == "do_not_call"


def test_a_key_does_not_cut_the_disclosure() -> None:
    call = answered()
    required = [said for _, said in call.queue if not said.interruptible]
    call.feed(sig.SoundBegan(0, call.queue[0][0]))
    call.feed(sig.Press(500, "1"))
    assert [said for _, said in call.queue][: len(required)] == required


def test_whoever_talks_on_into_the_question_is_not_talked_over() -> None:
    call = answered()
    required = [said for _, said in call.queue if not said.interruptible]
    call.feed(sig.SoundBegan(0, call.queue[0][0]))
    call.feed(sig.VoiceOnset(100))
    call.feed(sig.BargeIn(400))
    for _ in required:
        call.play_one()
    assert call.queue == []
    assert any(isinstance(event, Interrupted) for event in call.events)


def test_no_call_outlasts_its_limit_even_if_its_goodbye_never_ends() -> None:
    call = answered()
    call.now_ms = 310_000
    call.feed(sig.Tick(call.now_ms))
    assert call.queue, "goodbye is ordered"
    call.now_ms = 330_000
    call.feed(sig.Tick(call.now_ms))
    assert call.hung_up


def test_a_refusal_over_the_goodbye_still_counts() -> None:
    call = answered()
    call.play()
    call.speak("是我")
    call.play()
    call.speak("不需要")
    call.feed(sig.SoundBegan(call.now_ms, call.queue[0][0]))
    call.speak("以后别再打了")
    assert [type(effect) for effect in call.effects] == [DoNotCall]
    call.play()
    call.wait(1000)
    assert call.hung_up
    assert call.end() == "do_not_call"


def test_the_key_for_no_more_calls_counts_over_the_goodbye() -> None:
    call = answered()
    call.play()
    call.speak("是我")
    call.play()
    call.speak("不需要")
    call.feed(sig.Press(call.now_ms, "9"))
    assert [type(effect) for effect in call.effects] == [DoNotCall]
    assert call.end() == "do_not_call"


def test_an_interruption_stops_us_and_a_cough_does_not_lose_the_prompt() -> None:
    call = answered()
    call.play()
    call.speak("是我")
    first = call.queue[0]
    call.feed(sig.SoundBegan(call.now_ms, first[0]))
    call.feed(sig.VoiceOnset(call.now_ms + 100))
    call.feed(sig.BargeIn(call.now_ms + 400))
    assert not call.queue
    assert any(isinstance(event, Interrupted) for event in call.events)
    call.now_ms += 1000
    call.feed(sig.VoiceOver(call.now_ms, call.now_ms - 400))
    call.feed(sig.Recognised(call.now_ms, call.now_ms - 400, "", 0.0, 100.0))
    assert call.queue[0][1] == first[1], "said again from the interrupted sentence on"


def test_a_back_channel_over_the_offer_is_not_an_answer_to_it() -> None:
    call = answered()
    call.play()
    call.speak("是我")
    offer = [utterance for _, utterance in call.queue]
    call.feed(sig.SoundBegan(call.now_ms, call.queue[0][0]))
    call.feed(sig.BargeIn(call.now_ms + 300))
    call.speak("好的好的")
    assert [utterance for _, utterance in call.queue] == offer


def test_two_reprompts_then_goodbye() -> None:
    call = answered()
    call.play()
    spoken = []
    for _ in range(3):
        call.wait(5200)
        spoken.append([utterance.text for _, utterance in call.queue])
        call.play()
    assert all(spoken), "each silence is answered"
    assert spoken[0] != spoken[1] != spoken[2]
    call.wait(1000)
    assert call.hung_up
    assert call.end() == "no_response"


def test_a_key_stops_the_prompt_at_once() -> None:
    call = answered()
    call.play_one()
    call.feed(sig.Press(call.now_ms, "9"))
    assert [type(effect) for effect in call.effects] == [DoNotCall]
    call.play()
    assert call.end() == "do_not_call"


def test_a_call_back_is_carried_with_its_moment() -> None:
    call = answered()
    call.play()
    for words in ("是我", "我在开车，明天下午三点再打吧", "对"):
        call.speak(words)
        call.play()
    moments = [effect.at for effect in call.effects if isinstance(effect, CallBack)]
    assert [(m.day, m.hour) for m in moments] == [(24, 15)]
    assert call.end() == "call_back"


def test_a_voicemail_greeting_ends_the_call_as_voicemail() -> None:
    call = answered()
    call.speak("您好，我现在不方便接听，请在滴声后留言", length_ms=3000)
    assert call.hung_up
    assert call.core.conclusion(call.state, Disposition.ANSWERED)[0] == Disposition.VOICEMAIL


def test_shutdown_says_goodbye() -> None:
    call = answered()
    call.play()
    call.feed(sig.WindUp(call.now_ms))
    assert call.queue
    call.play()
    call.wait(1000)
    assert call.hung_up
    assert call.end() == "interrupted"


def test_a_call_that_is_never_answered_has_no_conversation() -> None:
    call = VirtualCall()
    call.feed(sig.LegOver(-1, Disposition.NO_ANSWER, Raw(487)))
    assert not any(isinstance(event, Heard | Said) for event in call.events)
    assert not any(isinstance(event, Concluded) for event in call.events)
