"""Requests from the peer: what we answer, within a call and outside one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hw.sip.call import Call, Phase
from hw.sip.identity import ALLOW, USER_AGENT
from hw.sip.message import METHODS, Message
from hw.sip.sdp import CONTENT_TYPE, agree

_SIGNAL = re.compile(rb"(?mi)^Signal\s*=\s*([0-9*#A-D])\s*$")
_DTMF = re.compile(rb"\s*([0-9*#A-Da-d])\s*")


@dataclass(frozen=True)
class Reply:
    """A response without what is copied from the request."""

    code: int
    fields: tuple[tuple[str, str], ...] = ()
    content: bytes = b""


_AGENT = ("User-Agent", USER_AGENT)
_ALLOW = ("Allow", ALLOW)
_ACCEPT = ("Accept", CONTENT_TYPE)
OK = Reply(200, (_AGENT,))
NO_SUCH_CALL = Reply(481, (_AGENT,))


def screen(request: Message) -> Reply | None:
    """The refusal every request may meet: unknown method or extension; None to go on."""
    if request.method not in METHODS:
        return Reply(405, (_ALLOW, _AGENT))
    required = request.all("Require")
    if required and request.method not in ("ACK", "CANCEL"):
        return Reply(420, (("Unsupported", ", ".join(required)), _AGENT))
    return None


def outside_call(request: Message) -> Reply:
    """Answer a request that belongs to no call: this line takes none itself."""
    if request.method == "INVITE" and not request.to_tag:
        return Reply(480, (_AGENT,))
    if request.method == "OPTIONS" and not request.to_tag:
        return Reply(200, (_ALLOW, _ACCEPT, _AGENT))
    return NO_SUCH_CALL


def within_call(call: Call, request: Message) -> Reply:
    """Answer a request of one of our calls, changing the call accordingly."""
    if request.method == "BYE":
        return _bye(call, request)
    if call.phase in (Phase.CLOSING, Phase.OVER):
        return NO_SUCH_CALL
    if call.dialog is not None and request.from_tag == call.dialog.remote_tag:
        if request.cseq[0] <= call.remote_cseq:
            return Reply(500, (("Retry-After", "1"), _AGENT))
        call.remote_cseq = request.cseq[0]
    if request.method == "INVITE":
        return _reinvite(call, request)
    if request.method == "UPDATE":
        return _update(call, request)
    if request.method == "INFO":
        return _info(call, request)
    return Reply(200, (_ALLOW, _ACCEPT, _AGENT))


def on_ack(call: Call, request: Message) -> None:
    """The ACK of our 2xx: it holds their answer when the offer was ours."""
    if request.content and call.awaits_answer:
        call.awaits_answer = False
        media = agree(request.content, call.local.codecs)
        if media is not None:
            call.change_media(media)


def _bye(call: Call, request: Message) -> Reply:
    if call.dialog is None or call.phase is Phase.OVER:
        return NO_SUCH_CALL
    if request.from_tag == call.dialog.remote_tag:
        call.on_bye(request)
    return OK


def _reinvite(call: Call, request: Message) -> Reply:
    if call.dialog is None:
        return Reply(491, (_AGENT,))
    call.dialog.refresh(request)
    if request.content:
        return _session(call, request)
    call.awaits_answer = True
    return _described(call, call.local.offer())


def _update(call: Call, request: Message) -> Reply:
    if call.dialog is not None:
        call.dialog.refresh(request)
    if request.content:
        return _session(call, request)
    return Reply(200, (call.identity.contact, _ALLOW, _AGENT))


def _session(call: Call, request: Message) -> Reply:
    kind = request.first("Content-Type").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE:
        return Reply(415, (_ACCEPT, _AGENT))
    answered = call.local.answer(request.content)
    if answered is None:
        return Reply(488, (_AGENT,))
    content, media = answered
    call.change_media(media)
    return _described(call, content)


def _described(call: Call, content: bytes) -> Reply:
    fields = (call.identity.contact, _ALLOW, _AGENT, ("Content-Type", CONTENT_TYPE))
    return Reply(200, fields, content)


def _info(call: Call, request: Message) -> Reply:
    kind = request.first("Content-Type").partition(";")[0].strip().lower()
    match = None
    if kind == "application/dtmf-relay":
        match = _SIGNAL.search(request.content)
    elif kind == "application/dtmf":
        match = _DTMF.fullmatch(request.content)
    if match is not None:
        call.press(match[1].decode().upper())
    return OK
