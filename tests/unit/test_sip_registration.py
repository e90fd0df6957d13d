"""Registering: digest, refresh in time, retry with pauses, leaving."""

from __future__ import annotations

import itertools

from hw.sip.digest import Credentials
from hw.sip.endpoint import Endpoint
from hw.sip.message import Message, make_response
from hw.sip.registration import Registrar, Registration
from hw.sip.transaction import Send
from tests.unit.sip_wire import IDENTITY, THEM

CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"')


class Desk:
    """A registrar's desk: what we sent lies on it, answers go back by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.endpoint = Endpoint()
        self.registration = Registration(
            self.endpoint,
            IDENTITY,
            Registrar("example.test", THEM, 300),
            Credentials("user", "pass"),
        )
        self.endpoint.register(self.registration, self.now)

    def sent(self) -> list[Message]:
        return [action.message for action in self.endpoint.take() if isinstance(action, Send)]

    def reply(self, request: Message, code: int, *fields: tuple[str, str]) -> None:
        response = make_response(request, code, to_tag="r", fields=fields)
        self.endpoint.receive(response.raw, THEM, self.now)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.endpoint.deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.endpoint.tick(self.now)
        self.now = until


def registered() -> tuple[Desk, Message]:
    desk = Desk()
    (plain,) = desk.sent()
    desk.reply(plain, 401, CHALLENGE)
    (signed,) = desk.sent()
    desk.reply(signed, 200, ("Contact", "<sip:branchline@192.0.2.1:5060>;expires=120"))
    return desk, signed


def test_registers_and_refreshes_before_it_expires() -> None:
    desk, signed = registered()
    assert desk.registration.registered
    assert signed.uri == "sip:example.test"
    assert signed.cseq == (2, "REGISTER")
    assert 'username="user"' in signed.first("Authorization")
    desk.run(100)
    assert desk.sent() == []
    desk.run(15)
    (refresh, *_) = desk.sent()
    assert (refresh.call_id, refresh.from_tag) == (signed.call_id, signed.from_tag)
    assert refresh.cseq == (3, "REGISTER")
    assert "nc=00000002" in refresh.first("Authorization")


def test_any_other_datagram_is_not_its_answer() -> None:
    desk = Desk()
    (plain,) = desk.sent()
    stray = plain.raw.replace(plain.branch.encode(), b"z9hG4bKother")
    desk.endpoint.receive(
        stray.replace(b"REGISTER sip:example.test SIP/2.0", b"SIP/2.0 200 OK"), THEM, 1.0
    )
    assert not desk.registration.registered


def test_wrong_password_is_told_and_not_hammered() -> None:
    desk = Desk()
    for _ in range(2):
        (request,) = desk.sent()
        desk.reply(request, 401, CHALLENGE)
    assert desk.sent() == []
    assert not desk.registration.registered
    assert "check username and password" in desk.registration.last_error
    desk.run(590)
    assert desk.sent() == []
    desk.run(200)
    assert desk.sent()


def test_silent_registrar_is_asked_again_with_growing_pauses() -> None:
    desk = Desk()
    attempts = []
    for _ in range(3000):
        desk.run(1)
        attempts += [(desk.now, message.cseq[0]) for message in desk.sent()]
    starts = [min(at for at, n in attempts if n == number) for number in {n for _, n in attempts}]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert len(gaps) >= 4
    assert gaps[:4] == sorted(gaps[:4])
    assert gaps[0] > 60
    assert "cannot be reached" in desk.registration.last_error


def test_longer_life_when_the_registrar_demands_it() -> None:
    desk = Desk()
    (first,) = desk.sent()
    desk.reply(first, 423, ("Min-Expires", "3600"))
    (second,) = desk.sent()
    assert second.first("Expires") == "3600"


def test_leaving_takes_the_registration_back() -> None:
    desk, _ = registered()
    desk.endpoint.do(desk.registration.leave, desk.now)
    (request,) = desk.sent()
    assert request.first("Expires") == "0"
    desk.reply(request, 200)
    assert not desk.registration.registered
    desk.run(1000)
    assert desk.sent() == []
