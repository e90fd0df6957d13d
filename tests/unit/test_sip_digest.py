"""Digest authentication: published vectors, and when an answer may be tried again."""

from __future__ import annotations

import hashlib

import pytest

from hw.sip.digest import Challenge, Credentials, answer, parse_challenge
from hw.sip.message import Message
from tests.unit.sip_wire import SimCallee, Wire

# RFC 7616 section 3.9.1 and RFC 2617 section 3.5
RFC7616 = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_vectors(algorithm: str, response: str) -> None:
    challenge = Challenge(
        proxy=False, realm="http-auth@example.org", nonce=RFC7616, algorithm=algorithm, qop="auth"
    )
    value = answer(
        challenge,
        username="Mufasa",
        password="Circle of Life",
        method="GET",
        uri="/dir/index.html",
        cnonce=CNONCE,
    )
    assert f'response="{response}"' in value
    assert "nc=00000001" in value
    assert "qop=auth," in value


def test_rfc_2617_vector() -> None:
    challenge = parse_challenge(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        proxy=False,
    )
    assert challenge is not None
    value = answer(
        challenge,
        username="Mufasa",
        password="Circle Of Life",
        method="GET",
        uri="/dir/index.html",
        cnonce="0a4f113b",
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value


@pytest.mark.parametrize(
    "value",
    [
        'Basic realm="x"',
        'Digest realm="x", nonce="n", algorithm=AKAv1-MD5',
        'Digest realm="x", nonce="n", qop="token"',
        'Digest realm="x"',
    ],
)
def test_what_is_not_supported(value: str) -> None:
    assert parse_challenge(value, proxy=True) is None


def refusal(code: int, *challenges: str) -> Message:
    name = "Proxy-Authenticate" if code == 407 else "WWW-Authenticate"
    lines = "".join(f"{name}: {challenge}\r\n" for challenge in challenges)
    return Message(
        f"SIP/2.0 {code} No\r\nVia: SIP/2.0/UDP h;branch=b\r\nFrom: <sip:a@x>;tag=1\r\n"
        f"To: <sip:b@y>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{lines}\r\n".encode()
    )


def test_first_supported_challenge_of_a_realm_is_answered() -> None:
    credentials = Credentials("user", "pass")
    assert credentials.accept(
        refusal(
            407,
            'Digest realm="x", nonce="1", algorithm=SHA-512',
            'Digest realm="x", nonce="2", algorithm=SHA-256, qop="auth"',
            'Digest realm="x", nonce="3", algorithm=MD5',
        )
    )
    ((name, value),) = credentials.fields("INVITE", "sip:b@y")
    assert name == "Proxy-Authorization"
    assert 'nonce="2"' in value
    assert "algorithm=SHA-256" in value
    ((_, again),) = credentials.fields("BYE", "sip:b@y")
    assert "nc=00000002" in again


def test_a_refused_password_is_not_sent_again() -> None:
    credentials = Credentials("user", "wrong")
    assert credentials.accept(refusal(401, 'Digest realm="x", nonce="1"'))
    assert credentials.accept(refusal(401, 'Digest realm="x", nonce="2", stale=TRUE'))
    assert not credentials.accept(refusal(401, 'Digest realm="x", nonce="3"'))
    assert not Credentials("", "").accept(refusal(401, 'Digest realm="x", nonce="1"'))


def test_a_server_stale_for_ever_is_given_up() -> None:
    credentials = Credentials("user", "pass")
    stale = refusal(401, 'Digest realm="x", nonce="1", stale=true')
    assert sum(credentials.accept(stale) for _ in range(20)) < 10


def test_after_acceptance_a_new_challenge_is_answered() -> None:
    credentials = Credentials("user", "pass")
    assert credentials.accept(refusal(401, 'Digest realm="x", nonce="1"'))
    credentials.settle()
    assert credentials.accept(refusal(401, 'Digest realm="x", nonce="2"'))


class GuardedCallee(SimCallee):
    """Asks for a password with 407 until `knows` says that the request is good."""

    rejects = 1

    def receive(self, data: bytes, now: float) -> None:
        message = Message(data)
        fresh = message.is_request and message.branch not in {r.branch for r in self.requests}
        if fresh and message.method == "INVITE":
            asks, self.rejects = self.rejects > 0, self.rejects - 1
            self.final, self.provisional = (407, None) if asks else (200, 180)
            challenge = f'Digest realm="r", nonce="n{self.rejects}", qop="auth"'
            self.final_fields = (("Proxy-Authenticate", challenge),) if asks else ()
            self.think_s = 0.0
        super().receive(data, now)


def assert_signed(request: Message, *, password: str) -> None:
    """The digest, computed once more by hand (RFC 2617 section 3.2.2)."""
    value = request.first("Proxy-Authorization").removeprefix("Digest ")
    given = dict(part.split("=", 1) for part in value.split(", "))
    given = {name: text.strip('"') for name, text in given.items()}

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    middle = f"{given['nonce']}:{given['nc']}:{given['cnonce']}:auth"
    a1, a2 = md5(f"user:r:{password}"), md5(f"{request.method}:{request.uri}")
    assert given["uri"] == request.uri
    assert given["response"] == md5(f"{a1}:{middle}:{a2}")


def test_call_behind_a_proxy_that_asks() -> None:
    wire = Wire(GuardedCallee())
    call = wire.dial(account=("user", "pass"))
    wire.hangup(call, 5.0)
    wire.run(200)
    first, second = wire.callee.got("INVITE")
    assert [r.method for r in wire.callee.requests] == ["INVITE", "ACK", "INVITE", "ACK", "BYE"]
    assert second.cseq[0] == first.cseq[0] + 1
    assert (second.call_id, second.from_tag) == (first.call_id, first.from_tag)
    assert second.branch != first.branch
    for request in (second, wire.callee.got("BYE")[0]):
        assert_signed(request, password="pass")
    assert wire.ended.disposition == "answered"
    assert wire.at_rest


def test_second_refusal_of_the_password_means_blocked() -> None:
    class Never(GuardedCallee):
        rejects = 9

    wire = Wire(Never())
    wire.dial(account=("user", "wrong"))
    wire.run(200)
    assert len(wire.callee.got("INVITE")) == 2
    assert wire.ended.disposition == "blocked"
    assert wire.ended.raw.status == 407
    assert wire.at_rest
