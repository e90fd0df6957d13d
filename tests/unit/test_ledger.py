"""A refusal that cannot be written at once is not lost, and a watcher cannot end a call."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.clock import SystemClock
from daemon.dialog.reply import DoNotCall
from daemon.errors import StoreError
from daemon.events import CallEvent, PickedUp
from daemon.ledger import CallLedger
from daemon.store.rows import CallStart
from daemon.store.write import Store, open_store

NUMBER = "+12025550103"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "branchline.db")
    opened.begin_call(
        CallStart("c1", NUMBER, NUMBER, "en", "finance/x", "trunk", datetime.now(UTC))
    )
    return opened


def lock_out(store: Store) -> None:
    store.query("PRAGMA query_only = ON")


def let_in(store: Store) -> None:
    store.query("PRAGMA query_only = OFF")


def test_a_refusal_is_tried_again_with_the_next_event(store: Store) -> None:
    ledger = CallLedger(store, SystemClock(), "c1", NUMBER)
    lock_out(store)
    ledger.carry(DoNotCall("stop calling me"), 5000)
    assert store.do_not_call(NUMBER) is None
    let_in(store)
    ledger.note(PickedUp(5020))
    refused = store.do_not_call(NUMBER)
    assert refused is not None
    assert (refused.wording, refused.at_ms) == ("stop calling me", 5000)


def test_settling_fails_loudly_until_the_refusal_is_written(store: Store) -> None:
    ledger = CallLedger(store, SystemClock(), "c1", NUMBER)
    lock_out(store)
    ledger.carry(DoNotCall("stop calling me"), 5000)
    with pytest.raises(StoreError):
        ledger.settle()
    let_in(store)
    ledger.settle()
    assert store.do_not_call(NUMBER) is not None


def test_a_watcher_that_fails_is_dropped_and_the_event_is_stored(store: Store) -> None:
    seen: list[CallEvent] = []

    def watcher(_call_id: str, event: CallEvent) -> None:
        seen.append(event)
        raise BrokenPipeError

    ledger = CallLedger(store, SystemClock(), "c1", NUMBER, watcher)
    ledger.note(PickedUp(0))
    ledger.note(PickedUp(20))
    assert len(seen) == 1
    assert len(store.events("c1")) == 2
