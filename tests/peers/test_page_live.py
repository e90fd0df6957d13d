"""The page in a real browser, fed by a real web process, while calls happen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from daemon.events import Partial, Said, SpeechStarted
from daemon.store.write import Store, open_store
from tests.peers.browser import WebProcess, chromium, text_of, texts_of, wait_for, web_process
from tests.unit.web_samples import ANSWERED, REFUSAL, add_campaign, append, begin, write_wav

CALL = "[data-call='c1']"
WORDS = f"{CALL} .turn .words"
HOSTILE = "<img src=x onerror=document.title='owned'><b>hi</b>"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "branchline.db") as store:
        yield store


@pytest.fixture
def web(tmp_path: Path, store: Store) -> Iterator[WebProcess]:
    with web_process(tmp_path) as web:
        yield web


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    with chromium() as browser:
        yield browser


def open_page(browser: WebDriver, web: WebProcess) -> None:
    """Open the page and mark it, so that a reload would be noticed."""
    browser.get(web.url)
    wait_for("the stream", lambda: text_of(browser, "#link") == "live")
    browser.execute_script("window.sameDocument = true")


def never_reloaded(browser: WebDriver) -> bool:
    return bool(browser.execute_script("return window.sameDocument === true"))


def page_errors(browser: WebDriver) -> list[str]:
    """What the browser complained of, refused connections of a restart aside."""
    logged = [entry["message"] for entry in browser.get_log("browser")]
    return [line for line in logged if "ERR_CONNECTION_REFUSED" not in line]


def test_a_transcript_grows_while_the_call_goes_on(
    browser: WebDriver, web: WebProcess, store: Store
) -> None:
    open_page(browser, web)
    assert text_of(browser, "#live") == ""
    begin(store, "c1")
    wait_for("the new call", lambda: "dialling" in text_of(browser, CALL))
    append(store, "c1", REFUSAL[:2])
    wait_for("ringing", lambda: "ringing" in text_of(browser, CALL))
    append(store, "c1", REFUSAL[2:5])
    wait_for("our greeting", lambda: texts_of(browser, WORDS) == ["您好，请问是王女士吗？"])
    append(store, "c1", REFUSAL[5:7])
    wait_for("their first word", lambda: texts_of(browser, f"{CALL} .them.open .words") == ["是"])
    append(store, "c1", REFUSAL[7:10])
    wait_for("their turn", lambda: texts_of(browser, f"{CALL} .them.done .words") == ["是我"])
    assert texts_of(browser, f"{CALL} .them .chip") == ["affirm", "pattern"]
    wait_for("our reply", lambda: texts_of(browser, f"{CALL} .latency") == ["550 ms"])
    append(store, "c1", REFUSAL[10:16])
    wait_for("the refusal", lambda: "On the do-not-call list 别再打了" in text_of(browser, CALL))
    assert "interrupted" in texts_of(browser, f"{CALL} .us .chip")
    append(store, "c1", REFUSAL[16:])
    store.finish_call("c1", ANSWERED)
    wait_for("the end", lambda: "answered · do not call" in text_of(browser, CALL))
    wait_for("today's figures", lambda: "100 %" in text_of(browser, "#today"))
    wait_for("the last calls", lambda: "do not call" in text_of(browser, "#recent"))
    assert len(texts_of(browser, WORDS)) == 5
    assert never_reloaded(browser)
    assert page_errors(browser) == []


def test_the_page_survives_a_restart_of_its_service(
    browser: WebDriver, web: WebProcess, store: Store, tmp_path: Path
) -> None:
    begin(store, "c1")
    begin(store, "c2")
    append(store, "c1", REFUSAL[:7])
    append(store, "c2", REFUSAL[:3])
    open_page(browser, web)
    assert web.stop() == 0
    wait_for("the loss", lambda: text_of(browser, "#link") == "reconnecting")
    append(store, "c1", REFUSAL[7:10])
    store.finish_call("c2", ANSWERED)
    with web_process(tmp_path, web.port):
        wait_for("the stream again", lambda: text_of(browser, "#link") == "live")
        wait_for("what was missed", lambda: texts_of(browser, f"{CALL} .latency") == ["550 ms"])
        wait_for("the other call gone", lambda: not text_of(browser, "[data-call='c2']"))
        append(store, "c1", REFUSAL[10:15])
        wait_for("what came then", lambda: "别再打了" in text_of(browser, CALL))
    assert never_reloaded(browser)
    assert page_errors(browser) == []


def test_a_tab_nobody_sees_gives_its_place_back(
    browser: WebDriver, web: WebProcess, store: Store
) -> None:
    def pages() -> int:
        with urlopen(f"{web.url}healthz") as answer:
            return int(json.load(answer)["pages"])

    begin(store, "c1")
    open_page(browser, web)
    seen = browser.current_window_handle
    assert pages() == 1
    browser.switch_to.new_window("tab")
    wait_for("its place back", lambda: pages() == 0)
    append(store, "c1", REFUSAL[:9])
    browser.close()
    browser.switch_to.window(seen)
    wait_for("what was missed", lambda: "是我" in text_of(browser, CALL))
    assert pages() == 1
    assert never_reloaded(browser)


def test_hostile_words_stay_words(browser: WebDriver, web: WebProcess, store: Store) -> None:
    begin(store, "c1")
    open_page(browser, web)
    title = browser.title
    append(store, "c1", [SpeechStarted(1), Partial(2, HOSTILE), Said(3, HOSTILE, "t", -1)])
    append(store, "c1", [replace(REFUSAL[8], text=HOSTILE, intent=HOSTILE, layer=HOSTILE)])
    wait_for("the words", lambda: texts_of(browser, WORDS).count(HOSTILE) == 3)
    browser.find_element(By.CSS_SELECTOR, f"{CALL} header a").click()
    wait_for("the call's page", lambda: HOSTILE in text_of(browser, ".transcript"))
    assert not browser.find_elements(By.CSS_SELECTOR, ".transcript img, .transcript b")
    browser.back()
    assert browser.title == title


def test_a_button_reaches_the_daemon(browser: WebDriver, web: WebProcess, store: Store) -> None:
    add_campaign(store, "spring")
    open_page(browser, web)
    wait_for("the campaign", lambda: "spring" in text_of(browser, "#campaigns"))
    browser.find_element(By.CSS_SELECTOR, "#campaigns button").click()
    wait_for("the request", lambda: len(store.query("SELECT 1 FROM requests")) == 1)
    (request,) = store.query("SELECT kind, payload FROM requests")
    assert tuple(request) == ("start_campaign", '{"campaign":"spring"}')
    wait_for("its mark", lambda: "asked for" in text_of(browser, "#campaigns"))


def test_a_time_in_the_transcript_moves_the_recording(
    browser: WebDriver, web: WebProcess, store: Store, tmp_path: Path
) -> None:
    recording = tmp_path / "recordings" / "c1.wav"
    write_wav(recording, seconds=12)
    begin(store, "c1")
    append(store, "c1", REFUSAL)
    store.finish_call("c1", replace(ANSWERED, recording=str(recording)))
    browser.get(f"{web.url}calls/c1?lang=en")
    length = "return document.getElementById('player').duration"
    wait_for("the recording", lambda: browser.execute_script(length) == 12)
    browser.find_element(By.CSS_SELECTOR, "button.moment[data-ms='8350']").click()
    at = "return document.getElementById('player').currentTime"
    wait_for("the moment", lambda: browser.execute_script(at) >= 8.35)
    assert page_errors(browser) == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_telephone_shows_it_without_scrolling_sideways(
    web: WebProcess, store: Store, lang: str
) -> None:
    add_campaign(store, "spring" * 12)
    store.set_line("trunk", {"state": "failed", "last_error": "x" * 300}, ANSWERED.ended)
    begin(store, "c1", number=f"sip:{'callee' * 20}@127.0.0.1")
    append(store, "c1", [*REFUSAL[:4], Said(9, "w" * 200, "t", 99_999)])
    with chromium(360, 800, lang=lang) as phone:
        for address in (web.url, f"{web.url}calls/c1"):
            phone.get(address)
            wait_for("the words", lambda: "w" * 200 in text_of(phone, ".transcript"))
            assert phone.execute_script("return document.documentElement.scrollWidth") == 360
