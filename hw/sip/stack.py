"""What the parts of the signalling core know of each other: events, and who carries out.

A call or a registration is a `TransactionUser` of a `Stack`; the stack owns the
transactions and the outgoing messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hw.base import Disposition, Raw
from hw.sip.message import Message
from hw.sip.sdp import Media
from hw.sip.transaction import Target


@dataclass(frozen=True)
class CallRinging:
    """A provisional answer, with the early media it opened (None: no sound yet)."""

    status: int
    media: Media | None = None


@dataclass(frozen=True)
class CallAnswered:
    """The 2xx was acknowledged and this is where the sound goes."""

    media: Media


@dataclass(frozen=True)
class MediaChanged:
    """The peer moved or held the sound."""

    media: Media


@dataclass(frozen=True)
class KeyPressed:
    """A digit came by INFO (no telephone-event was agreed)."""

    digit: str


@dataclass(frozen=True)
class CallClosing:
    """CANCEL or BYE went out, or they hung up: sound ends now, the call soon."""


@dataclass(frozen=True)
class CallEnded:
    """The call is over; always the last event."""

    disposition: Disposition
    raw: Raw


CallEvent = CallRinging | CallAnswered | MediaChanged | KeyPressed | CallClosing | CallEnded


class TransactionUser(Protocol):
    """What hears of a client transaction's responses."""

    def on_response(self, response: Message, now: float) -> None:
        """A response came."""

    def on_failure(self, request: Message, reason: str, now: float) -> None:
        """None came in time, or the request could not be sent."""


class Stack(Protocol):
    """What a call needs from whoever owns it."""

    def send(self, message: Message, target: Target) -> None:
        """Send outside any transaction."""

    def request(self, message: Message, target: Target, user: TransactionUser | None) -> None:
        """Start a client transaction; without a user its outcome interests nobody."""

    def abandon(self, message: Message) -> None:
        """Forget the client transaction of this request."""

    def silence(self, message: Message) -> None:
        """Send this INVITE no more, but go on listening for its answers."""

    def emit(self, call_id: str, event: CallEvent) -> None:
        """Report an event of the call."""
