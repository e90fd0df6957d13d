"""One outgoing call, without I/O: INVITE, its forks, its answers, CANCEL and BYE.

The call tells its `Stack` what to send and which `CallEvent`s happened; the stack
gives it responses, requests and the time. Exactly one `CallEnded` comes of it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import Enum, auto

from hw.base import Raw
from hw.sip import sdp
from hw.sip.dialog import Dialog
from hw.sip.digest import Credentials
from hw.sip.disposition import Verdict, disposition, q850_cause
from hw.sip.identity import ALLOW, USER_AGENT, Identity, new_branch, new_call_id, new_tag
from hw.sip.message import Message, make_request
from hw.sip.stack import (
    CallAnswered,
    CallClosing,
    CallEnded,
    CallRinging,
    KeyPressed,
    MediaChanged,
    Stack,
)
from hw.sip.transaction import TIMEOUT_S, Target

log = logging.getLogger(__name__)


class Phase(Enum):
    """Where a call stands."""

    CALLING = auto()
    CANCELLING = auto()
    TALKING = auto()
    CLOSING = auto()
    OVER = auto()


@dataclass(frozen=True)
class Callee:
    """Whom to call.

    Attributes:
        uri: Request-URI and To.
        hop: host and port the INVITE goes to.
        ring_timeout_s: how long to let it ring.
    """

    uri: str
    hop: Target
    ring_timeout_s: float


class Call:
    """The state of one call we place."""

    def __init__(
        self,
        stack: Stack,
        identity: Identity,
        callee: Callee,
        local: sdp.LocalDescription,
        credentials: Credentials,
    ) -> None:
        self.call_id = new_call_id()
        self.local_tag = new_tag()
        self.local = local
        self.identity = identity
        self.phase = Phase.CALLING
        self.dialog: Dialog | None = None
        self.remote_tags: set[str] = set()
        self.remote_cseq = -1
        self.deadline: float | None = None
        self.awaits_answer = False
        self._stack = stack
        self._callee = callee
        self._credentials = credentials
        self._cseq = 0
        self._invite: Message | None = None
        self._raw = Raw()
        self._verdict = Verdict.NONE
        self._answered = False
        self._heard = False
        self._cancel_sent = False
        self._media: sdp.Media | None = None
        self._last_ringing: CallRinging | None = None
        self._acks: dict[str, tuple[Message, Target]] = {}

    @property
    def media(self) -> sdp.Media | None:
        """What is agreed for the sound at present."""
        return self._media

    def start(self, now: float) -> None:
        """Send the INVITE."""
        self.deadline = now + self._callee.ring_timeout_s
        self._send_invite()

    def hangup(self, now: float, *, reason: str = "", ended_by: str = "us") -> None:
        """CANCEL before the answer, BYE after it; nothing when that is under way."""
        if self.phase is Phase.CALLING:
            self._cancel(Verdict.HUNG_UP, now, reason=reason)
        elif self.phase is Phase.TALKING:
            self._bye(reason=reason, ended_by=ended_by)

    def fail_media(self, now: float, reason: str) -> None:
        """The sound could not be set up or was lost: end the call."""
        if self.phase is Phase.CALLING:
            self._cancel(Verdict.MEDIA_FAILED, now, reason=reason)
        else:
            self.hangup(now, reason=reason, ended_by="network")

    def give_up(self) -> None:
        """The line is closing: end now, whatever the peer still owes us."""
        if self._verdict is Verdict.NONE and not self._answered:
            self._verdict = Verdict.HUNG_UP
        self._finish()

    def tick(self, now: float) -> None:
        """Ring timeout, or the wait after CANCEL is over."""
        if self.deadline is None or now < self.deadline:
            return
        self.deadline = None
        if self.phase is Phase.CALLING:
            self._cancel(Verdict.RING_TIMEOUT, now)
        elif self.phase is Phase.CANCELLING and self._invite is not None:
            self._stack.abandon(self._invite)
            self._finish()

    def on_response(self, response: Message, now: float) -> None:
        """A response to one of our requests."""
        method = response.cseq[1]
        if method == "BYE":
            self._on_bye_response(response)
        elif method == "INVITE":
            if response.code < 200:
                self._on_provisional(response, now)
            elif response.code < 300:
                self._on_success(response)
            else:
                self._on_refusal(response)

    def on_failure(self, request: Message, reason: str, now: float) -> None:
        """Timer B or F ran out, or the request could not be sent."""
        if request.method == "BYE":
            self._finish()
        elif request.method == "INVITE" and self.phase is not Phase.OVER:
            if self.phase is Phase.CALLING:
                self._verdict = Verdict.NO_RESPONSE
                self._raw = replace(self._raw, reason=reason)
            self._finish()

    def on_bye(self, request: Message) -> None:
        """They hung up (the 200 is sent by the caller of this method)."""
        if self.phase is Phase.TALKING:
            reason = ", ".join(request.all("Reason")) or "BYE"
            self._raw = replace(self._raw, ended_by="them", reason=reason, q850=q850_cause(request))
        self._finish()

    def change_media(self, media: sdp.Media) -> None:
        """The peer changed the sound; report it when it is a change."""
        if media != self._media:
            self._media = media
            if self.phase is Phase.TALKING:
                self._stack.emit(self.call_id, MediaChanged(media))
            elif self.phase is Phase.CALLING and self._last_ringing is not None:
                self._ring(replace(self._last_ringing, media=media))

    def press(self, digit: str) -> None:
        """A digit came by INFO; a second copy of an RFC 4733 digit is dropped."""
        agreed = self._media is not None and self._media.telephone_event is not None
        if self.phase is Phase.TALKING and not agreed:
            self._stack.emit(self.call_id, KeyPressed(digit))

    def _send_invite(self) -> None:
        self._cseq += 1
        callee, identity = self._callee, self.identity
        content = self.local.offer()
        fields = [
            identity.via(new_branch()),
            ("Max-Forwards", "70"),
            ("From", f"<{identity.address}>;tag={self.local_tag}"),
            ("To", f"<{callee.uri}>"),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._cseq} INVITE"),
            identity.contact,
            *self._credentials.fields("INVITE", callee.uri, content),
            ("User-Agent", USER_AGENT),
            ("Allow", ALLOW),
            ("Accept", sdp.CONTENT_TYPE),
            ("Content-Type", sdp.CONTENT_TYPE),
        ]
        self._invite = make_request("INVITE", callee.uri, fields, content)
        self._heard = False
        self._stack.request(self._invite, callee.hop, self)

    def _on_provisional(self, response: Message, now: float) -> None:
        self._heard = True
        if response.code > 100:
            self._raw = replace(self._raw, last_provisional=response.code)
            if response.to_tag:
                self.remote_tags.add(response.to_tag)
        if self.phase in (Phase.CANCELLING, Phase.OVER):
            self._send_cancel(now)
        elif self.phase is Phase.CALLING and response.code > 100:
            self._media = self._described(response) or self._media
            self._ring(CallRinging(response.code, self._media))

    def _ring(self, event: CallRinging) -> None:
        if event != self._last_ringing:
            self._last_ringing = event
            self._stack.emit(self.call_id, event)

    def _described(self, response: Message) -> sdp.Media | None:
        if not response.content:
            return None
        return sdp.agree(response.content, self.local.codecs)

    def _on_success(self, response: Message) -> None:
        assert self._invite is not None  # a response needs a request
        tag = response.to_tag
        if tag in self._acks:
            self._stack.send(*self._acks[tag])
            return
        dialog = Dialog(self.identity, self._invite, response)
        self._acks[tag] = dialog.ack(self._invite)
        self._stack.send(*self._acks[tag])
        self._credentials.settle()
        self.remote_tags.add(tag)
        if self.dialog is not None or self.phase is Phase.OVER:
            log.info("call %s: another fork answered, hanging it up", self.call_id)
            message, target = self._in_dialog(dialog, "BYE")
            self._stack.request(message, target, None)
            return
        self.dialog = dialog
        self.deadline = None
        self._raw = replace(self._raw, status=response.code)
        if self.phase is Phase.CANCELLING:
            self._bye(reason=self._raw.reason, ended_by="us")
        else:
            self._talk(response)

    def _talk(self, response: Message) -> None:
        media = self._described(response) if response.content else self._media
        if media is None:
            self._verdict = Verdict.NO_COMMON_CODEC
            self._bye(reason=Verdict.NO_COMMON_CODEC.value, ended_by="us")
            return
        self._media = media
        self._answered = True
        self.phase = Phase.TALKING
        self._raw = replace(self._raw, reason=response.reason)
        self._stack.emit(self.call_id, CallAnswered(media))

    def _on_refusal(self, response: Message) -> None:
        if self.phase is Phase.OVER:
            return
        challenged = response.code in (401, 407) and self.phase is Phase.CALLING
        if challenged and self._credentials.accept(response):
            self._send_invite()
            return
        reason = ", ".join(response.all("Reason")) or response.reason
        own = self._verdict is not Verdict.NONE
        self._raw = replace(
            self._raw,
            status=response.code,
            reason=self._raw.reason if own else reason,
            q850=q850_cause(response),
            ended_by=self._raw.ended_by if own else _ended_by(response.code),
        )
        self._finish()

    def _cancel(self, verdict: Verdict, now: float, *, reason: str = "") -> None:
        """Give the attempt up.

        Where this INVITE had no answer at all, the attempt is over for us at once; should
        one come later, CANCEL or ACK and BYE follow then.
        """
        assert self._invite is not None  # sent by start()
        if verdict is Verdict.RING_TIMEOUT and not self._heard:
            verdict = Verdict.NO_RESPONSE
        self._verdict = verdict
        ended_by = "network" if verdict is Verdict.NO_RESPONSE else "us"
        self._raw = replace(self._raw, reason=reason or verdict.value, ended_by=ended_by)
        self.phase = Phase.CANCELLING
        self._stack.emit(self.call_id, CallClosing())
        self.deadline = now + TIMEOUT_S
        if self._heard:
            self._send_cancel(now)
        else:
            self._stack.silence(self._invite)
            self._finish()

    def _send_cancel(self, now: float) -> None:
        """RFC 3261 section 9.1: same branch and Request-URI, only after a provisional."""
        if self._cancel_sent or self._invite is None:
            return
        self._cancel_sent = True
        kept = ("Via", "Route", "Max-Forwards", "From", "To", "Call-ID", "User-Agent")
        fields = [(name, value) for name, value in self._invite.fields if name in kept]
        fields.append(("CSeq", f"{self._invite.cseq[0]} CANCEL"))
        message = make_request("CANCEL", self._invite.uri, fields)
        self._stack.request(message, self._callee.hop, None)
        if self.phase is Phase.CANCELLING:
            self.deadline = now + TIMEOUT_S

    def _bye(self, *, reason: str, ended_by: str) -> None:
        assert self.dialog is not None  # set by the 2xx that made hanging up a BYE
        self.phase = Phase.CLOSING
        self._stack.emit(self.call_id, CallClosing())
        self.deadline = None
        self._raw = replace(self._raw, reason=reason or "BYE", ended_by=ended_by)
        self._stack.request(*self._in_dialog(self.dialog, "BYE"), self)

    def _in_dialog(self, dialog: Dialog, method: str) -> tuple[Message, Target]:
        fields = self._credentials.fields(method, dialog.request_uri)
        return dialog.request(method, fields=fields)

    def _on_bye_response(self, response: Message) -> None:
        if response.code < 200 or self.dialog is None:
            return
        if response.code in (401, 407) and self._credentials.accept(response):
            self._stack.request(*self._in_dialog(self.dialog, "BYE"), self)
            return
        self._finish()

    def _finish(self) -> None:
        if self.phase is Phase.OVER:
            return
        self.phase = Phase.OVER
        self.deadline = None
        word = disposition(self._raw, answered=self._answered, verdict=self._verdict)
        self._stack.emit(self.call_id, CallEnded(word, self._raw))


def _ended_by(code: int) -> str:
    return "network" if code == 408 or 500 <= code < 600 else "them"
