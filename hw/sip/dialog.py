"""A SIP dialog: what both sides of a call remember of each other (RFC 3261 section 12)."""

from __future__ import annotations

from collections.abc import Iterable

from hw.sip.address import AddressError, NameAddress, Uri
from hw.sip.identity import USER_AGENT, Identity, new_branch
from hw.sip.message import Message, make_request
from hw.sip.transaction import Target


class Dialog:
    """One dialog of a call we placed, made from the response that created it.

    Attributes:
        remote_tag: their tag.
        remote_target: the URI requests are for: their Contact.
        route_set: Route values, nearest proxy first.
        local_cseq: number of our last request.
    """

    def __init__(self, identity: Identity, invite: Message, response: Message) -> None:
        self._identity = identity
        self._call_id = invite.call_id
        self._local = invite.first("From")
        self._remote = response.first("To")
        self.remote_tag = response.to_tag
        self.remote_target = _contact(response) or invite.uri
        self.route_set = [
            route for route in reversed(response.all("Record-Route")) if _is_address(route)
        ]
        self.local_cseq = invite.cseq[0]

    def refresh(self, message: Message) -> None:
        """Take over a new Contact from a re-INVITE, an UPDATE or their answers."""
        self.remote_target = _contact(message) or self.remote_target

    def ack(self, invite: Message) -> tuple[Message, Target]:
        """The ACK of a 2xx and where it goes: a request of its own, with its own branch."""
        return self._request("ACK", invite.cseq[0], (), b"")

    def request(
        self,
        method: str,
        *,
        fields: Iterable[tuple[str, str]] = (),
        content: bytes = b"",
    ) -> tuple[Message, Target]:
        """A new request within the dialog and where it goes."""
        self.local_cseq += 1
        return self._request(method, self.local_cseq, fields, content)

    @property
    def request_uri(self) -> str:
        """The Request-URI of requests in this dialog (section 12.2.1.1)."""
        if self.route_set and not _route(self.route_set[0]).loose:
            return str(_route(self.route_set[0]))
        return self.remote_target

    def _request(
        self, method: str, cseq: int, fields: Iterable[tuple[str, str]], content: bytes
    ) -> tuple[Message, Target]:
        routes = list(self.route_set)
        if routes and not _route(routes[0]).loose:
            routes = [*routes[1:], f"<{self.remote_target}>"]
        head = [self._identity.via(new_branch())]
        head += [("Route", route) for route in routes]
        head += [
            ("Max-Forwards", "70"),
            ("From", self._local),
            ("To", self._remote),
            ("Call-ID", self._call_id),
            ("CSeq", f"{cseq} {method}"),
            ("User-Agent", USER_AGENT),
        ]
        message = make_request(method, self.request_uri, [*head, *fields], content)
        return message, self._next_hop()

    def _next_hop(self) -> Target:
        if self.route_set:
            return _route(self.route_set[0]).hop
        return Uri.parse(self.remote_target).hop


def _route(value: str) -> Uri:
    return Uri.parse(NameAddress.parse(value).uri)


def _is_address(value: str) -> bool:
    try:
        _route(value)
    except AddressError:
        return False
    return True


def _contact(message: Message) -> str:
    """The URI of the message's Contact, or "" when there is none that can be called."""
    usable = (value for value in message.all("Contact") if _is_address(value))
    return next((NameAddress.parse(value).uri for value in usable), "")
