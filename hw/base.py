"""What a telephone line is: lines give legs, legs give events.

Sound on every leg is 16-bit little-endian linear PCM, mono, 8 kHz, in frames of
20 ms (160 samples, 320 bytes). A leg's clock is its frame index.
"""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum

SAMPLE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE_HZ * FRAME_MS // 1000
FRAME_BYTES = FRAME_SAMPLES * 2


class LineError(Exception):
    """Root of every error a line raises; the message says what to do."""


class Disposition(StrEnum):
    """Why a call attempt ended, in the words of the trade."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    INVALID = "invalid"
    UNREACHABLE = "unreachable"
    NETWORK_FAILURE = "network_failure"
    BLOCKED = "blocked"
    CONFIGURATION = "configuration"
    VOICEMAIL = "voicemail"
    ANNOUNCEMENT = "announcement"


@dataclass(frozen=True)
class Raw:
    """The facts the disposition was derived from, kept as they came.

    Attributes:
        status: final SIP status code of the INVITE, or None if none came.
        reason: reason phrase, Reason header or own words ("ring timeout").
        last_provisional: last 1xx status above 100, or None.
        q850: cause from a Q.850 Reason header, or None.
        ended_by: "us", "them" or "network".
    """

    status: int | None = None
    reason: str = ""
    last_provisional: int | None = None
    q850: int | None = None
    ended_by: str = "network"


@dataclass(frozen=True)
class Ringing:
    """A provisional answer: 18x, with or without early media."""

    status: int
    early_media: bool = False


@dataclass(frozen=True)
class Answered:
    """The person picked up (2xx). Frames after this are the conversation."""


@dataclass(frozen=True)
class Frame:
    """20 ms of the call, both directions aligned to the same clock.

    Attributes:
        index: counts every 20 ms since media started; never skips.
        heard: what arrived from them (320 bytes; concealed where packets were lost).
        said: what was sent to them in the same 20 ms (320 bytes; zeros when silent).
    """

    index: int
    heard: bytes
    said: bytes


@dataclass(frozen=True)
class PlaybackStarted:
    """The first frame of `token` was sent as frame `index`."""

    token: str
    index: int


@dataclass(frozen=True)
class PlaybackFinished:
    """`token` ended: wholly (`complete`) or cut off after `played_ms`."""

    token: str
    index: int
    played_ms: int
    complete: bool


@dataclass(frozen=True)
class Digit:
    """They pressed a key (0-9, *, #, A-D)."""

    digit: str


@dataclass(frozen=True)
class Ended:
    """The leg is over and its channel is free. Always the last event, exactly once."""

    disposition: Disposition
    raw: Raw = field(default_factory=Raw)


LegEvent = Ringing | Answered | Frame | PlaybackStarted | PlaybackFinished | Digit | Ended


class Leg(ABC):
    """One call attempt on a line. Methods never block; results come as events."""

    def __init__(self) -> None:
        """Make the queue of events; its one reader is the call's driver."""
        self.events: queue.SimpleQueue[LegEvent] = queue.SimpleQueue()

    @abstractmethod
    def play(self, token: str, pcm: bytes) -> None:
        """Queue sound behind what is already queued; `token` comes back in events.

        `pcm` is 16-bit 8 kHz of any length; the last frame is filled with silence.
        """

    @abstractmethod
    def stop_playback(self) -> None:
        """Drop all queued sound at once; the tokens cut off are reported finished."""

    @abstractmethod
    def hangup(self) -> None:
        """End the call: CANCEL before the answer, BYE after it. Idempotent."""


class Line(ABC):
    """Something that can place calls: a SIP trunk, a modem."""

    name: str
    channels: int = 1

    @abstractmethod
    def start(self) -> None:
        """Open devices and sockets. Constructors do no I/O."""

    @abstractmethod
    def stop(self) -> None:
        """End every leg, then close. Idempotent."""

    @abstractmethod
    def dial(self, address: str, *, ring_timeout_s: float = 45.0) -> Leg:
        """Start calling `address` (a number, or sip:user@host:port) and return at once.

        Raises:
            LineError: the line is not started, is full, or the address is malformed.
        """

    def status(self) -> dict[str, object]:
        """Facts for the status page: name, channels, channels in use, registered."""
        return {"name": self.name, "channels": self.channels}
