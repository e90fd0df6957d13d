"""A real call watched in a real browser: the transcript grows while people talk."""

import threading
import time
from pathlib import Path

from daemon import paths
from daemon.app import CallOrder
from daemon.call.result import CallResult
from daemon.config import Config
from daemon.rehearsal import LINE, Rehearsal, people, render_voices, voices_dir
from models.registry import Registry
from models.tts import load_synthesiser
from tests.peers.browser import chromium, text_of, texts_of, wait_for, web_process

SCENARIO = "finance/credit_card_installment"


def test_the_page_shows_a_call_as_it_is_spoken(state: Path) -> None:
    persona = next(p for p in people(["en"]) if p.name == "accepts-en")
    registry = Registry(None, paths.models_dir())
    render_voices([persona], lambda lang: load_synthesiser(registry, lang), voices_dir())
    results: list[CallResult] = []
    seen: list[int] = []
    with Rehearsal([persona], Config()) as box, web_process(state) as web, chromium() as page:
        box.prepare([(SCENARIO, "en")])
        page.get(web.url)
        wait_for("the stream", lambda: text_of(page, "#link") == "live")
        order = CallOrder(persona.number, SCENARIO, "en", {"name": "Alex Sample"})
        caller = threading.Thread(target=lambda: results.append(box.place(order, LINE)))
        caller.start()
        while caller.is_alive():
            seen.append(len(texts_of(page, ".turn .words")))
            time.sleep(0.3)
        caller.join()
        said = [turn.text for turn in results[0].turns if turn.who == "them"]
        page.get(f"{web.url}calls/{results[0].call_id}")
        wait_for("the whole transcript", lambda: said[-1] in text_of(page, "main"))
    assert results[0].outcome == "accepted"
    assert len(said) >= 3
    assert sorted(set(seen))[-1] >= 6, "turns were on the page while the call was running"
    assert len(set(seen)) >= 5, "the transcript grew turn by turn"
