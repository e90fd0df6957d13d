"""Who we are in SIP messages, and the random names that tell calls apart."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from importlib.metadata import version

from hw.sip.message import BRANCH_COOKIE, METHODS

USER_AGENT = f"Branchline/{version('branchline')}"
ALLOW = ", ".join(METHODS)


def new_tag() -> str:
    """A From or To tag: 64 random bits (RFC 3261 section 19.3 asks for 32)."""
    return secrets.token_hex(8)


def new_call_id() -> str:
    """A Call-ID: random, and silent about our address."""
    return secrets.token_hex(16)


def new_branch() -> str:
    """The branch of a new transaction."""
    return BRANCH_COOKIE + secrets.token_hex(12)


@dataclass(frozen=True)
class Identity:
    """The address and name a line gives in its messages.

    Attributes:
        user: user part of From and Contact.
        host: our IP address as the peer sees it.
        port: our UDP port.
        domain: host part of From; our own address when the line has no domain.
    """

    user: str
    host: str
    port: int
    domain: str

    @property
    def address(self) -> str:
        """The address of record, sip:user@domain."""
        return f"sip:{self.user}@{self.domain}"

    @property
    def contact(self) -> tuple[str, str]:
        """The Contact field: where requests reach us."""
        return ("Contact", f"<sip:{self.user}@{self.host}:{self.port}>")

    def via(self, branch: str) -> tuple[str, str]:
        """The Via field of a request of ours."""
        return ("Via", f"SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport")
