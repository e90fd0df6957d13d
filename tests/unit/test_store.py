"""The database: events in order, durability, two processes, crashes, a disk that refuses."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.errors import LeadError, StoreError
from daemon.events import Concluded, Effected, Heard, PickedUp, Said
from daemon.store import CallEnd, CallStart, open_reader, open_store
from daemon.store.connect import migrations
from daemon.store.leads import NewLead, add_campaign, add_leads, set_campaign_state

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # noon in Shanghai
NUMBER = "+8610000000101"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "branchline.db"


@pytest.fixture
def store(path):
    with open_store(path) as opened:
        yield opened


def start(call_id: str = "c1", number: str = NUMBER, **more) -> CallStart:
    return CallStart(call_id, f"sip:{number}@127.0.0.1", number, "zh", "a/b", "main", NOW, **more)


def test_what_is_written_is_meant_to_survive_a_power_cut(store):
    pragmas = [store.query(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2], "2 is FULL"


def test_a_call_from_begin_to_end(store, caplog):
    store.begin_call(start())
    assert [call.id for call in store.open_calls()] == ["c1"]
    store.append_event("c1", PickedUp(0))
    store.append_event("c1", Said(12, "您好", "t1", -1))
    store.append_event("c1", Heard(2500, "喂", "greeting", "pattern", 0.9, 41.5))
    end = CallEnd("answered", "refused", NOW, 4200, 30_000, {"status": 200}, "/r/c1.wav")
    store.finish_call("c1", end)
    call = store.call("c1")
    assert (call.disposition, call.outcome, call.answered_ms) == ("answered", "refused", 4200)
    assert call.raw == {"status": 200}
    events = store.events("c1")
    assert [(e.seq, e.at_ms, e.kind) for e in events] == [
        (0, 0, "picked_up"),
        (1, 12, "said"),
        (2, 2500, "heard"),
    ]
    assert events[2].payload["text"] == "喂"
    assert [(o.outcome, o.calls) for o in store.outcomes_since(NOW)] == [("refused", 1)]
    assert store.outcomes_since(NOW + timedelta(seconds=1)) == []
    with pytest.raises(StoreError, match="never begun"):
        store.finish_call("c2", end)
    store.append_event("c1", Concluded(30_000, "refused"))
    assert len(store.events("c1")) == 4
    assert caplog.text == ""


def test_events_reach_a_reader_without_being_asked(store, path):
    store.begin_call(start())
    with open_reader(path) as reader:
        last = reader.last_event_id()
        before = reader.data_version()
        store.append_event("c1", PickedUp(0))
        for _ in range(200):
            if found := reader.events_after(last):
                break
            threading.Event().wait(0.05)
        assert [event.kind for event in found] == ["picked_up"]
        assert reader.data_version() != before
        assert reader.events_after(found[-1].id) == []


def test_events_of_several_threads_keep_their_order_within_a_call(store):
    calls = [f"c{i}" for i in range(4)]
    for call_id in calls:
        store.begin_call(start(call_id))

    def talk(call_id: str) -> None:
        for at_ms in range(300):
            store.append_event(call_id, Said(at_ms, "x", str(at_ms), -1))

    threads = [threading.Thread(target=talk, args=(call_id,)) for call_id in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for call_id in calls:
        assert [event.at_ms for event in store.events(call_id)] == list(range(300))


def test_events_outlive_a_disk_that_refuses_for_a_while(store, path, caplog):
    store.begin_call(start())
    pages = store.query("PRAGMA page_count")[0][0]
    store.query(f"PRAGMA max_page_count = {pages}")
    for at_ms in range(50):
        store.append_event("c1", Said(at_ms, "long " * 400, str(at_ms), -1))
    with pytest.raises(StoreError, match="free space"):
        store.flush()
    assert store.query("SELECT count(*) FROM events")[0][0] == 0
    store.query("PRAGMA max_page_count = 100000")
    assert [event.at_ms for event in store.events("c1")] == list(range(50))


def test_one_impossible_event_does_not_hold_up_the_others(store, caplog):
    store.begin_call(start())
    store.append_event("c1", PickedUp(0))
    store.append_event("c1", Heard(1, "x", "y", "z", float("nan"), 1.0))
    store.append_event("c1", Concluded(2, "refused"))
    assert [event.kind for event in store.events("c1")] == ["picked_up", "concluded"]
    assert "event heard of call c1" in caplog.text


def test_an_event_of_an_unknown_call_is_an_error(store):
    with pytest.raises(StoreError, match="no call nowhere"):
        store.append_event("nowhere", PickedUp(0))


def test_do_not_call_is_there_for_others_at_once_and_keeps_the_first_reason(store, path):
    campaign = add_campaign(store, name="a", scenario="x/y", lang="zh", now=NOW)
    add_leads(store, campaign.id, [NewLead(NUMBER, "CN", "zh")], NOW)
    store.begin_call(start())
    store.add_do_not_call(
        NUMBER, reason="asked", wording="别再打了", call_id="c1", at_ms=9000, now=NOW
    )
    store.add_do_not_call(NUMBER, reason="again", now=NOW + timedelta(days=1))
    with open_reader(path) as reader:
        entry = reader.do_not_call(NUMBER)
        assert (entry.reason, entry.wording, entry.call_id) == ("asked", "别再打了", "c1")
        assert reader.do_not_call("+8610000000102") is None
        assert [lead.state for lead in reader.leads_with(NUMBER)] == ["blocked"]
    late = add_campaign(store, name="b", scenario="x/y", lang="zh", now=NOW)
    add_leads(store, late.id, [NewLead(NUMBER, "CN", "zh")], NOW)
    assert store.leads(late.id)[0].state == "blocked"


def test_requests_are_taken_once_and_answered(store, path):
    with open_store(path) as page:
        asked = page.submit_request("campaign_stop", {"name": "春"}, NOW)
    (taken,) = store.take_requests(NOW)
    assert (taken.id, taken.payload) == (asked, {"name": "春"})
    assert store.take_requests(NOW) == []
    store.answer_request(asked, {"state": "stopped"})
    assert store.request(asked).result == {"state": "stopped"}


def test_a_failed_transaction_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.transaction():
        store.begin_call(start())
        raise RuntimeError
    assert store.recent_calls(5) == []
    store.begin_call(start())
    assert len(store.recent_calls(5)) == 1


def test_line_states_follow_the_configuration(store):
    store.set_line("old", {"channels": 1}, NOW)
    store.set_line("main", {"channels": 1}, NOW)
    store.set_line("main", {"channels": 2}, NOW)
    store.keep_lines({"main"})
    assert [(line.name, line.status) for line in store.lines()] == [("main", {"channels": 2})]


def test_campaign_names_are_unique_and_unknown_ones_are_named(store):
    add_campaign(store, name="spring", scenario="x/y", lang="zh", now=NOW)
    with pytest.raises(LeadError, match="already"):
        add_campaign(store, name="spring", scenario="x/y", lang="zh", now=NOW)
    with pytest.raises(LeadError, match="campaigns: spring"):
        set_campaign_state(store, "sprung", "running", NOW)


def test_opening_says_what_is_wrong(tmp_path):
    with pytest.raises(StoreError, match="no database"):
        open_reader(tmp_path / "none.db")
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="restore"):
        open_store(other)
    newer = tmp_path / "newer.db"
    open_store(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreError, match="newer Branchline"):
        open_store(newer)


def test_migrations_are_numbered_without_gaps_and_every_table_is_strict(store):
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))
    tables = store.query("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    assert len(tables) >= 9
    assert all(re.search(r"\) STRICT$", row["sql"]) for row in tables)


def test_two_processes_may_create_the_database_at_the_same_time(path):
    code = "import sys, pathlib; from daemon.store import open_store;"
    code += "open_store(pathlib.Path(sys.argv[1])).close()"
    both = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    open_reader(path).close()


def test_opening_and_closing_many_leaks_nothing(path):
    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) + threading.active_count()

    open_store(path).close()
    before = held()
    for number in range(30):
        with open_store(path) as opened, open_reader(path):
            opened.begin_call(start(f"c{number}"))
            opened.append_event(f"c{number}", PickedUp(0))
    assert held() == before


WRITER = textwrap.dedent("""
    import itertools, pathlib, sys
    from datetime import UTC, datetime
    from daemon.events import Said
    from daemon.store import CallStart, open_store

    now = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    store = open_store(pathlib.Path(sys.argv[1]))
    for n in itertools.count():
        call = f"c{n}"
        store.begin_call(CallStart(call, "x", f"+1{n:010}", "en", "a/b", "main", now))
        for at_ms in range(20):
            store.append_event(call, Said(at_ms, "text " * 50, "t", -1))
        store.add_do_not_call(f"+1{n:010}", reason="asked", call_id=call, now=now)
        sys.stdout.write(f"{n}\\n")
        sys.stdout.flush()
""")


@pytest.mark.parametrize("lines", [3, 40])
def test_kill_in_the_middle_of_writes_loses_nothing_that_was_promised(path, lines):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(lines):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    promised = lines + len(process.stdout.read().splitlines())
    process.stdout.close()
    process.wait(timeout=60)
    with open_store(path) as store:
        assert store.query("PRAGMA integrity_check")[0][0] == "ok"
        assert store.query("PRAGMA foreign_key_check") == []
        for number in range(promised):
            assert store.do_not_call(f"+1{number:010}") is not None
            assert store.call(f"c{number}").ended_utc_ms is None
        closed = store.close_interrupted(NOW)
        assert len(closed) in (promised, promised + 1)
        assert {(call.disposition, call.outcome) for call in closed} == {
            ("network_failure", "interrupted")
        }
        assert store.open_calls() == []
        for call in closed:  # what reached the disk is a beginning without gaps
            sequence = [event.seq for event in store.events(call.id)]
            assert sequence == list(range(len(sequence)))


def test_calls_of_another_living_process_are_left_alone(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.stdout.readline()
        with open_store(path) as store:
            store.begin_call(start("mine"))
            closed = store.close_interrupted(NOW)
        assert [call.id for call in closed] == ["mine"]
    finally:
        process.kill()
        process.stdout.close()
        process.wait(timeout=60)


def test_effects_keep_their_detail(store):
    store.begin_call(start())
    store.append_event("c1", Effected(5, "call_back", "2026-03-03T15:00:00+08:00"))
    assert store.events("c1")[0].payload == {
        "effect": "call_back",
        "detail": "2026-03-03T15:00:00+08:00",
    }
