"""The stream: what a page is told, when, and what it is told again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.store.write import Store, open_store
from daemon.web.site import Site
from daemon.web.stream import QUEUE_LENGTH, Client, CrowdedError, Hub, Message, body
from tests.unit.web_samples import ANSWERED, REFUSAL, append, begin, make_app, make_site

NEVER = threading.Event().is_set


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "branchline.db") as store:
        yield store


@pytest.fixture
def site(tmp_path: Path, store: Store) -> Iterator[Site]:
    """Not started: the tests look themselves, so they need not wait."""
    site = make_site(tmp_path)
    site.watcher.look()
    yield site
    site.stop()


def drain(client: Client) -> list[Message]:
    found = []
    while message := client.get(0.01):
        found.append(message)
    return found


class Page:
    """What the page's script does with the stream."""

    def __init__(self) -> None:
        self.last_id = 0
        self.turns: dict[str, dict[int, Any]] = {}
        self.phase: dict[str, str] = {}

    def take(self, messages: list[Message]) -> None:
        for message in messages:
            self.last_id = message.id
            if message.name == "call":
                turns = self.turns.setdefault(message.data["id"], {})
                turns.update({turn["key"]: turn for turn in message.data["turns"]})
                self.phase[message.data["id"]] = message.data["phase"]


def test_a_page_follows_two_calls_as_they_happen(site: Site, store: Store) -> None:
    page = Page()
    client, first = site.watcher.join(0, "token")
    page.take(first)
    begin(store, "c1")
    begin(store, "c2")
    for event in REFUSAL:
        for call_id in ("c1", "c2"):
            append(store, call_id, [event])
        site.watcher.look()
        page.take(drain(client))
    store.finish_call("c1", ANSWERED)
    site.watcher.look()
    page.take(drain(client))
    assert page.phase == {"c1": "ended", "c2": "ended"}
    for turns in page.turns.values():
        assert [turn.get("text") for turn in turns.values() if turn["who"] == "them"] == [
            "是我",
            "别再打了",
        ]


@pytest.mark.parametrize("seen", range(0, len(REFUSAL), 3))
def test_a_page_that_was_away_gets_what_it_missed_and_no_more(
    site: Site, store: Store, seen: int
) -> None:
    page = Page()
    begin(store, "c1")
    append(store, "c1", REFUSAL[:seen])
    site.watcher.look()
    client, first = site.watcher.join(0, "token")
    page.take(first)
    site.hub.leave(client)
    append(store, "c1", REFUSAL[seen:])
    store.finish_call("c1", ANSWERED)
    site.watcher.look()
    known = page.last_id
    _, missed = site.watcher.join(known, "token")
    sent = [turn for message in missed for turn in message.data.get("turns", [])]
    assert all(turn["rev"] > known for turn in sent) or known == 0
    page.take(missed)
    full = make_app(site).test_client().get("/calls/c1?lang=zh").text
    assert all(turn.get("text", "") in full for turn in page.turns["c1"].values())
    assert len(page.turns["c1"]) == 9 or known == 0


def test_a_restarted_service_continues_where_the_page_was(
    site: Site, store: Store, tmp_path: Path
) -> None:
    begin(store, "c1")
    append(store, "c1", REFUSAL[:9])
    site.watcher.look()
    page = Page()
    page.take(site.watcher.join(0, "token")[1])
    site.stop()
    again = make_site(tmp_path)
    append(store, "c1", REFUSAL[9:12])
    again.watcher.look()
    try:
        page.take(again.watcher.join(page.last_id, "other")[1])
        assert [turn["state"] for turn in page.turns["c1"].values()][-1] == "open"
    finally:
        again.stop()


def test_a_replaced_database_is_noticed(site: Site, store: Store, tmp_path: Path) -> None:
    begin(store, "old")
    append(store, "old", REFUSAL[:5])
    site.watcher.look()
    client, _ = site.watcher.join(0, "token")
    assert [call["id"] for call in site.watcher.first()["calls"]] == ["old"]
    with open_store(tmp_path / "backup.db") as backup:
        begin(backup, "new")
    for name in ("branchline.db-wal", "branchline.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "backup.db").replace(tmp_path / "branchline.db")
    site.watcher.look()
    assert [call["id"] for call in site.watcher.first()["calls"]] == ["new"]
    assert not client.over


def test_a_call_closed_without_a_last_event_ends_on_the_page(site: Site, store: Store) -> None:
    begin(store, "c1")
    append(store, "c1", REFUSAL[:5])
    site.watcher.look()
    client, _ = site.watcher.join(0, "token")
    store.finish_call("c1", ANSWERED)
    site.watcher.look()
    calls = [message.data for message in drain(client) if message.name == "call"]
    assert [call["phase"] for call in calls] == ["ended"]


def test_more_pages_than_places_are_told_to_come_back(site: Site) -> None:
    clients = [site.watcher.join(0, "token")[0] for _ in range(site.hub.limit)]
    answer = make_app(site).test_client().get("/events")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    site.hub.leave(clients[0])
    assert len(site.hub) == site.hub.limit - 1


def test_a_closed_stream_gives_its_place_back(site: Site) -> None:
    page = make_app(site).test_client()
    for _ in range(site.hub.limit + 2):
        answer = page.get("/events?since=0", buffered=False)
        assert answer.status_code == 200
        assert next(answer.iter_encoded()).startswith(b"retry:")
        answer.close()
    assert len(site.hub) == 0


def test_a_page_that_does_not_read_is_let_go_alone() -> None:
    hub = Hub(2)
    slow, good = hub.join(), hub.join()
    for number in range(QUEUE_LENGTH + 1):
        hub.publish(Message("call", {}, number))
        assert good.get(1.0) is not None
    assert slow.over
    assert not good.over
    with pytest.raises(CrowdedError):
        hub.join()


def test_the_wire_format() -> None:
    message = Message("call", {"text": "a\nb\r\n\n你"}, 7)
    lines = message.encode().decode().split("\n")
    assert lines[:2] == ["id: 7", "event: call"]
    assert json.loads(lines[2].removeprefix("data: ")) == {"text": "a\nb\r\n\n你"}
    assert lines[3:] == ["", ""]


def test_a_quiet_stream_has_a_heartbeat_and_ends_when_the_service_does() -> None:
    hub = Hub(1)
    client = hub.join()
    stream = body(client, [], NEVER, heartbeat_s=0.01)
    assert next(stream).startswith(b"retry:")
    assert next(stream).startswith(b":")
    hub.close()
    assert list(stream) == []


def test_a_browser_that_left_ends_its_stream() -> None:
    stream = body(Hub(1).join(), [], lambda: True)
    assert [part[:6] for part in stream] == [b"retry:"]
