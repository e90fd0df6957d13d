"""One incoming call's SIP (RFC 3261, server side), without sockets or clocks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from hw.sim.sip_text import (
    SipText,
    address_of,
    parameter,
    response,
    split_addresses,
    uri_of,
)

Address = tuple[str, int]
Send = Callable[[bytes, Address], None]

ALLOW = ("allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE")
_SDP = ("content-type", "application/sdp")
_T1_S = 0.5
_T2_S = 4.0
_PHRASES = {
    180: "Ringing",
    200: "OK",
    404: "Not Found",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    603: "Decline",
}


class State(Enum):
    """Where the call stands."""

    RINGING = "ringing"
    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    LEAVING = "leaving"
    OVER = "over"


@dataclass
class _Repeat:
    """A message sent again until the other side shows that it has it (timers E, G, H)."""

    datagram: bytes
    address: Address
    next_s: float
    until_s: float
    interval_s: float = _T1_S


def return_address(request: SipText, source: Address) -> Address:
    """Where answers to a request go: its source with rport, else the Via's port."""
    via = request.get("via").split(",")[0]
    if ";rport" in via.replace(" ", ""):
        return source
    host_port = via.split(";")[0].split()[-1]
    return source[0], int(host_port.rpartition(":")[2]) if ":" in host_port else 5060


class UasCall:
    """Server side of one INVITE and the dialog it makes.

    `ended_by` is "caller" (BYE or CANCEL), "customer" (we refused or hung up) or "lost".
    """

    def __init__(self, invite: SipText, source: Address, contact: str, send: Send) -> None:
        """Answers 100 at once. `contact` is our own URI."""
        self.state = State.RINGING
        self.ended_by = ""
        self.call_id = invite.get("call-id")
        self._invite = invite
        self._reply_to = return_address(invite, source)
        self._contact = ("contact", f"<{contact}>")
        self._send = send
        self._tag = secrets.token_hex(8)
        self._last = b""
        self._leaves_on_ack = False
        self._repeat: _Repeat | None = None
        self._target = uri_of(invite.get("contact"))
        self._routes = split_addresses(invite.all("record-route"))
        self._sequence = secrets.randbelow(1000) + 1
        self._remote_sequence = invite.sequence[0]
        self._reply(response(invite, 100, "Trying"))

    @property
    def is_up(self) -> bool:
        """Answered and not yet ended."""
        return self.state in (State.ANSWERED, State.CONFIRMED)

    def ring(self) -> None:
        """180."""
        self._final_or_progress(180)

    def refuse(self, status: int, now_s: float) -> None:
        """A final answer above 299, repeated until its ACK."""
        self.state, self.ended_by = State.REFUSED, self.ended_by or "customer"
        self._final_or_progress(status)
        self._repeat_last(now_s)

    def answer(self, sdp: str, now_s: float) -> None:
        """200 with SDP, repeated until its ACK."""
        self.state = State.ANSWERED
        self._final_or_progress(200, sdp)
        self._repeat_last(now_s)

    def hang_up(self, now_s: float) -> None:
        """BYE along the route of the dialog, repeated until answered; not before the ACK."""
        if not self.is_up:
            return
        self.ended_by = self.ended_by or "customer"
        if self.state is State.ANSWERED and self._repeat is not None:
            self._leaves_on_ack = True
            return
        self.state = State.LEAVING
        self._sequence += 1
        bye = SipText(f"BYE {self._target} SIP/2.0")
        own_host = uri_of(self._contact[1]).rpartition("@")[2]
        bye.headers = [
            ("via", f"SIP/2.0/UDP {own_host};branch=z9hG4bK{secrets.token_hex(8)};rport"),
            ("max-forwards", "70"),
            *(("route", route) for route in self._routes),
            ("from", f"{self._invite.get('to')};tag={self._tag}"),
            ("to", self._invite.get("from")),
            ("call-id", self.call_id),
            ("cseq", f"{self._sequence} BYE"),
        ]
        hop = uri_of(self._routes[0]) if self._routes else self._target
        address = address_of(hop) or self._reply_to
        datagram = bye.to_bytes()
        self._send(datagram, address)
        self._repeat = _Repeat(datagram, address, now_s + _T1_S, now_s + 64 * _T1_S)

    def owns(self, message: SipText) -> bool:
        """Whether a message belongs to this call."""
        if message.get("call-id") != self.call_id:
            return False
        theirs = "from" if message.method else "to"
        return parameter(message.get(theirs), "tag") == parameter(self._invite.get("from"), "tag")

    def take(self, request: SipText, source: Address, now_s: float) -> None:
        """Handle a request of this call other than a re-INVITE that needs new terms."""
        reply_to = return_address(request, source)
        match request.method:
            case "INVITE":
                self._send(self._last, self._reply_to)
            case "ACK":
                self._acknowledged(now_s)
            case "CANCEL":
                self._plain(request, 200, reply_to)
                if self.state is State.RINGING:
                    self.ended_by = "caller"
                    self.refuse(487, now_s)
            case "BYE":
                self._plain(request, 200, reply_to)
                if self.state is not State.OVER:
                    self.ended_by = self.ended_by or "caller"
                    self._over()
            case "INFO" | "UPDATE" | "OPTIONS":
                self._plain(request, 200, reply_to)

    def is_new_offer(self, request: SipText) -> bool:
        """Whether this is a re-INVITE or UPDATE that changes the session."""
        newer = request.sequence[0] > self._remote_sequence
        return (
            self.is_up and newer and request.method in ("INVITE", "UPDATE") and bool(request.body)
        )

    def take_offer(self, request: SipText, source: Address, sdp: str | None, now_s: float) -> None:
        """Answer a new offer in the dialog with `sdp`, or with 488 for None."""
        self._remote_sequence = request.sequence[0]
        reply_to = return_address(request, source)
        if request.get("contact"):
            self._target = uri_of(request.get("contact"))
        if sdp is None:
            self._plain(request, 488, reply_to)
            return
        answer = response(
            request, 200, "OK", to_tag=self._tag, headers=[self._contact, ALLOW, _SDP], body=sdp
        )
        self._last, self._reply_to = answer.to_bytes(), reply_to
        self._send(self._last, reply_to)
        if request.method == "INVITE":
            self._repeat_last(now_s)

    def take_response(self, message: SipText) -> None:
        """The answer to our BYE."""
        if self.state is State.LEAVING and message.status >= 200:
            self._over()

    def run_timers(self, now_s: float) -> None:
        """Repeat what is due; give up after 64 T1."""
        repeat = self._repeat
        if repeat is None or now_s < repeat.next_s:
            return
        if now_s < repeat.until_s:
            repeat.interval_s = min(2 * repeat.interval_s, _T2_S)
            repeat.next_s = now_s + repeat.interval_s
            self._send(repeat.datagram, repeat.address)
            return
        self._repeat = None
        if self.is_up:
            self.ended_by = self.ended_by or "lost"
            self.hang_up(now_s)
        else:
            self._over()

    def _acknowledged(self, now_s: float) -> None:
        if self.state is State.REFUSED:
            self._over()
        elif self.is_up:
            self.state = State.CONFIRMED
            self._repeat = None
            if self._leaves_on_ack:
                self.hang_up(now_s)

    def _over(self) -> None:
        self.state, self._repeat = State.OVER, None

    def _final_or_progress(self, status: int, sdp: str = "") -> None:
        headers = [self._contact, ALLOW] + ([_SDP] if sdp else [])
        phrase = _PHRASES[status]
        self._reply(
            response(self._invite, status, phrase, to_tag=self._tag, headers=headers, body=sdp)
        )

    def _reply(self, answer: SipText) -> None:
        self._last = answer.to_bytes()
        self._send(self._last, self._reply_to)

    def _plain(self, request: SipText, status: int, reply_to: Address) -> None:
        answer = response(request, status, _PHRASES[status], to_tag=self._tag, headers=[ALLOW])
        self._send(answer.to_bytes(), reply_to)

    def _repeat_last(self, now_s: float) -> None:
        self._repeat = _Repeat(self._last, self._reply_to, now_s + _T1_S, now_s + 64 * _T1_S)
