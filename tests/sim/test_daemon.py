"""`branchline run` as systemd runs it: ready, reload, goodbye, recovery after kill -9."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon import demo, paths
from daemon.rehearsal import people, render_voices, voices_dir
from daemon.store.write import open_store
from hw.sim.process import SimCustomers
from models.registry import Registry
from models.tts import load_synthesiser

PATIENCE_S = 90.0


def wait_for(what: str, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.1)


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path, self.heard = path, ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self.heard += self._socket.recv(4096).decode() + "\n"
            except OSError:
                return

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def trunk(state: Path) -> Iterator[str]:
    """Address of a silent person; the configuration's line leads there, a lead is due."""
    chosen = [p for p in people(["en"]) if p.name == "silent-en"]
    registry = Registry(None, paths.models_dir())
    render_voices(chosen, lambda lang: load_synthesiser(registry, lang), voices_dir())
    with SimCustomers(chosen, voices_dir()) as customers:
        write_config(customers.address)
        with open_store(paths.database_file()) as store:
            demo.enlist(store, chosen)
        yield customers.address


def write_config(address: str, line: str = "trunk", extra: str = "") -> None:
    text = f'[lines.{line}]\nproxy = "{address}"\n[storage]\nmin_free_mb = 10\n{extra}'
    paths.config_file().write_text(text)


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    listening = Systemd(tmp_path / "notify")
    yield listening
    listening.close()


def start(systemd: Systemd) -> subprocess.Popen[str]:
    """The daemon as a process of its own, ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", "run"],
        env={**os.environ, "NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "4000000"},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for("READY=1", lambda: "READY=1" in systemd.heard or process.poll() is not None)
    assert process.poll() is None, process.stderr and process.stderr.read()
    return process


def sentences() -> int:
    with open_store(paths.database_file()) as store:
        return len(store.query("SELECT 1 FROM events WHERE kind = 'said'"))


def test_a_stop_lets_the_running_call_say_goodbye(trunk: str, systemd: Systemd) -> None:
    process = start(systemd)
    wait_for("a conversation", lambda: sentences() >= 2)
    wait_for("a ping of the watchdog", lambda: "WATCHDOG=1" in systemd.heard)
    write_config(trunk, extra="[boks]\n")
    process.send_signal(signal.SIGHUP)
    time.sleep(2.0)
    assert process.poll() is None, "a wrong configuration changes nothing"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr is not None
    log = process.stderr.read()
    assert "did you mean box" in log
    assert "STOPPING=1" in systemd.heard
    with open_store(paths.database_file()) as store:
        call = store.recent_calls(1)[0]
        said = [e.payload["text"] for e in store.events(call.id) if e.kind == "said"]
    assert (call.disposition, call.outcome) == ("answered", "interrupted")
    assert "goodbye" in said[-1].lower()
    assert call.raw["ended_by"] == "us"


def test_a_reload_finishes_the_call_and_takes_the_new_settings(
    trunk: str, systemd: Systemd
) -> None:
    process = start(systemd)
    wait_for("a conversation", lambda: sentences() >= 1)
    write_config(trunk, line="renamed")
    process.send_signal(signal.SIGHUP)
    wait_for("RELOADING=1", lambda: "RELOADING=1" in systemd.heard)

    def renamed() -> bool:
        with open_store(paths.database_file()) as store:
            return [line.name for line in store.lines()] == ["renamed"]

    wait_for("the new line", renamed)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    with open_store(paths.database_file()) as store:
        assert store.recent_calls(1)[0].outcome == "no_response", "the call ran to its end"


def test_ctrl_c_ends_a_single_call_with_a_goodbye(trunk: str) -> None:
    command = [sys.executable, "-m", "daemon", "call", "+12025550107", "--lang", "en", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    wait_for("a conversation", lambda: sentences() >= 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    result = json.loads(output.strip().splitlines()[-1])
    assert process.returncode == 0
    assert (result["disposition"], result["outcome"]) == ("answered", "interrupted")
    assert "goodbye" in result["turns"][-1]["text"].lower()
    with open_store(paths.database_file()) as store:
        assert store.call(result["call_id"]).outcome == "interrupted"


def test_after_a_crash_the_call_is_closed_and_the_lead_is_not_called_at_once(
    trunk: str, systemd: Systemd
) -> None:
    process = start(systemd)
    wait_for("a conversation", lambda: sentences() >= 1)
    process.kill()
    process.wait(PATIENCE_S)
    systemd.heard = ""
    again = start(systemd)
    time.sleep(3.0)
    again.send_signal(signal.SIGTERM)
    assert again.wait(PATIENCE_S) == 0
    with open_store(paths.database_file()) as store:
        calls = store.recent_calls(5)
        lead = store.leads_with(calls[0].number)[0]
    assert [(call.disposition, call.outcome) for call in calls] == [
        ("network_failure", "interrupted")
    ]
    assert (lead.state, lead.attempts) == ("waiting", 1)
