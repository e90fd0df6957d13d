"""Puts received packets back in order and in time: always 20 ms, every 20 ms.

The time base is the RTP timestamp, so a gap in the packets is a gap of the same
length in the sound, filled by the concealer. The delay starts at 40 ms, grows when
packets come too late and shrinks when they have long come early.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from hw.base import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES
from hw.sip.concealment import Concealer
from hw.sip.rtp import difference

_PER_MS = FRAME_SAMPLES // FRAME_MS
_JUMP_SAMPLES = 1000 * _PER_MS
_STARVED_FRAMES = 1000 // FRAME_MS
_REMEMBERED = 64
_QUIET_PEAK = 300


@dataclass(frozen=True)
class JitterSettings:
    """Delays of the reorder buffer."""

    initial_ms: int = 40
    minimum_ms: int = 20
    maximum_ms: int = 120
    cap_ms: int = 200


@dataclass
class JitterCounts:
    """What happened to the packets and samples of one stream so far."""

    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    resyncs: int = 0
    concealed_samples: int = 0
    played_packets: int = 0
    waited_s: float = 0.0

    @property
    def playout_delay_ms(self) -> float:
        """Mean time from a packet's arrival to its turn; 0 before the first."""
        return 1000 * self.waited_s / self.played_packets if self.played_packets else 0.0


class _Segment(NamedTuple):
    timestamp: int
    arrived_s: float
    pcm: bytes

    @property
    def end(self) -> int:
        return self.timestamp + len(self.pcm) // 2


class _Earliness:
    """How many samples ahead of their turn packets came, over the last 4 s."""

    _BLOCK_PACKETS = 25
    _BLOCKS = 8

    def __init__(self) -> None:
        self._blocks: deque[tuple[int, int]] = deque(maxlen=self._BLOCKS)
        self._block: list[int] = []

    def note(self, slack: int) -> None:
        self._block.append(slack)
        if len(self._block) == self._BLOCK_PACKETS:
            self._blocks.append((min(self._block), max(self._block)))
            self._block.clear()

    def shift(self, samples: int) -> None:
        """The delay was changed by `samples`: all past packets count from the new one."""
        blocks = [(low + samples, high + samples) for low, high in self._blocks]
        self._blocks = deque(blocks, maxlen=self._BLOCKS)
        self._block = [slack + samples for slack in self._block]

    def longest(self) -> int:
        """Slack of the earliest packet, which is the delay of the buffer now."""
        return max([high for _, high in self._blocks] + self._block, default=0)

    def surely(self) -> int | None:
        """What even the latest packet had to spare; None before 4 s are seen."""
        full = len(self._blocks) == self._BLOCKS
        return min(low for low, _ in self._blocks) if full else None

    def surely_now(self) -> int | None:
        """The same over the last half second."""
        return self._blocks[-1][0] if self._blocks else None


class JitterBuffer:
    """Reorder buffer of one received stream; memory is bounded by one second of sound."""

    def __init__(self, settings: JitterSettings | None = None) -> None:
        """Start empty; until the first packet every frame is silence."""
        self.settings = settings or JitterSettings()
        self.counts = JitterCounts()
        self._concealer = Concealer()
        self._segments: list[_Segment] = []
        self._ssrc: int | None = None
        self._next = 0
        self._played_end = 0
        self._starved_frames = 0
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)
        self._earliness = _Earliness()

    def push(
        self, ssrc: int, timestamp: int, pcm: bytes, *, marker: bool = False, arrived_s: float = 0.0
    ) -> None:
        """Take one packet's sound (16-bit, any length, at most 1 s)."""
        samples = len(pcm) // 2
        if not 0 < samples <= _JUMP_SAMPLES:
            return
        slack = difference(timestamp, self._next & 0xFFFFFFFF)
        if ssrc != self._ssrc or abs(slack) > _JUMP_SAMPLES:
            self._resync(ssrc, timestamp)
            slack = timestamp - self._next
        at = self._next + slack
        if at in self._recent:
            self.counts.duplicates += 1
            return
        self._recent.append(at)
        self._earliness.note(slack)
        if slack + samples <= 0 and not self._make_room(at, marker):
            self.counts.late += 1
            return
        self.counts.accepted += 1
        insort(self._segments, _Segment(at, arrived_s, pcm))

    def comfort_noise(self, level_dbov: int) -> None:
        """The far end describes its silence (RFC 3389)."""
        self._concealer.set_noise(level_dbov)
        self._concealer.fade_now()

    def pop(self, now_s: float = 0.0) -> bytes:
        """The next 20 ms, 320 bytes, always."""
        if self._ssrc is None:
            return bytes(FRAME_BYTES)
        self._shorten()
        pieces: list[bytes] = []
        position, end = self._next, self._next + FRAME_SAMPLES
        while self._segments and self._segments[0].timestamp < end:
            segment = self._segments[0]
            if segment.timestamp > position:
                pieces.append(self._conceal(segment.timestamp - position))
                position = segment.timestamp
            until = min(segment.end, end)
            if until > position:
                begin = 2 * (position - segment.timestamp)
                sound = segment.pcm[begin : begin + 2 * (until - position)]
                pieces.append(self._concealer.good(sound))
                if begin == 0:
                    self.counts.played_packets += 1
                    self.counts.waited_s += now_s - segment.arrived_s
                self._played_end = position = until
                self._starved_frames = 0
            if segment.end > end:
                break
            del self._segments[0]
        if position < end:
            pieces.append(self._conceal(end - position))
        self._next = end
        self._starved_frames += 1
        return b"".join(pieces)

    def _conceal(self, samples: int) -> bytes:
        self.counts.concealed_samples += samples
        return self._concealer.conceal(samples)

    def _resync(self, ssrc: int, timestamp: int) -> None:
        """Start over at this packet, which will play after the initial delay."""
        self._ssrc = ssrc
        self._segments.clear()
        self._recent.clear()
        self._earliness = _Earliness()
        self._next = timestamp - self.settings.initial_ms * _PER_MS
        self._played_end = self._next
        self._starved_frames = 0
        self.counts.resyncs += 1

    def _make_room(self, at: int, marker: bool) -> bool:
        """A packet came after its turn: lengthen the delay; whether it can still play."""
        unplayed = at >= self._played_end
        back = self._next - at if unplayed else FRAME_SAMPLES
        if self._earliness.longest() + back <= self.settings.maximum_ms * _PER_MS:
            self._move(-back)
            return unplayed
        if unplayed and (marker or self._starved_frames > _STARVED_FRAMES):
            assert self._ssrc is not None
            self._resync(self._ssrc, at)
            return True
        return False

    def _shorten(self) -> None:
        """Skip sound when the delay has been longer than needed for long."""
        surely_now = self._earliness.surely_now()
        if surely_now is not None and surely_now > self.settings.cap_ms * _PER_MS:
            self._move(surely_now - self.settings.initial_ms * _PER_MS)
            return
        surely = self._earliness.surely()
        spare = (self.settings.minimum_ms + FRAME_MS) * _PER_MS
        if surely is not None and surely >= spare and self._is_quiet():
            self._move(FRAME_SAMPLES)

    def _is_quiet(self) -> bool:
        """Whether the next frame holds nothing worth hearing."""
        end = self._next + FRAME_SAMPLES
        ahead = self._segments[: bisect_left(self._segments, end, key=lambda each: each.timestamp)]
        return all(max(map(abs, memoryview(each.pcm).cast("h"))) < _QUIET_PEAK for each in ahead)

    def _move(self, samples: int) -> None:
        """Play from `samples` later (negative: earlier) in the stream's time."""
        self._next += samples
        self._earliness.shift(-samples)
