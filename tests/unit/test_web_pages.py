"""What each address answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import LanguageAccept

from daemon.store.rows import OutcomeCount
from daemon.store.write import Store, open_store
from daemon.web.facts import masked, summary
from daemon.web.site import Site
from daemon.web.words import PAGE, VALUES, choose, words
from hw.base import Disposition
from tests.unit.web_samples import (
    ANSWERED,
    REFUSAL,
    add_campaign,
    append,
    begin,
    make_app,
    make_site,
    write_wav,
)

HOSTILE = "<script>alert(1)</script>'\"&"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "branchline.db") as store:
        yield store


@pytest.fixture
def site(tmp_path: Path, store: Store) -> Iterator[Site]:
    site = make_site(tmp_path)
    site.start()
    yield site
    site.stop()


@pytest.fixture
def page(site: Site) -> FlaskClient:
    client: FlaskClient = make_app(site).test_client()
    return client


def finished_call(store: Store, recording: str | None = None) -> None:
    begin(store, "c1")
    append(store, "c1", REFUSAL)
    store.finish_call("c1", replace(ANSWERED, recording=recording))


def test_a_finished_call_shows_words_times_and_raw_facts(page: FlaskClient, store: Store) -> None:
    finished_call(store)
    text = page.get("/calls/c1?lang=en").text
    assert "您的账单可以分期，想了解一下吗？" in text
    assert ">550 ms</span>" in text
    assert "median 600 ms" in " ".join(text.split())
    assert "interrupted" in text
    assert "On the do-not-call list" in text
    assert "Last provisional status" in text
    assert "+86•••0101" in text
    assert "861000000101" not in text


def test_words_of_a_stranger_are_text_not_markup(page: FlaskClient, store: Store) -> None:
    begin(store, "c1", number=f"sip:{HOSTILE}@x")
    heard = replace(REFUSAL[8], text=HOSTILE, intent=HOSTILE, layer=HOSTILE)
    append(store, "c1", [REFUSAL[2], heard])
    for address in ("/calls/c1", "/"):
        answer = page.get(address)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_speaks_the_language_asked_for(page: FlaskClient, lang: str) -> None:
    text = page.get(f"/?lang={lang}").text
    assert words(lang)["live_now"] in text
    by_header = page.get("/", headers={"Accept-Language": {"en": "en-GB", "zh": "zh-CN"}[lang]})
    assert words(lang)["live_now"] in by_header.text


def test_every_word_is_there_in_both_languages() -> None:
    assert all(en and zh for en, zh in (PAGE | VALUES).values())
    assert all(f"disposition.{value}" in VALUES for value in Disposition)
    assert choose("fr", LanguageAccept([("zh", 1)])) == "zh"


def test_every_outcome_of_the_scenarios_has_words() -> None:
    flows = files("daemon.dialog").joinpath("scenarios")
    found = {
        outcome
        for flow in Path(str(flows)).rglob("*.yaml")
        for outcome in re.findall(r"\boutcome: *([a-z_]+)", flow.read_text(encoding="utf-8"))
    }
    assert found
    assert {f"outcome.{outcome}" for outcome in found} <= set(VALUES)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"address": "127.0.0.1:5060", "registered": None}, "ready"),
        ({"address": "127.0.0.1:5060", "registered": True}, "ready"),
        ({"address": "127.0.0.1:5060", "registered": False}, ""),
        ({"address": "", "registered": None}, "down"),
        ({"state": "failed"}, "failed"),
    ],
)
def test_a_line_is_ready_only_if_it_can_call(
    page: FlaskClient, store: Store, site: Site, status: dict[str, object], state: str
) -> None:
    facts = {"channels": 4, "channels_in_use": 1, "last_error": "no answer"} | status
    store.set_line("trunk", facts, ANSWERED.ended)
    (line,) = site.facts.lines(store)
    assert (line["state"], line["channels_in_use"], line["error"]) == (state, 1, "no answer")


def test_a_recording_is_served_in_ranges(page: FlaskClient, store: Store, tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "recordings" / "c1.wav")
    finished_call(store, str(tmp_path / "recordings" / "c1.wav"))
    assert page.get("/calls/c1/recording").data == sound
    part = page.get("/calls/c1/recording", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, sound[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(sound)}"
    assert part.mimetype == "audio/wav"


@pytest.mark.parametrize("where", ["../secret.wav", "/etc/hostname", "gone.wav"])
def test_no_file_outside_the_recordings_is_served(
    page: FlaskClient, store: Store, tmp_path: Path, where: str
) -> None:
    write_wav(tmp_path / "secret.wav")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "link.wav").symlink_to(tmp_path / "secret.wav")
    finished_call(store, where)
    assert page.get("/calls/c1/recording").status_code == 404
    assert "<audio" not in page.get("/calls/c1").text


def test_a_link_out_of_the_recordings_is_not_followed(
    page: FlaskClient, store: Store, tmp_path: Path
) -> None:
    write_wav(tmp_path / "secret.wav")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "c1.wav").symlink_to(tmp_path / "secret.wav")
    finished_call(store, "c1.wav")
    assert page.get("/calls/c1/recording").status_code == 404


def test_a_button_becomes_a_request_for_the_daemon(page: FlaskClient, store: Store) -> None:
    add_campaign(store, "spring")
    token = page.application.config["TOKEN"]
    answer = page.post("/campaigns/start", data={"campaign": "spring", "token": token})
    assert answer.status_code == 303
    (request,) = store.query("SELECT kind, payload FROM requests")
    assert tuple(request) == ("start_campaign", '{"campaign":"spring"}')
    unknown = page.post("/campaigns/start", data={"campaign": "winter", "token": token})
    assert unknown.status_code == 404


def test_health_says_what_fails(page: FlaskClient, tmp_path: Path) -> None:
    assert page.get("/healthz").json["status"] == "ok"  # type: ignore[index]
    bare = make_site(tmp_path / "elsewhere")
    answer = make_app(bare).test_client().get("/healthz")
    assert answer.status_code == 503
    assert "start the daemon" in answer.json["database"]  # type: ignore[index]


def test_a_box_without_database_has_a_page(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    site.start()
    try:
        page = make_app(site).test_client()
        assert page.get("/").status_code == 200
        assert page.get("/calls/c1").status_code == 503
    finally:
        site.stop()


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+861000000101", "+86•••0101"),
        ("+12025550107", "+1•••0107"),
        ("sip:+12025550107@10.0.0.1:5060", "+1•••0107@10.0.0.1:5060"),
        ("sip:callee@127.0.0.1:5080", "•••@127.0.0.1:5080"),
        ("10086", "•••"),
    ],
)
def test_numbers_are_masked(number: str, shown: str) -> None:
    assert masked(number) == shown


def test_calls_that_were_never_dialled_do_not_lower_the_connect_rate() -> None:
    counts = [
        OutcomeCount("answered", "accepted", 2),
        OutcomeCount("answered", "refused", 1),
        OutcomeCount("busy", "", 3),
        OutcomeCount("configuration", "", 5),
    ]
    day = summary(counts)
    assert (day["calls"], day["answered"], day["connect_percent"]) == (11, 3, 50)
    assert day["outcomes"] == [["accepted", 2], ["refused", 1]]
    assert summary([])["connect_percent"] is None
