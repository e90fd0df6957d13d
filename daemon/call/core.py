"""The call, pure: step(state, input) -> state, actions. No clock, no I/O, no threads.

The real-time driver runs it on sound; a test or a simulator runs the same core on
text, in virtual time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.call import signals as sig
from daemon.call.notes import describe, heard_event, hung_up_event
from daemon.dialog.engine import Engine
from daemon.dialog.reply import (
    DialogState,
    DoNotCall,
    Input,
    Key,
    Reply,
    Silence,
    Unclear,
    Utterance,
    Words,
)
from daemon.events import (
    Concluded,
    Interrupted,
    PickedUp,
    Pressed,
    Said,
    SaidEnd,
    SpeechEnded,
    SpeechStarted,
)
from hw.base import Disposition

Saying = tuple[tuple[str, Utterance], ...]
Step = tuple["CallState", list[sig.Action]]

FOREVER_MS = 1 << 40
MACHINES = {
    "voicemail": Disposition.VOICEMAIL,
    "announcement": Disposition.ANNOUNCEMENT,
}
"""Outcomes that mean that no person answered."""


@dataclass(frozen=True)
class CallSettings:
    """Limits of one call.

    Attributes:
        silence_ms: quiet after our last word before we ask again.
        max_call_ms: a call longer than this is wound up.
        tail_ms: quiet kept after our last word before hanging up.
        last_word_ms: how long a person who speaks over our goodbye is still heard out.
        goodbye_ms: after max_call_ms and this, the call is cut, whatever still sounds.
    """

    silence_ms: int = 5000
    max_call_ms: int = 300_000
    tail_ms: int = 300
    last_word_ms: int = 4000
    goodbye_ms: int = 20_000


@dataclass(frozen=True)
class CallState:
    """Where a call stands. Immutable.

    Attributes:
        dialog: the conversation; None before the opening.
        saying: sentences ordered and not yet over, oldest first.
        cut: sentences an interruption took away, to be said again if it was nothing.
        held: what was recognised while we could not be interrupted.
        insists: they began to speak then and go on: stop as soon as we may.
        reply_to_ms: end of the speech that the next sound of ours answers; -1 for none.
        quiet_from_ms: since when nobody has said anything; FOREVER_MS while somebody does.
        closing: hang up once `saying` is empty, `hang_up_at_ms` says when.
    """

    dialog: DialogState | None = None
    saying: Saying = ()
    cut: Saying = ()
    held: sig.Recognised | None = None
    insists: bool = False
    reply_to_ms: int = -1
    quiet_from_ms: int = FOREVER_MS
    voice: bool = False
    closing: bool = False
    hang_up_at_ms: int = FOREVER_MS
    over: bool = False
    replies: int = 0


class CallCore:
    """The rules of a call around one scenario's engine. Holds no state of its own."""

    def __init__(
        self, engine: Engine, lead: Mapping[str, str], settings: CallSettings | None = None
    ) -> None:
        """`lead` is what is known of the person, as text (name, ...)."""
        self._engine = engine
        self._lead = lead
        self._settings = settings or CallSettings()

    def step(self, state: CallState, event: sig.CoreInput, now: datetime) -> Step:
        """Take one input. `now` is the wall time in the box's zone."""
        if state.over:
            return state, []
        match event:
            case sig.LegOver():
                return self._leg_over(state, event, now)
            case sig.PickUp():
                return self._open(state, event, now)
            case sig.VoiceOnset():
                state = replace(state, voice=True, insists=False, quiet_from_ms=FOREVER_MS)
                return state, [sig.Note(SpeechStarted(event.at_ms))]
            case sig.VoiceOver():
                return self._voice_over(state, event)
            case sig.BargeIn():
                return self._barge_in(state, event)
            case sig.Recognised():
                return self._recognised(state, event, now)
            case sig.Press():
                return self._pressed(state, event, now)
            case sig.SoundBegan():
                return self._sound_began(state, event)
            case sig.SoundEnded():
                return self._sound_ended(state, event, now)
            case sig.WindUp():
                return self._wind_up(state, event.at_ms, now)
            case sig.Tick():
                return self._tick(state, event.at_ms, now)

    def preview(self, state: CallState, text: str, now: datetime) -> tuple[Utterance, ...]:
        """What we would say to `text`: lets the driver render it during the silence."""
        if state.dialog is None or not text:
            return ()
        return self._engine.respond(state.dialog, Words(text), now).say

    def conclusion(self, state: CallState, ended: Disposition) -> tuple[Disposition, str]:
        """Disposition and business outcome of a call whose leg ended as `ended`.

        The outcome is "" where there was no conversation with a person.
        """
        if ended != Disposition.ANSWERED:
            return ended, ""
        outcome = (state.dialog.outcome if state.dialog else "") or "hung_up"
        if outcome in MACHINES:
            return MACHINES[outcome], ""
        return ended, outcome

    def _open(self, state: CallState, event: sig.PickUp, now: datetime) -> Step:
        reply = self._engine.open(self._lead, now)
        state, actions = self._reply(state, reply, event.at_ms)
        return state, [sig.Note(PickedUp(event.at_ms)), *actions]

    def _reply(self, state: CallState, reply: Reply, at_ms: int, to_ms: int = -1) -> Step:
        """Take over the engine's reply: effects first, then the sentences."""
        actions: list[sig.Action] = []
        for effect in reply.effects:
            actions += [sig.Carry(effect), sig.Note(describe(effect, at_ms))]
        saying = tuple((f"{state.replies}.{i}", said) for i, said in enumerate(reply.say))
        actions += [sig.Say(token, utterance) for token, utterance in saying]
        actions.append(sig.Listen(reply.expects))
        state = replace(
            state,
            dialog=reply.state,
            saying=state.saying + saying,
            cut=(),
            held=None,
            reply_to_ms=to_ms,
            replies=state.replies + 1,
            closing=state.closing or reply.hangup,
        )
        return self._quiet(state, at_ms), actions

    def _voice_over(self, state: CallState, event: sig.VoiceOver) -> Step:
        state = self._quiet(replace(state, voice=False, insists=False), event.at_ms)
        if event.voice_end_ms < 0:
            return state, []
        return state, [sig.Note(SpeechEnded(event.at_ms, event.voice_end_ms))]

    def _barge_in(self, state: CallState, event: sig.BargeIn) -> Step:
        if not state.saying or state.closing:
            return state, []
        token, utterance = state.saying[0]
        if not utterance.interruptible:
            return replace(state, insists=True), []
        state = replace(state, cut=state.saying, saying=(), insists=False, reply_to_ms=-1)
        return state, [sig.StopSound(), sig.Note(Interrupted(event.at_ms, token))]

    def _recognised(self, state: CallState, event: sig.Recognised, now: datetime) -> Step:
        if state.dialog is None:
            return state, []
        heard: Input = Words(event.text, event.confidence) if event.text else Unclear()
        reply = self._engine.respond(state.dialog, heard, now)
        note = sig.Note(heard_event(event, reply))
        if state.closing:
            state = self._quiet(state, event.at_ms)
            return self._last_words(state, [note] if event.text else [], reply, event.at_ms)
        if reply.hangup and not reply.say:
            return replace(state, dialog=reply.state, closing=True, saying=()), [
                note,
                sig.StopSound(),
                sig.HangUp(),
            ]
        if state.saying:
            return self._heard_over_us(state, event, reply)
        if state.cut and (not event.text or is_back_channel(reply, state.cut)):
            state, actions = self._resume(state, event.at_ms)
            return state, [note, *actions]
        return self._answer(state, event, reply)

    def _answer(self, state: CallState, event: sig.Recognised, reply: Reply) -> Step:
        """Their words get a reply; what must last is carried out before anything else."""
        state, actions = self._reply(state, reply, event.at_ms, event.voice_end_ms)
        carried = [action for action in actions if isinstance(action, sig.Carry)]
        others = [action for action in actions if not isinstance(action, sig.Carry)]
        return state, [*carried, sig.Note(heard_event(event, reply)), *others]

    def _last_words(
        self, state: CallState, notes: list[sig.Action], reply: Reply, at_ms: int
    ) -> Step:
        """What they say over our goodbye gets no answer, but a refusal of calls counts."""
        refusals = [effect for effect in reply.effects if isinstance(effect, DoNotCall)]
        carried: list[sig.Action] = [sig.Carry(effect) for effect in refusals]
        notes += [sig.Note(describe(effect, at_ms)) for effect in refusals]
        return (replace(state, dialog=reply.state) if refusals else state), [*carried, *notes]

    def _settle_held(self, state: CallState, now: datetime) -> Step:
        """Take the refusal out of words that wait, before they are passed over."""
        held = state.held
        if held is None or state.dialog is None:
            return state, []
        reply = self._engine.respond(state.dialog, Words(held.text, held.confidence), now)
        note = sig.Note(heard_event(held, reply))
        return self._last_words(replace(state, held=None), [note], reply, held.at_ms)

    def _heard_over_us(self, state: CallState, event: sig.Recognised, reply: Reply) -> Step:
        """Their whole turn fitted under a sentence of ours.

        Where that sentence must be heard, the words wait for its end; otherwise they
        were too short to stop us and count only if they are more than a back-channel.
        """
        if not event.text:
            return state, []
        if reply.layer != "pattern" or reply.intent == "greeting":
            return state, [sig.Note(heard_event(event, reply))]
        if not state.saying[0][1].interruptible:
            earlier = f"{state.held.text} " if state.held else ""
            return replace(state, held=replace(event, text=earlier + event.text)), []
        if is_back_channel(reply, state.saying):
            return state, [sig.Note(heard_event(event, reply))]
        state, actions = self._answer(replace(state, saying=()), event, reply)
        return state, [sig.StopSound(), *actions]

    def _resume(self, state: CallState, at_ms: int) -> Step:
        """The interruption was nothing: say what it took away, from its sentence on."""
        saying = tuple(
            (f"{state.replies}.{i}", utterance) for i, (_, utterance) in enumerate(state.cut)
        )
        state = replace(
            state, saying=saying, cut=(), replies=state.replies + 1, quiet_from_ms=FOREVER_MS
        )
        return state, [sig.Say(token, utterance) for token, utterance in saying]

    def _pressed(self, state: CallState, event: sig.Press, now: datetime) -> Step:
        if state.dialog is None:
            return state, []
        state, held = self._settle_held(state, now)
        assert state.dialog is not None
        reply = self._engine.respond(state.dialog, Key(event.digit), now)
        note = sig.Note(Pressed(event.at_ms, event.digit, reply.intent))
        if state.closing:
            state, actions = self._last_words(state, [note], reply, event.at_ms)
            return state, [*held, *actions]
        if not reply.effects:
            required = tuple(said for _, said in state.saying if not said.interruptible)
            reply = replace(reply, say=(*required, *reply.say))
        state = replace(state, saying=(), held=None)
        state, actions = self._reply(state, reply, event.at_ms, event.at_ms)
        return state, [*held, note, sig.StopSound(), *actions]

    def _sound_began(self, state: CallState, event: sig.SoundBegan) -> Step:
        for token, utterance in state.saying:
            if token == event.token:
                latency_ms = event.at_ms - state.reply_to_ms if state.reply_to_ms >= 0 else -1
                note = sig.Note(Said(event.at_ms, utterance.text, token, latency_ms))
                return replace(state, reply_to_ms=-1), [note]
        return state, []

    def _sound_ended(self, state: CallState, event: sig.SoundEnded, now: datetime) -> Step:
        actions: list[sig.Action] = [
            sig.Note(SaidEnd(event.at_ms, event.token, event.played_ms, event.complete))
        ]
        had = any(token == event.token for token, _ in state.saying)
        state = replace(state, saying=tuple(s for s in state.saying if s[0] != event.token))
        if not had:
            return state, actions
        if state.held is not None and (not state.saying or state.saying[0][1].interruptible):
            held, stop = state.held, [sig.StopSound()] if state.saying else []
            state, more = self._recognised(replace(state, held=None, saying=()), held, now)
            return state, [*actions, *stop, *more]
        if state.insists and state.saying and state.saying[0][1].interruptible:
            state, more = self._barge_in(state, sig.BargeIn(event.at_ms))
            return state, [*actions, *more]
        return self._quiet(state, event.at_ms), actions

    def _quiet(self, state: CallState, at_ms: int) -> CallState:
        """Note since when nobody speaks, and when a closing call may be hung up."""
        if state.closing and not state.saying and state.hang_up_at_ms == FOREVER_MS:
            state = replace(state, hang_up_at_ms=at_ms + self._settings.tail_ms)
        quiet = not state.voice and not state.saying
        return replace(state, quiet_from_ms=at_ms if quiet else FOREVER_MS)

    def _tick(self, state: CallState, at_ms: int, now: datetime) -> Step:
        if state.dialog is None:
            return state, []
        limits = self._settings
        quiet_ms = at_ms - state.quiet_from_ms
        if at_ms > limits.max_call_ms + limits.goodbye_ms:
            return replace(state, closing=True), [sig.HangUp()]
        if state.closing:
            wait_ms = limits.last_word_ms if state.voice else 0
            if at_ms < state.hang_up_at_ms + wait_ms:
                return state, []
            return replace(state, hang_up_at_ms=FOREVER_MS), [sig.HangUp()]
        if at_ms > limits.max_call_ms:
            return self._wind_up(state, at_ms, now)
        if quiet_ms < limits.silence_ms:
            return state, []
        if state.cut:
            return self._resume(state, at_ms)
        return self._reply(state, self._engine.respond(state.dialog, Silence(), now), at_ms)

    def _wind_up(self, state: CallState, at_ms: int, now: datetime) -> Step:
        """Say goodbye and hang up, whatever was going on."""
        if state.closing:
            return state, []
        if state.dialog is None:
            return state, [sig.HangUp()]
        state, held = self._settle_held(state, now)
        assert state.dialog is not None
        reply = self._engine.goodbye(state.dialog, now)
        state, actions = self._reply(replace(state, saying=()), reply, at_ms)
        return state, [*held, sig.StopSound(), *actions]

    def _leg_over(self, state: CallState, event: sig.LegOver, now: datetime) -> Step:
        state, actions = self._settle_held(state, now)
        disposition, outcome = self.conclusion(state, event.disposition)
        hung_up = hung_up_event(event, disposition)
        state = replace(state, over=True, voice=False)
        if outcome:
            actions.append(sig.Note(Concluded(event.at_ms, outcome)))
        return state, [*actions, sig.Note(hung_up)]


def is_back_channel(reply: Reply, saying: Saying) -> bool:
    """A yes before the question has been asked: they are listening. A no always counts."""
    return reply.intent == "affirm" and len(saying) > 1
