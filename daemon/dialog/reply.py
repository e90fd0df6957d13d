"""What goes into the dialogue engine and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Expects(StrEnum):
    """What the question just asked expects; decides how long a pause may be."""

    YES_NO = "yes_no"
    OPEN = "open"
    DATE_TIME = "date_time"
    NUMBER = "number"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Utterance:
    """One sentence to say.

    Attributes:
        text: what is said, slots filled in, numbers still as digits.
        interruptible: False for what the law requires to be heard.
        cached: the sentence has no slots, so it is rendered before the campaign.
    """

    text: str
    interruptible: bool = True
    cached: bool = True


@dataclass(frozen=True)
class Words:
    """The person said this."""

    text: str
    confidence: float = 1.0


@dataclass(frozen=True)
class Key:
    """The person pressed this key."""

    digit: str


@dataclass(frozen=True)
class Silence:
    """The person said nothing for as long as the question allows."""


@dataclass(frozen=True)
class Unclear:
    """Something was said and nothing was understood."""


Input = Words | Key | Silence | Unclear


@dataclass(frozen=True)
class DoNotCall:
    """Put the number on the do-not-call list now, before anything else is said."""

    wording: str


@dataclass(frozen=True)
class CallBack:
    """Call again at this moment (timezone-aware)."""

    at: datetime


@dataclass(frozen=True)
class TransferRequest:
    """The person asked for a colleague."""

    topic: str = ""


Effect = DoNotCall | CallBack | TransferRequest


@dataclass(frozen=True)
class DialogState:
    """Where a conversation stands. Immutable; a reply carries the next one.

    Attributes:
        step: name of the step whose question was asked last.
        slots: what has been learned (term, callback_at, ...), as text or numbers.
        silences, unclears: how many in a row.
        outcome: business outcome so far ("accepted", "call_back", "refused",
            "do_not_call", "transfer", "wrong_person", "no_response", ...); "" while open.
        asked: step names visited, oldest first.
    """

    step: str
    slots: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    silences: int = 0
    unclears: int = 0
    outcome: str = ""
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What to say and do next.

    Attributes:
        state: the conversation after this reply.
        say: sentences, in order; the first may be played while the second is rendered.
        expects: what the last sentence asks for.
        intent: name of what was understood ("affirm", "ask_fee", "do_not_call", ...).
        layer: who understood it: "keypad", "pattern", "silence", "fallback", "opening".
        effects: what must happen before the sentences are played.
        hangup: end the call once everything has been said.
    """

    state: DialogState
    say: tuple[Utterance, ...]
    expects: Expects
    intent: str
    layer: str
    effects: tuple[Effect, ...] = ()
    hangup: bool = False
