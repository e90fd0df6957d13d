"""Everything that happens in a call, as it is stored.

An event is a frozen dataclass; `at_ms` is milliseconds since the answer (negative
before it). Outcomes, latencies, transcripts and replays are derived from these.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class CallEvent:
    """Base of all stored events."""

    kind: ClassVar[str] = ""
    at_ms: int

    def payload(self) -> dict[str, Any]:
        """The fields besides kind and time, ready for JSON."""
        fields = asdict(self)
        fields.pop("at_ms")
        return fields


@dataclass(frozen=True)
class Dialled(CallEvent):
    """The attempt was handed to the line."""

    kind: ClassVar[str] = "dialled"
    line: str


@dataclass(frozen=True)
class Rang(CallEvent):
    """The far end answered provisionally."""

    kind: ClassVar[str] = "rang"
    status: int


@dataclass(frozen=True)
class PickedUp(CallEvent):
    """The person answered: the zero of this call's clock."""

    kind: ClassVar[str] = "picked_up"


@dataclass(frozen=True)
class SpeechStarted(CallEvent):
    """The person began to speak."""

    kind: ClassVar[str] = "speech_started"


@dataclass(frozen=True)
class SpeechEnded(CallEvent):
    """The person's turn is over; `voice_end_ms` is the end of the last voiced sound."""

    kind: ClassVar[str] = "speech_ended"
    voice_end_ms: int


@dataclass(frozen=True)
class Heard(CallEvent):
    """One turn of the person, recognised and understood.

    `at_ms` is when the text was ready. Layers and intents as in daemon.dialog.reply.
    """

    kind: ClassVar[str] = "heard"
    text: str
    intent: str
    layer: str
    confidence: float
    decode_ms: float


@dataclass(frozen=True)
class Partial(CallEvent):
    """The words so far of a turn still being spoken."""

    kind: ClassVar[str] = "partial"
    text: str


@dataclass(frozen=True)
class Pressed(CallEvent):
    """A key was pressed and understood."""

    kind: ClassVar[str] = "pressed"
    digit: str
    intent: str


@dataclass(frozen=True)
class Said(CallEvent):
    """One sentence of ours began to sound; `latency_ms` from the end of their speech.

    latency_ms is -1 where nothing of theirs preceded (greeting, re-prompt,
    later sentences of one reply).
    """

    kind: ClassVar[str] = "said"
    text: str
    token: str
    latency_ms: int


@dataclass(frozen=True)
class SaidEnd(CallEvent):
    """A sentence of ours ended: whole, or cut off after `played_ms`."""

    kind: ClassVar[str] = "said_end"
    token: str
    played_ms: int
    complete: bool


@dataclass(frozen=True)
class Interrupted(CallEvent):
    """The person spoke over us and our sound was stopped."""

    kind: ClassVar[str] = "interrupted"
    token: str


@dataclass(frozen=True)
class Effected(CallEvent):
    """A lasting effect was carried out: do_not_call, call_back, transfer_request."""

    kind: ClassVar[str] = "effected"
    effect: str
    detail: str


@dataclass(frozen=True)
class Concluded(CallEvent):
    """The business outcome of the conversation."""

    kind: ClassVar[str] = "concluded"
    outcome: str


@dataclass(frozen=True)
class HungUp(CallEvent):
    """The leg is over."""

    kind: ClassVar[str] = "hung_up"
    disposition: str
    status: int | None
    reason: str
    last_provisional: int | None
    q850: int | None
    ended_by: str


@dataclass(frozen=True)
class Trouble(CallEvent):
    """Something went wrong inside the box during the call."""

    kind: ClassVar[str] = "trouble"
    what: str
