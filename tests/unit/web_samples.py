"""A state directory with calls in it, for the tests of the status page."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask

from daemon.clock import SystemClock
from daemon.events import (
    CallEvent,
    Concluded,
    Dialled,
    Effected,
    Heard,
    HungUp,
    Interrupted,
    Partial,
    PickedUp,
    Rang,
    Said,
    SaidEnd,
    SpeechEnded,
    SpeechStarted,
)
from daemon.store.rows import CallEnd, CallStart
from daemon.store.write import Store
from daemon.web.app import create_app
from daemon.web.site import Site

REFUSAL: tuple[CallEvent, ...] = (
    Dialled(-4200, "trunk"),
    Rang(-3900, 180),
    PickedUp(0),
    Said(180, "您好，请问是王女士吗？", "greeting", -1),
    SaidEnd(3300, "greeting", 3120, True),
    SpeechStarted(3700),
    Partial(4100, "是"),
    SpeechEnded(4900, 4500),
    Heard(4890, "是我", "affirm", "pattern", 0.97, 141.0),
    Said(5050, "您的账单可以分期，想了解一下吗？", "offer", 550),
    SpeechStarted(6300),
    Interrupted(6600, "offer"),
    SaidEnd(6620, "offer", 1570, False),
    SpeechEnded(8100, 7700),
    Heard(8090, "别再打了", "do_not_call", "pattern", 0.99, 168.0),
    Effected(8095, "do_not_call", "别再打了"),
    Said(8350, "好的，不会再打扰您。", "goodbye", 650),
    SaidEnd(11000, "goodbye", 2650, True),
    Concluded(11400, "do_not_call"),
    HungUp(11410, "answered", 200, "OK", 180, 16, "us"),
)
ANSWERED = CallEnd(
    disposition="answered",
    outcome="do_not_call",
    ended=datetime.now(UTC),
    answered_ms=4200,
    duration_ms=11410,
    raw={"status": 200, "reason": "OK", "last_provisional": 180, "q850": 16, "ended_by": "us"},
)


def begin(store: Store, call_id: str, number: str = "+861000000101") -> None:
    """A call that has just been dialled."""
    started = datetime.now(UTC) - timedelta(seconds=1)
    address, scenario = "sip:callee@127.0.0.1:5080", "finance/credit_card_installment"
    store.begin_call(CallStart(call_id, address, number, "zh", scenario, "trunk", started))


def append(store: Store, call_id: str, events: Iterable[CallEvent]) -> None:
    """Store events and wait until they are written."""
    for event in events:
        store.append_event(call_id, event)
    store.flush()


def add_campaign(store: Store, name: str) -> None:
    """A campaign without leads."""
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO campaigns (name, scenario, lang, created_utc_ms, changed_utc_ms)"
            " VALUES (?, 'finance/credit_card_installment', 'zh', 0, 0)",
            (name,),
        )


def write_wav(path: Path, seconds: int = 2) -> bytes:
    """A silent two-channel recording; its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(4 * 8000 * seconds))
    return path.read_bytes()


def make_site(state: Path, streams: int = 4) -> Site:
    """The parts of the page over a state directory, not started."""
    zone = ZoneInfo("Asia/Shanghai")
    return Site(state / "branchline.db", state / "recordings", zone, SystemClock(), streams)


def make_app(site: Site) -> Flask:
    """The application over a site."""
    app = create_app(site)
    app.testing = True
    return app
