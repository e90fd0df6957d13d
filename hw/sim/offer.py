"""The simulated customer's side of SDP offer and answer (RFC 3264), audio only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hw.sip import g711
from hw.sip.stream import Agreement

_MIRROR = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


@dataclass(frozen=True)
class Terms:
    """What we accept of an offer."""

    agreement: Agreement
    direction: str

    def answer(self, host: str, port: int, session: int, version: int) -> str:
        """The SDP that says so; `host` and `port` are where we want the sound."""
        codec = g711.BY_NAME[self.agreement.codec]
        formats = [str(codec.payload_type)]
        rows = [f"a=rtpmap:{codec.payload_type} {codec.name}/8000"]
        event = self.agreement.telephone_event
        if event is not None:
            formats.append(str(event))
            rows += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"]
        head = [
            "v=0",
            f"o=- {session} {version} IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {' '.join(formats)}",
        ]
        return "\r\n".join([*head, *rows, "a=ptime:20", f"a={self.direction}", ""])


def accept(sdp: str) -> Terms | None:
    """The terms we can meet, by the offer's first codec that is ours; None if there is none."""
    media = re.search(r"^m=audio (\d+)(?:/\d+)? RTP/AVP ([\d ]+)$(.*?)(?=^m=|\Z)", sdp, re.M | re.S)
    if media is None or media.group(1) == "0":
        return None
    port, formats, own = int(media.group(1)), media.group(2).split(), media.group(3)
    session = sdp[: media.start()]
    host = re.search(r"^c=IN IP4 (\S+)", own, re.M) or re.search(r"^c=IN IP4 (\S+)", session, re.M)
    codec = next(
        (g711.BY_PAYLOAD_TYPE[int(f)] for f in formats if int(f) in g711.BY_PAYLOAD_TYPE), None
    )
    if host is None or codec is None:
        return None
    event = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", own, re.M | re.I)
    stated = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", own, re.M)
    stated = stated or re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", session, re.M)
    direction = _MIRROR[stated.group(1)] if stated else "sendrecv"
    agreement = Agreement(
        remote=(host.group(1), port),
        codec=codec.name,
        telephone_event=int(event.group(1)) if event else None,
        send=direction in ("sendrecv", "sendonly"),
        receive=direction in ("sendrecv", "recvonly"),
    )
    return Terms(agreement, direction)
