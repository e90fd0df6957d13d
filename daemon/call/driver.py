"""The call in real time: a shell around the pure core.

One thread per call owns the leg's events, the ears and the mouth. Recognition and
synthesis run in a pool and come back through the same queue. The call's clock is the
leg's frame index.
"""

from __future__ import annotations

import logging
import queue
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from daemon.call import signals as sig
from daemon.call.core import CallCore, CallState
from daemon.call.ears import Decoded, Ears, Utterance
from daemon.call.playout import Playout, PromptBook
from daemon.call.recorder import Recorder
from daemon.call.result import CallResult, turns
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
from daemon.clock import Clock
from daemon.dialog.reply import CallBack, Effect
from daemon.events import CallEvent, Dialled, Partial, Rang, Trouble
from hw import base as line
from models.base import Recogniser, Transcript

log = logging.getLogger(__name__)

NO_FRAME_S = 0.5


@dataclass(frozen=True)
class Woken:
    """Something in the pool is done: look at the mouth."""


@dataclass(frozen=True)
class WindUpAsked:
    """The box is stopping."""


DriverEvent = line.LegEvent | Decoded | Woken | WindUpAsked


class CallLog(Protocol):
    """Where a call's events and lasting effects go."""

    def note(self, event: CallEvent) -> None:
        """Store one event; quick."""
        ...

    def carry(self, effect: Effect, at_ms: int) -> None:
        """Carry out one effect, durably, before returning."""
        ...


@dataclass(frozen=True)
class Senses:
    """The models of one language, shared by all calls."""

    lang: str
    recogniser: Recogniser
    book: PromptBook


@dataclass(frozen=True)
class CallPlan:
    """Everything a driver needs to know about one attempt."""

    call_id: str
    line_name: str
    core: CallCore
    senses: Senses
    turn_settings: TurnSettings
    zone: ZoneInfo


class CallDriver:
    """Runs one call to its end in the thread that calls `run`."""

    def __init__(
        self,
        plan: CallPlan,
        leg: line.Leg,
        call_log: CallLog,
        recorder: Recorder,
        pool: Executor,
        clock: Clock,
    ) -> None:
        """The leg has been dialled already; nothing has been read from it."""
        self._plan, self._leg, self._log = plan, leg, call_log
        self._recorder, self._clock = recorder, clock
        self._inbox = cast("queue.SimpleQueue[DriverEvent]", leg.events)
        self._detector = TurnDetector(plan.turn_settings)
        senses = plan.senses
        self._ears = Ears(senses.recogniser, senses.lang, self._detector, pool, self._inbox.put)
        self._playout = Playout(leg, senses.book, pool, lambda: self._inbox.put(Woken()))
        self._state = CallState()
        self._events: list[CallEvent] = []
        self._trouble: list[str] = []
        self._call_back_at: datetime | None = None
        self._dialled_s = clock.monotonic_s()
        self._answered_s: float | None = None
        self._first_index: int | None = None
        self._now_ms = 0
        self._latest: Decoded | None = None
        self._owed: dict[tuple[int, int], tuple[int, Utterance]] = {}
        self._over: line.Ended | None = None

    def wind_up(self) -> None:
        """Ask the call to say goodbye and end; from any thread."""
        self._inbox.put(WindUpAsked())

    def run(self) -> CallResult:
        """Run until the leg has ended; returns what came of it."""
        self._note(Dialled(self._before_answer_ms(), self._plan.line_name))
        try:
            while self._over is None:
                self._next()
        finally:
            if self._over is None:
                self._leg.hangup()
            self._recorder.close()
        return self._result(self._over)

    def _next(self) -> None:
        try:
            event = self._inbox.get(timeout=NO_FRAME_S)
        except queue.Empty:
            if self._answered_s is not None:
                self._now_ms = round((self._clock.monotonic_s() - self._answered_s) * 1000)
                self._feed(sig.Tick(self._now_ms))
            return
        self._take(event)
        for token, error in self._playout.pump():
            self._failed_sentence(token, error)

    def _take(self, event: DriverEvent) -> None:
        match event:
            case line.Frame():
                self._frame(event)
            case line.PlaybackStarted():
                self._feed(sig.SoundBegan(self._ms(event.index), event.token))
            case line.PlaybackFinished():
                at_ms = self._ms(event.index)
                self._feed(sig.SoundEnded(at_ms, event.token, event.played_ms, event.complete))
            case line.Digit():
                self._feed(sig.Press(self._now_ms, event.digit))
            case Decoded():
                self._decoded(event)
            case line.Ringing():
                self._note(Rang(self._before_answer_ms(), event.status))
            case line.Answered():
                self._answered()
            case line.Ended():
                self._ended(event)
            case WindUpAsked():
                self._wind_up()
            case Woken():
                pass

    def _answered(self) -> None:
        self._answered_s = self._clock.monotonic_s()
        self._recorder.start()
        self._feed(sig.PickUp(0))

    def _frame(self, frame: line.Frame) -> None:
        if self._answered_s is None:
            return
        if self._first_index is None:
            self._first_index = frame.index
        self._now_ms = self._ms(frame.index) + line.FRAME_MS
        self._recorder.add(frame)
        for sign in self._ears.feed(frame.heard, self._now_ms):
            self._sign(sign)
        self._feed(sig.Tick(self._now_ms))

    def _sign(self, sign: Sign) -> None:
        match sign:
            case VoiceBegan():
                self._latest = None
                self._feed(sig.VoiceOnset(sign.onset_ms))
            case VoiceHolds():
                self._feed(sig.BargeIn(self._now_ms))
            case FalseStart():
                self._feed(sig.VoiceOver(self._now_ms))
            case TurnEnded():
                assert self._ears.utterance is not None
                self._owed[self._ears.asked] = (sign.voice_end_ms, self._ears.utterance)
                self._feed(sig.VoiceOver(self._now_ms, sign.voice_end_ms))
                if self._latest is not None and self._latest.asked == self._ears.asked:
                    self._recognised(self._latest)
            case Paused() | Resumed():
                pass

    def _decoded(self, decoded: Decoded) -> None:
        """A recognition came back: of a turn that is over, or on suspicion."""
        if decoded.asked in self._owed:
            self._recognised(decoded)
            return
        if decoded.asked[0] != self._ears.asked[0]:
            return
        text = decoded.transcript.text
        if decoded.asked == self._ears.asked:
            self._latest = decoded
            self._playout.prepare(self._plan.core.preview(self._state, text, self._wall()))
        if text:
            self._note(Partial(self._now_ms, text))

    def _recognised(self, decoded: Decoded) -> None:
        voice_end_ms, _ = self._owed.pop(decoded.asked)
        self._latest = None
        self._feed_words(decoded.transcript, voice_end_ms)

    def _feed_words(self, said: Transcript, voice_end_ms: int) -> None:
        self._feed(
            sig.Recognised(self._now_ms, voice_end_ms, said.text, said.confidence, said.decode_ms)
        )

    def _wind_up(self) -> None:
        if self._answered_s is None:
            self._leg.hangup()
        self._feed(sig.WindUp(self._now_ms))

    def _ended(self, event: line.Ended) -> None:
        """The leg is over; what they said last still counts, even in mid-word."""
        self._over = event
        unheard = [(voice_end_ms, utterance) for voice_end_ms, utterance in self._owed.values()]
        if self._detector.speaking and self._ears.utterance is not None:
            unheard.append((self._now_ms, self._ears.utterance))
        for voice_end_ms, utterance in unheard:
            last = utterance.decode()
            if last.text:
                self._feed_words(last, voice_end_ms)
        self._feed(sig.LegOver(self._now_ms, event.disposition, event.raw))
        self._recorder.close()
        if self._recorder.trouble:
            self._note(Trouble(self._now_ms, self._recorder.trouble))

    def _feed(self, event: sig.CoreInput) -> None:
        self._state, actions = self._plan.core.step(self._state, event, self._wall())
        for action in actions:
            self._act(action)

    def _act(self, action: sig.Action) -> None:
        match action:
            case sig.Say():
                self._playout.say(action.token, action.utterance)
            case sig.StopSound():
                self._playout.stop()
            case sig.Listen():
                self._detector.expects = action.expects
            case sig.Note():
                self._note(action.event)
            case sig.Carry():
                self._carry(action.effect)
            case sig.HangUp():
                self._leg.hangup()

    def _carry(self, effect: Effect) -> None:
        if isinstance(effect, CallBack):
            self._call_back_at = effect.at
        self._log.carry(effect, self._now_ms)

    def _note(self, event: CallEvent) -> None:
        self._events.append(event)
        if isinstance(event, Trouble):
            self._trouble.append(event.what)
        self._log.note(event)

    def _failed_sentence(self, token: str, error: Exception) -> None:
        log.error("a sentence could not be spoken: %s", error)
        self._note(Trouble(self._now_ms, f"a sentence could not be spoken: {error}"))
        self._feed(sig.SoundEnded(self._now_ms, token, 0, False))

    def _ms(self, index: int) -> int:
        first = index if self._first_index is None else self._first_index
        return (index - first) * line.FRAME_MS

    def _before_answer_ms(self) -> int:
        return min(-1, round((self._dialled_s - self._clock.monotonic_s()) * 1000))

    def _wall(self) -> datetime:
        return self._clock.now().astimezone(self._plan.zone)

    def broken_off(self) -> CallResult:
        """What is known of a call whose `run` has raised."""
        answered = self._answered_s is not None
        reached = line.Disposition.ANSWERED if answered else line.Disposition.NETWORK_FAILURE
        raw = line.Raw(reason="the call broke off inside the box", ended_by="us")
        return self._result(self._over or line.Ended(reached, raw))

    def _result(self, ended: line.Ended) -> CallResult:
        concluded = self._plan.core.conclusion(self._state, ended.disposition)
        answered_ms = None
        if self._answered_s is not None:
            answered_ms = round((self._answered_s - self._dialled_s) * 1000)
        return CallResult(
            call_id=self._plan.call_id,
            disposition=concluded[0],
            outcome=concluded[1],
            answered_ms=answered_ms,
            duration_ms=self._now_ms,
            raw=ended.raw,
            turns=turns(self._events),
            call_back_at=self._call_back_at,
            trouble=tuple(self._trouble),
        )
