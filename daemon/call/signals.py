"""What the call core takes in and what it orders: plain values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.dialog.reply import Effect, Expects, Utterance
from daemon.events import CallEvent
from hw.base import Disposition, Raw

# Inputs. `at_ms` is milliseconds since the answer, negative before it.


@dataclass(frozen=True)
class PickUp:
    """They answered."""

    at_ms: int


@dataclass(frozen=True)
class VoiceOnset:
    """They began to make a sound."""

    at_ms: int


@dataclass(frozen=True)
class BargeIn:
    """They have spoken long enough to mean to interrupt."""

    at_ms: int


@dataclass(frozen=True)
class VoiceOver:
    """They are silent again; `voice_end_ms` is -1 if what began was not speech."""

    at_ms: int
    voice_end_ms: int = -1


@dataclass(frozen=True)
class Recognised:
    """Their turn is over and this is what was recognised ("" for nothing)."""

    at_ms: int
    voice_end_ms: int
    text: str
    confidence: float
    decode_ms: float


@dataclass(frozen=True)
class Press:
    """They pressed a key."""

    at_ms: int
    digit: str


@dataclass(frozen=True)
class SoundBegan:
    """The sentence `token` is being heard from now."""

    at_ms: int
    token: str


@dataclass(frozen=True)
class SoundEnded:
    """The sentence `token` is over, whole or cut off after `played_ms`."""

    at_ms: int
    token: str
    played_ms: int
    complete: bool


@dataclass(frozen=True)
class Tick:
    """Time has passed."""

    at_ms: int


@dataclass(frozen=True)
class WindUp:
    """The box is shutting down: say goodbye."""

    at_ms: int


@dataclass(frozen=True)
class LegOver:
    """The leg has ended."""

    at_ms: int
    disposition: Disposition
    raw: Raw


CoreInput = (
    PickUp
    | VoiceOnset
    | BargeIn
    | VoiceOver
    | Recognised
    | Press
    | SoundBegan
    | SoundEnded
    | Tick
    | WindUp
    | LegOver
)

# Actions


@dataclass(frozen=True)
class Say:
    """Render and play this sentence behind those already ordered."""

    token: str
    utterance: Utterance


@dataclass(frozen=True)
class StopSound:
    """Silence ourselves at once."""


@dataclass(frozen=True)
class Listen:
    """What we expect to hear next; sets how long a pause may be."""

    expects: Expects


@dataclass(frozen=True)
class Note:
    """Store this event."""

    event: CallEvent


@dataclass(frozen=True)
class Carry:
    """Carry out this effect, durably, before anything else."""

    effect: Effect


@dataclass(frozen=True)
class HangUp:
    """End the call."""


Action = Say | StopSound | Listen | Note | Carry | HangUp
