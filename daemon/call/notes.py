"""The stored form of what happens in a call."""

from __future__ import annotations

from daemon.call import signals as sig
from daemon.dialog.reply import CallBack, DoNotCall, Effect, Reply, TransferRequest
from daemon.events import Effected, Heard, HungUp
from hw.base import Disposition


def hung_up_event(event: sig.LegOver, disposition: Disposition) -> HungUp:
    """The end of the leg with the facts that the line gave."""
    raw = event.raw
    return HungUp(
        event.at_ms,
        str(disposition),
        raw.status,
        raw.reason,
        raw.last_provisional,
        raw.q850,
        raw.ended_by,
    )


def heard_event(event: sig.Recognised, reply: Reply) -> Heard:
    """The stored form of a turn of theirs, with what the engine made of it."""
    return Heard(
        event.at_ms, event.text, reply.intent, reply.layer, event.confidence, event.decode_ms
    )


def describe(effect: Effect, at_ms: int) -> Effected:
    """The stored form of an effect."""
    match effect:
        case DoNotCall():
            return Effected(at_ms, "do_not_call", effect.wording)
        case CallBack():
            return Effected(at_ms, "call_back", effect.at.isoformat())
        case TransferRequest():
            return Effected(at_ms, "transfer_request", effect.topic)
