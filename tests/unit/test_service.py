"""systemd's side is a real datagram socket; our side runs in processes of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import service

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


@pytest.fixture(params=["python-systemd", "own datagram"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "own datagram":
        monkeypatch.setattr(service, "_sd_notify", None)
    else:
        assert service.has_python_systemd()


@pytest.mark.usefixtures("either_way")
def test_every_message_arrives(manager: socket.socket) -> None:
    assert service.notify_ready("2 lines\nup")
    assert manager.recv(4096) == b"READY=1\nSTATUS=2 lines up"
    assert service.notify_stopping()
    assert manager.recv(4096) == b"STOPPING=1"
    assert service.notify_status("3 calls")
    assert manager.recv(4096) == b"STATUS=3 calls"
    assert service.notify_watchdog()
    assert manager.recv(4096) == b"WATCHDOG=1"
    assert service.notify_reloading()
    first, second = manager.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


@pytest.mark.usefixtures("either_way")
def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not service.notify_ready()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not service.notify_ready()


def test_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_sd_notify", None)
    name = f"branchline-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        sock.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        assert service.notify_ready()
        assert sock.recv(4096) == b"READY=1"


@pytest.mark.parametrize(
    ("microseconds", "pid", "expected"),
    [
        ("30000000", "", 15.0),
        ("30000000", "1", None),
        ("", "", None),
        ("0", "", None),
        ("soon", "", None),
    ],
)
def test_watchdog_interval(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, pid: str, expected: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert service.watchdog_interval_s() == expected
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert service.watchdog_interval_s() == expected or pid == "1"


def test_watchdog_pings_only_while_healthy(manager: socket.socket) -> None:
    answers = [True, True, False, RuntimeError("stuck"), True]
    asked = threading.Semaphore(0)
    all_asked = threading.Event()

    def healthy() -> bool:
        asked.release()
        if not answers:
            all_asked.set()
            return False
        answer = answers.pop(0)
        if isinstance(answer, RuntimeError):
            raise answer
        return answer

    watchdog = service.Watchdog(healthy, interval_s=0.01)
    watchdog.start()
    assert all_asked.wait(30)
    watchdog.stop()
    manager.settimeout(0)
    pings = []
    while True:
        try:
            pings.append(manager.recv(4096))
        except BlockingIOError:
            break
    assert pings == [b"WATCHDOG=1"] * 3


def test_no_watchdog_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    before = threading.active_count()
    watchdog = service.Watchdog(lambda: True)
    watchdog.start()
    assert threading.active_count() == before
    watchdog.stop()


def _in_checkout(code: str, *options: str) -> str:
    """Run code as `python` does in the checkout, where the folder systemd/ is first on the path."""
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return done.stdout.strip()


def test_folder_does_not_shadow_python_systemd() -> None:
    code = "from daemon import service; print(service.has_python_systemd())"
    assert _in_checkout(code) == "True"


def test_folder_alone_is_not_taken_for_python_systemd() -> None:
    # -S leaves site-packages out: the folder is all there is of that name.
    code = "import systemd; from daemon import service; print(service.has_python_systemd())"
    assert _in_checkout(code, "-S") == "False"
