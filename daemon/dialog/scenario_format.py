"""The scenario format: flow.yaml says what can happen, zh.yaml and en.yaml say the words."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from daemon.dialog.reply import Expects

END = "end"


def nearest(name: str, valid: list[str]) -> str:
    """Advice for a wrong name: the nearest valid one, or all of them."""
    close = get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"valid: {', '.join(sorted(valid))}"


class Part(BaseModel):
    """Base of every part of the format: frozen, and an unknown key names the nearest valid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            valid = [field.alias or name for name, field in cls.model_fields.items()]
            for key in data:
                if key not in valid:
                    raise ValueError(f"unknown key {key!r}; {nearest(str(key), valid)}")
        return data


class Transition(Part):
    """What follows an intent: say the prompts, then go, stay (and ask again) or end.

    Attributes:
        say: names of prompts, said in order before the next question.
        to: the next step; "" stays at this one, or ends if there is an outcome.
        set: slots that become known ("default" takes the slot's default).
        effect: what must be carried out before anything is said.
        outcome: the business outcome; ends the call.
        requires: a slot that must be known, or else `otherwise` is said instead.
        otherwise: prompts for when it is not.
        ask: False to stay without asking the question again.
        repeat: say again what was said last, instead of asking the question.
    """

    say: tuple[str, ...] = ()
    to: str = ""
    set: Mapping[str, str | int] = Field(default_factory=dict)
    effect: Literal["", "do_not_call", "call_back", "transfer"] = ""
    outcome: str = ""
    requires: str = ""
    otherwise: tuple[str, ...] = ()
    ask: bool = True
    repeat: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.outcome and self.to:
            raise ValueError("has both `to` and `outcome`; a call with an outcome has ended")
        return self


class Slot(Part):
    """Something to learn from the person's words.

    Attributes:
        kind: which grammar of daemon.dialog.slots understands it.
        intent: name under which giving it is recorded.
        choices: the values on offer (numbers); empty allows all.
        default: used where a transition sets it to "default".
    """

    kind: Literal["when", "term"]
    intent: str
    choices: tuple[int, ...] = ()
    default: int | None = None


class Step(Part):
    """One question; its words are the prompt of the same name.

    Attributes:
        expects: what it asks for.
        slot: the slot an answer may fill, and `filled` the step that follows.
        partial: step that asks for the missing half of a date and time.
        invalid: prompt for a value that is not on offer.
        include: groups of transitions valid here.
        answers: transitions of this step; they win over groups and over `always`.
        also: intents that count even when a question was asked in the same breath.
        prefer: intents that this question makes likelier than the precedence says.
        keys: keypad here, over the scenario's own: an intent, or slot=number.
    """

    expects: Expects
    slot: str = ""
    filled: str = ""
    partial: Mapping[Literal["date", "time"], str] = Field(default_factory=dict)
    invalid: str = ""
    include: tuple[str, ...] = ()
    answers: Mapping[str, Transition] = Field(default_factory=dict)
    also: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    keys: Mapping[str, str] = Field(default_factory=dict)


class Flow(Part):
    """flow.yaml: everything about a scenario that is not language.

    Attributes:
        version: counts up with every change of the flow.
        opening: prompts said first, before the question of `start`.
        uninterruptible: prompts that must be heard to the end.
        lead_slots: fields of a lead that prompts may use.
        precedence: all intents, the strongest first.
        always: transitions valid at every step.
        after_end: intents still honoured once the call is being ended.
        no_answer, not_understood: how the call ends when re-prompts did not help.
        max_turns: replies after which the call ends as not understood.
    """

    version: int = Field(ge=1)
    start: str
    opening: tuple[str, ...]
    uninterruptible: tuple[str, ...]
    lead_slots: tuple[str, ...] = ()
    slots: Mapping[str, Slot] = Field(default_factory=dict)
    precedence: tuple[str, ...]
    keys: Mapping[str, str]
    always: Mapping[str, Transition]
    groups: Mapping[str, Mapping[str, Transition]] = Field(default_factory=dict)
    after_end: tuple[str, ...] = ()
    no_answer: Transition
    not_understood: Transition
    max_turns: int = Field(default=40, ge=5)
    steps: Mapping[str, Step]

    def transitions(self, step: str) -> dict[str, Transition]:
        """Every transition valid at a step, by intent."""
        merged = dict(self.always)
        for group in self.steps[step].include:
            merged.update(self.groups[group])
        merged.update(self.steps[step].answers)
        return merged


class Prompt(Part):
    """Words for one prompt. Each may hold several sentences and {slots}.

    Attributes:
        say: alternatives; the first whose slots are all known is used.
        short: how to ask again after answering a question; "" uses `say`.
        again: other wordings for silence or a misunderstanding, in order.
        keys: offers the keypad.
    """

    say: tuple[str, ...] = Field(min_length=1)
    short: str = ""
    again: tuple[str, ...] = ()
    keys: str = ""

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        return {"say": (data,)} if isinstance(data, str) else data

    @field_validator("say", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    def wordings(self) -> tuple[str, ...]:
        """Every wording, for checks and for rendering ahead."""
        extra = tuple(text for text in (self.short, self.keys) if text)
        return (*self.say, *self.again, *extra)


class Wording(Part):
    """zh.yaml or en.yaml: the words of one language.

    Attributes:
        facts: texts that prompts take in as {fact:name}.
        prompts: by name.
        intents: patterns by intent (see daemon.dialog.matching), added to the shared ones.
    """

    facts: Mapping[str, str] = Field(default_factory=dict)
    prompts: Mapping[str, Prompt] = Field(default_factory=dict)
    intents: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


class Scenario(Part):
    """A scenario in one language, checked and ready for the engine."""

    name: str
    lang: Literal["zh", "en"]
    flow: Flow
    prompts: Mapping[str, Prompt]
    intents: Mapping[str, tuple[str, ...]]
