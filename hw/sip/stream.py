"""One call's RTP both ways, without sockets or clocks: datagrams and ticks in, frames out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hw.base import FRAME_MS, FRAME_SAMPLES, Digit, Frame, PlaybackFinished, PlaybackStarted
from hw.sip import g711, rtp
from hw.sip.jitter import JitterBuffer, JitterSettings
from hw.sip.playout import SILENCE, Playout
from hw.sip.telephone_event import EventReceiver, event_payloads

Address = tuple[str, int]

NO_RTP_LIMIT_S = 20
_NO_RTP_FRAMES = NO_RTP_LIMIT_S * 1000 // FRAME_MS
_SOURCE_SILENT_FRAMES = 1000 // FRAME_MS
_SSRC_SILENT_FRAMES = 100 // FRAME_MS


@dataclass(frozen=True)
class MediaLost:
    """No sound can be expected any more: the media process died, or RTP stays away.

    For missing RTP it is repeated every 20 s for as long as nothing comes. `final` says
    that the port is dead and nothing will ever come.
    """

    reason: str
    final: bool = False


@dataclass(frozen=True)
class Agreement:
    """What the two sides agreed on in SDP.

    Attributes:
        remote: where to send until a packet shows where they really are.
        codec: what we send; both laws are always understood.
        telephone_event: payload type of key presses, or None.
    """

    remote: Address
    codec: str
    telephone_event: int | None
    send: bool = True
    receive: bool = True


StreamEvent = Frame | PlaybackStarted | PlaybackFinished | Digit | MediaLost


@dataclass
class Tick:
    """The outcome of 20 ms: a datagram to send and events in order."""

    events: list[StreamEvent] = field(default_factory=list)
    datagram: bytes | None = None
    destination: Address = ("", 0)


class RtpStream:
    """Sends and receives one call's sound; call `tick` every 20 ms."""

    def __init__(self, jitter: JitterSettings | None = None) -> None:
        """Idle until `agree`."""
        self.playout = Playout()
        self._jitter_settings = jitter
        self.jitter = JitterBuffer(jitter)
        self._agreement: Agreement | None = None
        self._codec = g711.PCMA
        self._sender = rtp.Sender()
        self._talking = False
        self._keys = EventReceiver()
        self._pressing: Iterator[bytes] | None = None
        self._press_timestamp = 0
        self._index = 0
        self._pending: list[StreamEvent] = []
        self._source: Address | None = None
        self._source_silent_frames = 0
        self._ssrc: int | None = None
        self._ssrc_silent_frames = 0
        self._no_rtp_frames = 0

    @property
    def frames(self) -> int:
        """Number of frames so far; the next one's index."""
        return self._index

    def agree(self, agreement: Agreement) -> None:
        """Start, or go on under changed terms (re-INVITE, hold, another codec)."""
        old = self._agreement
        self._agreement = agreement
        self._codec = g711.BY_NAME[agreement.codec]
        self._no_rtp_frames = 0
        if old is None or old.remote != agreement.remote:
            self._source = None
        if old is not None and agreement.receive and not old.receive:
            self.jitter = JitterBuffer(self._jitter_settings)

    def play(self, token: str, pcm: bytes) -> None:
        """Queue sound; it waits while nothing may be sent."""
        self.playout.add(token, pcm)

    def stop_playback(self) -> None:
        """Drop queued sound; the reports come with the next tick."""
        self._pending += self.playout.stop(max(0, self._index - 1))

    def press(self, key: str) -> None:
        """Send a key press instead of sound for about 140 ms.

        Raises:
            ValueError: not a key, or telephone events were not agreed on.
        """
        if self._agreement is None or self._agreement.telephone_event is None:
            raise ValueError("the other side takes no telephone events")
        self._pressing = event_payloads(key)
        self._press_timestamp = self._sender.timestamp

    def receive(self, datagram: bytes, source: Address, arrived_s: float) -> None:
        """Take a datagram from anywhere; what is not ours is dropped."""
        terms = self._agreement
        if terms is None or not terms.receive:
            return
        try:
            packet = rtp.parse(datagram)
        except rtp.RtpError:
            return
        codec = g711.BY_PAYLOAD_TYPE.get(packet.payload_type)
        is_key = packet.payload_type == terms.telephone_event
        if codec is None and not is_key and packet.payload_type != rtp.COMFORT_NOISE:
            return
        if not self._is_from_them(source, terms):
            return
        self._no_rtp_frames = 0
        if is_key:
            digit = self._keys.feed(packet)
            if digit is not None:
                self._pending.append(Digit(digit))
        elif self._is_current_ssrc(packet.ssrc):
            if codec is not None:
                self.jitter.push(
                    packet.ssrc,
                    packet.timestamp,
                    codec.decode(packet.payload),
                    marker=packet.marker,
                    arrived_s=arrived_s,
                )
            elif packet.payload:
                self.jitter.comfort_noise(-(packet.payload[0] & 0x7F))

    def tick(self, now_s: float) -> Tick:
        """Advance by 20 ms; empty before `agree`."""
        tick = Tick()
        terms = self._agreement
        if terms is None:
            tick.events, self._pending = self._pending, []
            return tick
        self._source_silent_frames += 1
        self._ssrc_silent_frames += 1
        said = SILENCE
        finished = None
        if terms.send:
            tick.destination = self._source or terms.remote
            if self._pressing is not None:
                tick.datagram = self._key_datagram(terms)
            if tick.datagram is None:
                out = self.playout.next_frame(self._index)
                finished = out.finished
                said = out.pcm or SILENCE
                if out.started:
                    tick.events.append(out.started)
                tick.datagram = self._sound_datagram(out.pcm)
        else:
            self._talking = False
        self._sender.advance(FRAME_SAMPLES)
        heard = self.jitter.pop(now_s) if terms.receive else SILENCE
        tick.events.append(Frame(self._index, heard, said))
        if finished:
            tick.events.append(finished)
        self._index += 1
        self._watch(terms)
        tick.events += self._pending
        self._pending = []
        return tick

    def _sound_datagram(self, pcm: bytes | None) -> bytes:
        talking = pcm is not None
        marker = talking and not self._talking
        self._talking = talking
        if pcm is None:
            payload = bytes([self._codec.silence]) * FRAME_SAMPLES
        else:
            payload = self._codec.encode(pcm)
        return self._sender.packet(self._codec.payload_type, payload, marker=marker)

    def _key_datagram(self, terms: Agreement) -> bytes | None:
        assert self._pressing is not None
        payload = next(self._pressing, None)
        if payload is None or terms.telephone_event is None:
            self._pressing = None
            return None
        return self._sender.packet(
            terms.telephone_event,
            payload,
            marker=self._sender.timestamp == self._press_timestamp,
            timestamp=self._press_timestamp,
        )

    def _is_from_them(self, source: Address, terms: Agreement) -> bool:
        """Symmetric RTP: keep to the first source; the SDP's own address always counts."""
        if source != self._source:
            silent = self._source_silent_frames > _SOURCE_SILENT_FRAMES
            if self._source is not None and source != terms.remote and not silent:
                return False
            self._source = source
        self._source_silent_frames = 0
        return True

    def _is_current_ssrc(self, ssrc: int) -> bool:
        """Whether to play this SSRC: the first, or another once that one is silent."""
        if ssrc != self._ssrc:
            if self._ssrc is not None and self._ssrc_silent_frames <= _SSRC_SILENT_FRAMES:
                return False
            self._ssrc = ssrc
        self._ssrc_silent_frames = 0
        return True

    def _watch(self, terms: Agreement) -> None:
        self._no_rtp_frames = self._no_rtp_frames + 1 if terms.receive else 0
        if self._no_rtp_frames >= _NO_RTP_FRAMES:
            self._no_rtp_frames = 0
            self._pending.append(MediaLost(f"no RTP received for {NO_RTP_LIMIT_S} s"))
