"""One simulated customer on the phone: its SIP call, its sound, its persona."""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

from hw.base import (
    FRAME_MS,
    FRAME_SAMPLES,
    Frame,
    LineError,
    PlaybackFinished,
    PlaybackStarted,
)
from hw.sim.offer import Terms, accept
from hw.sim.performer import HangUpNow, Performer, Press, Say
from hw.sim.personas import Persona
from hw.sim.recording import CallRecording, Facts, Utterance
from hw.sim.sip_text import SipText
from hw.sim.uas import Address, State, UasCall
from hw.sim.voices import Voices
from hw.sip.jitter import JitterSettings
from hw.sip.media import bind_rtp
from hw.sip.stream import RtpStream, StreamEvent

log = logging.getLogger(__name__)

Report = Callable[[dict[str, object]], None]

_JITTER = JitterSettings(initial_ms=20, minimum_ms=20)
_DATAGRAM_BYTES = 2048
_REFUSALS = {"busy": 486, "reject": 603}


class Conversation:
    """From a ringing call to the saved recording; driven by `run_timers` and `tick`."""

    def __init__(
        self, uas: UasCall, persona: Persona, terms: Terms, voices: Voices, now_s: float
    ) -> None:
        """Rings at once, unless the persona is busy."""
        self.uas = uas
        self.persona = persona
        self.socket: socket.socket | None = None
        self.recording: CallRecording | None = None
        self._terms = terms
        self._decides_s = now_s + persona.answer.after_s
        self._performer = Performer(persona, voices)
        self._stream = RtpStream(_JITTER)
        self._session = (secrets.randbits(31), 1)
        if persona.answer.kind != "busy":
            uas.ring()

    def run_timers(self, now_s: float, host: str, report: Report) -> None:
        """Answer or refuse when it is time; repeat what was not acknowledged."""
        self.uas.run_timers(now_s)
        kind = self.persona.answer.kind
        if self.uas.state is not State.RINGING or now_s < self._decides_s or kind == "never":
            return
        if kind in _REFUSALS:
            self.uas.refuse(_REFUSALS[kind], now_s)
            return
        self.socket = bind_rtp(host, None)
        self._stream.agree(self._terms.agreement)
        self.recording = CallRecording(
            Facts(
                persona=self.persona.name,
                lang=self.persona.lang,
                call_id=self.uas.call_id,
                codec=self._terms.agreement.codec,
                answered_unix_s=time.time(),
            )
        )
        self.uas.answer(self._sdp(), now_s)
        report(self._fact("answered"))

    def take_offer(self, request: SipText, source: Address, now_s: float) -> None:
        """A re-INVITE: hold, another address, another codec."""
        terms = accept(request.body)
        if terms is not None:
            self._terms = terms
            self._session = (self._session[0], self._session[1] + 1)
            self._stream.agree(terms.agreement)
        self.uas.take_offer(request, source, self._sdp() if terms else None, now_s)

    def read_sound(self, now_s: float) -> None:
        """Take what has arrived on the RTP socket."""
        assert self.socket is not None
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    datagram, source = self.socket.recvfrom(_DATAGRAM_BYTES)
                except ConnectionError:
                    continue  # an ICMP error of an earlier packet
                self._stream.receive(datagram, source[:2], now_s)

    def tick(self, now_s: float, report: Report) -> None:
        """20 ms of an answered call."""
        if self.socket is None or not self.uas.is_up:
            return
        tick = self._stream.tick(now_s)
        if tick.datagram is not None:
            with contextlib.suppress(OSError):
                self.socket.sendto(tick.datagram, tick.destination)
        for event in tick.events:
            self._on_event(event, now_s, report)

    def finish(self, directory: Path | None, number: int, report: Report) -> None:
        """The call is over: close the socket, save the recording, tell."""
        fact = self._fact("ended", by=self.uas.ended_by)
        if self.socket is not None and self.recording is not None:
            self.socket.close()
            self.socket = None
            facts, counts = self.recording.facts, self._stream.jitter.counts
            facts.ended_by = self.uas.ended_by
            facts.playout_delay_ms = round(counts.playout_delay_ms, 1)
            facts.concealed_ms = counts.concealed_samples * FRAME_MS // FRAME_SAMPLES
            if directory is not None:
                try:
                    fact["recording"] = str(self.recording.save(directory, number))
                except LineError as error:
                    log.error("%s", error)
        report(fact)

    def _on_event(self, event: StreamEvent, now_s: float, report: Report) -> None:
        assert self.recording is not None
        utterances = self.recording.facts.utterances
        match event:
            case Frame():
                self.recording.add(event.said, event.heard)
                for action in self._performer.tick(event.heard):
                    self._act(action, now_s, report)
            case PlaybackStarted():
                utterances[int(event.token)].start_ms = event.index * FRAME_MS
            case PlaybackFinished():
                utterance = utterances[int(event.token)]
                utterance.end_ms = utterance.start_ms + event.played_ms
                self._performer.finished_speaking()
                report(self._fact("said", text=utterance.text, interrupts=utterance.interrupts))

    def _act(self, action: Say | Press | HangUpNow, now_s: float, report: Report) -> None:
        assert self.recording is not None
        facts = self.recording.facts
        match action:
            case Say():
                token = str(len(facts.utterances))
                facts.utterances.append(Utterance(action.text, action.when, action.interrupts))
                self._stream.play(token, action.pcm)
            case Press():
                try:
                    self._stream.press(action.key)
                except ValueError as error:
                    log.warning("%s cannot press %s: %s", self.persona.name, action.key, error)
                    return
                facts.digits.append({"digit": action.key, "at_ms": facts.duration_ms})
                report(self._fact("pressed", digit=action.key))
            case HangUpNow():
                self.uas.hang_up(now_s)

    def _fact(self, event: str, **more: object) -> dict[str, object]:
        fact: dict[str, object] = {
            "event": event,
            "persona": self.persona.name,
            "call_id": self.uas.call_id,
        }
        if self.recording is not None:
            fact["at_ms"] = self.recording.facts.duration_ms
        return fact | more

    def _sdp(self) -> str:
        assert self.socket is not None
        host, port = self.socket.getsockname()
        return self._terms.answer(host, port, *self._session)
