"""Settings of a SIP line: where it registers, its account, its codecs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hw.base import LineError
from hw.sip.address import host_port
from hw.sip.sdp import PAYLOAD_TYPES

_USER = re.compile(r"[^\s@<>\",;?]*")


@dataclass(frozen=True)
class SipSettings:
    """One SIP trunk, registration or plain local line.

    Attributes:
        name: the line's name on the status page and in logs.
        proxy: "host:port" that every call goes to; "" to call a URI's own host.
        local_host: address of ours to bind; "0.0.0.0" finds it by the route to the proxy.
        local_port: UDP port for signalling, 0 for any.
        username: account for digest authentication; "" when the trunk knows our address.
        register: keep `username` registered; False for a trunk without registration.
        register_expires_s: life of a registration to ask for.
        caller: user part of From; the username when left out.
        channels: how many calls the line carries at once.
        codecs: those offered, best first.
        domain: SIP domain of numbers and of From; the proxy when left out.
    """

    name: str
    proxy: str = ""
    local_host: str = "127.0.0.1"
    local_port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    register: bool = False
    register_expires_s: int = 300
    caller: str = ""
    channels: int = 1
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    domain: str = ""

    def __post_init__(self) -> None:
        """Check what would otherwise fail at the first call."""
        if self.channels < 1:
            raise LineError(f"line {self.name}: channels is {self.channels}; it must be 1 or more")
        unknown = [codec for codec in self.codecs if codec not in PAYLOAD_TYPES]
        if unknown or not self.codecs:
            raise LineError(f"line {self.name}: codecs must be some of PCMA, PCMU, not {unknown}")
        if self.register and not (self.username and (self.proxy or self.domain)):
            raise LineError(
                f"line {self.name}: to register, give username, password and proxy or domain"
            )
        for user in (self.username, self.caller):
            if not _USER.fullmatch(user):
                raise LineError(f"line {self.name}: {user!r} cannot be part of a SIP address")
        for address in filter(None, (self.proxy, self.domain)):
            host_port(address)

    @property
    def home(self) -> str:
        """Host part of a number's URI: the domain, or the proxy; "" when there is neither."""
        return self.domain or self.proxy
