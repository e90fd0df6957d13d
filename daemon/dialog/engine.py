"""The dialogue engine: a pure function from a state and what was heard to a reply.

It keeps nothing between calls: the same state, input and time give the same reply, so
the driver may ask early, while the person has perhaps not finished, and throw it away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from daemon.dialog.filling import SAID_SUFFIX, Filling, fill
from daemon.dialog.matching import Matcher
from daemon.dialog.reply import (
    CallBack,
    DialogState,
    DoNotCall,
    Effect,
    Expects,
    Input,
    Key,
    Reply,
    Silence,
    TransferRequest,
    Unclear,
    Utterance,
    Words,
)
from daemon.dialog.scenario_format import END, Scenario, Step, Transition
from daemon.dialog.text import normalise
from daemon.dialog.wording import Wordings
from daemon.errors import ScenarioError

SAID = "said"
SILENCES_BORNE = 2
UNCLEARS_BORNE = 2


@dataclass(frozen=True)
class _Turn:
    """What one input amounts to, on its way to becoming a reply."""

    state: DialogState
    now: datetime
    intent: str
    layer: str
    wording: str = ""
    lines: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()


class Engine:
    """Plays one scenario in one language."""

    def __init__(self, scenario: Scenario, lang: str) -> None:
        """Compile the patterns.

        Raises:
            ScenarioError: the scenario was loaded for another language.
        """
        if lang != scenario.lang:
            raise ScenarioError(
                f"scenario {scenario.name} was loaded in {scenario.lang}, not {lang}; "
                f"load_scenario({scenario.name!r}, {lang!r}) gives the right one"
            )
        self.scenario = scenario
        self.lang = lang
        self._flow = scenario.flow
        machines = [name for name, t in self._flow.always.items() if t.outcome and not t.say]
        vital = (*self._flow.after_end, *machines)
        self._matcher = Matcher(scenario.intents, lang, vital=vital)
        self._wordings = Wordings(scenario)

    def open(self, lead: Mapping[str, str], now: datetime) -> Reply:
        """The first words of a call: the disclosure, then the first question."""
        slots = {name: lead[name] for name in self._flow.lead_slots if lead.get(name)}
        state = DialogState(step=self._flow.start, slots=MappingProxyType(dict(slots)))
        turn = _Turn(state, now, intent="opening", layer="opening", lines=self._flow.opening)
        return self._ask(turn, self._flow.start)

    def respond(self, state: DialogState, heard: Input, now: datetime) -> Reply:
        """The answer to what was heard.

        Args:
            state: from the last reply.
            heard: words, a key, silence, or something unclear.
            now: timezone-aware, in the zone of the person called.
        """
        if state.step == END:
            return self._after_end(state, heard, now)
        if isinstance(heard, Silence):
            return self._silence(state, now)
        if isinstance(heard, Unclear):
            return self._unclear(state, now)
        reply = (
            self._key(state, heard, now)
            if isinstance(heard, Key)
            else self._words(state, heard, now)
        )
        if len(reply.state.asked) > self._flow.max_turns and reply.state.step != END:
            return self._unclear(replace(state, unclears=UNCLEARS_BORNE), now)
        return reply

    def goodbye(self, state: DialogState, now: datetime) -> Reply:
        """The end that the box itself asks for: outcome "interrupted" unless there is one."""
        ended = replace(state, outcome=state.outcome or "interrupted")
        return self._say(_Turn(ended, now, "goodbye", "closing"), ("goodbye",), END)

    def cached_sentences(self) -> list[str]:
        """Every sentence without slots, for rendering before the campaign starts."""
        return self._wordings.sentences_without_slots()

    # What was heard

    def _words(self, state: DialogState, heard: Words, now: datetime) -> Reply:
        text = normalise(heard.text, self.lang)
        step = self._flow.steps[state.step]
        transitions = self._flow.transitions(state.step)
        filling = self._fill(state, step, heard.text, now)
        given = self._flow.slots[step.slot].intent if filling else ""
        order = [name for name in self._order(step) if name in transitions]
        found = self._matcher.match(text, order, understood=filling is not None)
        intents = [name for name in self._order(step) if name in found or name == given]
        if not intents:
            return self._unclear(state, now)
        intent = intents[0]
        turn = _Turn(_heard(state), now, intent, "pattern", wording=heard.text)
        if intent == given and filling is not None:
            return self._filled(turn, step, filling, intents)
        for second in step.also:
            if second in intents[1:] and not (
                transitions[intent].to or transitions[intent].outcome
            ):
                both = replace(turn, intent=second)
                return self._both(both, transitions[intent], transitions[second])
        return self._follow(turn, transitions[intent])

    def _key(self, state: DialogState, heard: Key, now: datetime) -> Reply:
        step = self._flow.steps[state.step]
        meaning = {**self._flow.keys, **step.keys}.get(heard.digit, "")
        turn = _Turn(_heard(state), now, meaning, "keypad", wording=_wording(heard))
        slot, equals, value = meaning.partition("=")
        if equals:
            turn = replace(turn, intent=self._flow.slots[slot].intent)
            return self._filled(turn, step, Filling(value=int(value)), [turn.intent])
        transition = self._flow.transitions(state.step).get(meaning)
        if transition is None:
            return self._unclear(replace(state, unclears=max(state.unclears, 1)), now)
        return self._follow(turn, transition)

    def _silence(self, state: DialogState, now: datetime) -> Reply:
        count = state.silences + 1
        turn = _Turn(replace(state, silences=count), now, "silence", "silence")
        if count > SILENCES_BORNE:
            return self._follow(turn, self._flow.no_answer)
        return self._say(turn, (f"{state.step}:again{count - 1}",), state.step)

    def _unclear(self, state: DialogState, now: datetime) -> Reply:
        count = state.unclears + 1
        turn = _Turn(replace(state, unclears=count, silences=0), now, "unclear", "fallback")
        if count > UNCLEARS_BORNE:
            return self._follow(turn, self._flow.not_understood)
        if count == UNCLEARS_BORNE:
            return self._say(turn, ("still_unclear", f"{state.step}:keys"), state.step)
        return self._say(turn, ("unclear", f"{state.step}:short"), state.step)

    def _after_end(self, state: DialogState, heard: Input, now: datetime) -> Reply:
        """Goodbye is being said; only what may not be missed still counts."""
        found: Sequence[str] = ()
        if isinstance(heard, Words):
            found = self._matcher.match(normalise(heard.text, self.lang), self._flow.after_end)
        elif isinstance(heard, Key):
            found = [
                name for name in self._flow.after_end if self._flow.keys.get(heard.digit) == name
            ]
        if found and state.outcome != self._flow.always[found[0]].outcome:
            wording = _wording(heard)
            layer = "pattern" if isinstance(heard, Words) else "keypad"
            turn = _Turn(state, now, found[0], layer, wording=wording)
            return self._follow(turn, self._flow.always[found[0]])
        return Reply(state, (), Expects.NOTHING, "closing", "fallback", hangup=True)

    # What follows

    def _order(self, step: Step) -> list[str]:
        """The precedence with what this question makes likelier moved up, behind the refusals."""
        order = [name for name in self._flow.precedence if name not in step.prefer]
        if not step.prefer:
            return order
        behind = max(
            (order.index(name) + 1 for name in self._flow.after_end if name in order), default=0
        )
        return [*order[:behind], *step.prefer, *order[behind:]]

    def _fill(
        self, state: DialogState, step: Step, text: str, now: datetime, *, bare: bool = True
    ) -> Filling | None:
        """What the words give for the step's slot, or None."""
        if not step.slot:
            return None
        asked = bare and step.expects in (Expects.DATE_TIME, Expects.NUMBER)
        slot = self._flow.slots[step.slot]
        return fill(slot, step.slot, state.slots, text, now, self.lang, bare=asked)

    def _filled(self, turn: _Turn, step: Step, filling: Filling, intents: Sequence[str]) -> Reply:
        """A slot was given, wholly or in part."""
        known = turn.state.slots
        if step.filled == turn.state.step and known.get(step.slot) == filling.value:
            # What is being confirmed was said again: that is a yes, or with a no, a no.
            answer = "deny" if "deny" in intents else "affirm"
            return self._follow(replace(turn, intent=answer), step.answers[answer])
        if filling.invalid:
            return self._say(turn, (step.invalid, f"{turn.state.step}:short"), turn.state.step)
        slots = {**known, step.slot + SAID_SUFFIX: filling.said}
        if filling.value is not None:
            slots[step.slot] = filling.value
            return self._ask(_with_slots(turn, slots), step.filled)
        half: Literal["date", "time"] = "date" if filling.missing == "date" else "time"
        return self._ask(_with_slots(turn, slots), step.partial[half])

    def _both(self, turn: _Turn, asked: Transition, answered: Transition) -> Reply:
        """A question and an answer in one breath: answer the one, accept the other."""
        turn = self._set(turn, answered)
        permitted = not asked.requires or turn.state.slots.get(asked.requires)
        return self._follow(_plus(turn, asked.say if permitted else ()), answered)

    def _follow(self, turn: _Turn, transition: Transition) -> Reply:
        """Carry out one transition."""
        state = turn.state
        if transition.requires and not state.slots.get(transition.requires):
            return self._ask(_plus(turn, transition.otherwise), state.step)
        turn = _plus(self._set(turn, transition), transition.say)
        turn = replace(turn, effects=(*turn.effects, *self._effects(turn, transition)))
        if transition.outcome:
            ended = replace(turn.state, outcome=transition.outcome)
            return self._say(replace(turn, state=ended), (), END)
        if transition.to:
            return self._enter(turn, transition.to)
        if transition.repeat:
            last = str(state.slots.get(SAID, "")).split(" ") if state.slots.get(SAID) else []
            return self._say(turn, tuple(last), state.step)
        if not transition.ask:
            return self._say(turn, (), state.step)
        return self._ask(turn, state.step)

    def _enter(self, turn: _Turn, name: str) -> Reply:
        """Go to a step; if the same words already answer its question, go on."""
        step = self._flow.steps[name]
        if (
            name != turn.state.step
            and turn.layer == "pattern"
            and step.expects == Expects.DATE_TIME
        ):
            filling = self._fill(turn.state, step, turn.wording, turn.now, bare=False)
            if filling is not None and not filling.invalid:
                return self._filled(turn, step, filling, [turn.intent])
        return self._ask(turn, name)

    def _set(self, turn: _Turn, transition: Transition) -> _Turn:
        if not transition.set:
            return turn
        slots = dict(turn.state.slots)
        for name, value in transition.set.items():
            default = self._flow.slots[name].default if name in self._flow.slots else None
            slots[name] = default if value == "default" and default is not None else value
        return _with_slots(turn, slots)

    def _effects(self, turn: _Turn, transition: Transition) -> tuple[Effect, ...]:
        if transition.effect == "do_not_call":
            return (DoNotCall(turn.wording),)
        if transition.effect == "transfer":
            return (TransferRequest(turn.wording),)
        if transition.effect == "call_back":
            moments = [
                turn.state.slots[name]
                for name, slot in self._flow.slots.items()
                if slot.kind == "when" and name in turn.state.slots
            ]
            return tuple(CallBack(datetime.fromisoformat(str(at))) for at in moments)
        return ()

    # What is said

    def _ask(self, turn: _Turn, name: str) -> Reply:
        """Say what there is to say, then the question; shorter when it was asked before."""
        again = name == turn.state.step and turn.layer != "opening"
        question = f"{name}:short" if again or name in turn.state.asked[-1:] else name
        return self._say(turn, (question,), name)

    def _say(self, turn: _Turn, lines: Sequence[str], step: str) -> Reply:
        """Make the reply: all lines, then the state with what was said and asked."""
        lines = (*turn.lines, *lines)
        slots = dict(turn.state.slots)
        if lines:
            slots[SAID] = " ".join(line for line in lines if line not in self._flow.opening)
        state = replace(
            turn.state,
            step=step,
            slots=MappingProxyType(slots),
            asked=(*turn.state.asked, step),
        )
        say: tuple[Utterance, ...] = self._wordings.say(lines, slots, turn.now)
        over = step == END
        expects = Expects.NOTHING if over else self._flow.steps[step].expects
        return Reply(state, say, expects, turn.intent, turn.layer, turn.effects, hangup=over)


def _wording(heard: Input) -> str:
    """The person's own words, or the key they pressed."""
    return heard.text if isinstance(heard, Words) else f"key {getattr(heard, 'digit', '')}"


def _heard(state: DialogState) -> DialogState:
    """Something was understood: nobody is silent or unclear any more."""
    return replace(state, silences=0, unclears=0)


def _plus(turn: _Turn, lines: Sequence[str]) -> _Turn:
    return replace(turn, lines=(*turn.lines, *lines))


def _with_slots(turn: _Turn, slots: Mapping[str, object]) -> _Turn:
    return replace(turn, state=replace(turn.state, slots=MappingProxyType(dict(slots))))
