"""Why a call attempt ended: from SIP status, Q.850 cause and our own timer to one word.

Order of precedence: what we did ourselves (ring timeout, hang-up, no codec), then the
Q.850 cause of a Reason header, then the status code together with "was 18x seen".
"""

from __future__ import annotations

import re
from enum import StrEnum

from hw.base import Disposition, Raw
from hw.sip.message import Message


class Verdict(StrEnum):
    """What ended the attempt on our side, when nobody else did."""

    NONE = "none"
    RING_TIMEOUT = "ring timeout"
    HUNG_UP = "hung up before the answer"
    NO_RESPONSE = "no response"
    NO_COMMON_CODEC = "no common codec"
    MEDIA_FAILED = "media failed"


_OWN = {
    Verdict.RING_TIMEOUT: Disposition.NO_ANSWER,
    Verdict.HUNG_UP: Disposition.NO_ANSWER,
    Verdict.NO_RESPONSE: Disposition.NETWORK_FAILURE,
    Verdict.NO_COMMON_CODEC: Disposition.CONFIGURATION,
    Verdict.MEDIA_FAILED: Disposition.NETWORK_FAILURE,
}
_CAUSES: tuple[tuple[Disposition, frozenset[int]], ...] = (
    (Disposition.BUSY, frozenset({17})),
    (Disposition.NO_ANSWER, frozenset({18, 19})),
    (Disposition.REJECTED, frozenset({21})),
    (Disposition.INVALID, frozenset({1, 22, 28})),
    (Disposition.UNREACHABLE, frozenset({20, 27})),
    (Disposition.NETWORK_FAILURE, frozenset({3, 34, 38, 41, 42, 44, 47, 102, 127})),
    (Disposition.BLOCKED, frozenset({8, 52, 55, 57, 87})),
    (Disposition.CONFIGURATION, frozenset({65, 88})),
)
_STATUSES: tuple[tuple[Disposition, frozenset[int]], ...] = (
    (Disposition.BUSY, frozenset({486, 600})),
    (Disposition.NO_ANSWER, frozenset({487})),
    (Disposition.REJECTED, frozenset({603})),
    (Disposition.INVALID, frozenset({301, 404, 410, 484, 485, 604})),
    (Disposition.UNREACHABLE, frozenset({300, 302})),
    (Disposition.NETWORK_FAILURE, frozenset({481, 482, 483, 491})),
    (Disposition.BLOCKED, frozenset({401, 402, 407, *range(428, 439), 607, 608})),
    (Disposition.CONFIGURATION, frozenset({505, 513, 606})),
)
# Codes that mean one thing after ringing and another without it: (after 18x, without).
_RINGING_MATTERS = {
    403: (Disposition.REJECTED, Disposition.BLOCKED),
    408: (Disposition.NO_ANSWER, Disposition.NETWORK_FAILURE),
    480: (Disposition.NO_ANSWER, Disposition.UNREACHABLE),
}
_CAUSE = re.compile(r"Q\.850\s*;.*?\bcause\s*=\s*(\d{1,3})", re.IGNORECASE)


def disposition(
    raw: Raw, *, answered: bool = False, verdict: Verdict = Verdict.NONE
) -> Disposition:
    """The one word for how the attempt ended.

    Args:
        raw: the facts; its status, q850 and last_provisional are used.
        answered: a 2xx came and the call was set up.
        verdict: what we did, Verdict.NONE when the other side ended it.
    """
    if answered:
        return Disposition.ANSWERED
    if verdict is not Verdict.NONE:
        return _OWN[verdict]
    for word, causes in _CAUSES:
        if raw.q850 in causes:
            return word
    return _from_status(raw)


def _from_status(raw: Raw) -> Disposition:
    if raw.status is None:
        return Disposition.NETWORK_FAILURE
    if raw.status in _RINGING_MATTERS:
        rang = raw.last_provisional is not None and 180 <= raw.last_provisional < 190
        return _RINGING_MATTERS[raw.status][0 if rang else 1]
    for word, statuses in _STATUSES:
        if raw.status in statuses:
            return word
    if raw.status >= 600:
        return Disposition.REJECTED
    return Disposition.NETWORK_FAILURE if raw.status >= 500 else Disposition.CONFIGURATION


def q850_cause(message: Message) -> int | None:
    """The Q.850 cause of a message's Reason header (RFC 3326), or None."""
    for value in message.all("Reason"):
        if match := _CAUSE.search(value):
            return int(match[1])
    return None
