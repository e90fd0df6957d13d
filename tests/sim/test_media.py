"""Two media processes talk over loopback through the interface that a call uses."""

import math
import os
import queue
import select
import socket
import struct
import subprocess
import sys
import threading

import pytest

from hw.base import Digit, Frame, LineError, PlaybackFinished, PlaybackStarted
from hw.sip import g711
from hw.sip.media_client import MediaEvent, MediaLost, MediaServer
from hw.sip.telephone_event import event_payloads

PATIENCE_S = 30.0


class Events:
    """Collects a port's events; waits for one of a kind."""

    def __init__(self) -> None:
        self.seen: list[MediaEvent] = []
        self._new: queue.SimpleQueue[MediaEvent] = queue.SimpleQueue()

    def __call__(self, event: MediaEvent) -> None:
        self.seen.append(event)
        self._new.put(event)

    def wait(self, kind: type, count: int = 1) -> MediaEvent:
        while True:
            event = self._new.get(timeout=PATIENCE_S)
            count -= isinstance(event, kind)
            if count == 0:
                return event

    def sound(self, side: str = "heard") -> bytes:
        return b"".join(getattr(e, side) for e in list(self.seen) if isinstance(e, Frame))


@pytest.fixture
def servers():
    pair = [MediaServer(), MediaServer()]
    for each in pair:
        each.start()
    yield pair
    for each in pair:
        each.stop()


def sweep(seconds: float) -> bytes:
    """300 to 3300 Hz."""
    count = int(8000 * seconds)
    phases = (2 * math.pi * (300 + 1500 * n / count) * n / 8000 for n in range(count))
    return struct.pack(f"<{count}h", *(round(9000 * math.sin(phase)) for phase in phases))


@pytest.mark.parametrize("codec", [g711.PCMA, g711.PCMU])
def test_a_sweep_arrives_as_g711_leaves_it(servers, codec):
    here, there = Events(), Events()
    ours, theirs = servers[0].open(here), servers[1].open(there)
    ours.connect((theirs.host, theirs.port), codec.name, 101)
    theirs.connect((ours.host, ours.port), codec.name, 101)
    there.wait(Frame, 5)
    prompt = sweep(1.5)
    ours.play("sweep", prompt)
    finished = here.wait(PlaybackFinished)
    there.wait(Frame, 75 + 20)
    ideal, heard = codec.decode(codec.encode(prompt)), there.sound()
    blocks = [ideal[at : at + 320] for at in range(0, len(ideal), 320)]
    exact = sum(block in heard for block in blocks)
    # A machine that stands still for 40 ms may cost a block or two, no more.
    assert exact >= len(blocks) - 4
    assert prompt in here.sound("said")
    (started,) = [e for e in here.seen if isinstance(e, PlaybackStarted)]
    assert finished == PlaybackFinished("sweep", started.index + 74, 1500, True)
    said = {e.index: e.said for e in here.seen if isinstance(e, Frame)}
    assert said[started.index] == prompt[:320]
    assert ours.port % 2 == theirs.port % 2 == 0


def test_frames_never_skip_and_playback_can_be_cut(servers):
    here = Events()
    port = servers[0].open(here)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        port.connect(peer.getsockname(), "PCMU", None)
        port.play("minute", sweep(60.0))
        here.wait(PlaybackStarted)
        here.wait(Frame, 10)
        port.stop_playback()
        cut = here.wait(PlaybackFinished)
        here.wait(Frame, 5)
    assert not cut.complete
    assert cut.played_ms >= 200
    frames = [e for e in here.seen if isinstance(e, Frame)]
    assert [e.index for e in frames] == list(range(len(frames)))
    assert frames[cut.index].said != bytes(320)
    assert frames[cut.index + 1].said == bytes(320)


def test_keys_and_garbage_on_the_wire(servers):
    here = Events()
    port = servers[0].open(here)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        port.connect(peer.getsockname(), "PCMA", 96)
        for garbage in (b"", b"\x80", os.urandom(60), b"\x80\x60" + bytes(10) + b"\xff\x80\0\0"):
            peer.sendto(garbage, (port.host, port.port))
        header = bytes.fromhex("8060000100000320deadbeef")
        for payload in event_payloads("*"):
            peer.sendto(header + payload, (port.host, port.port))
        assert here.wait(Digit) == Digit("*")
        here.wait(Frame, 10)
    assert sum(isinstance(e, Digit) for e in here.seen) == 1


def test_death_of_the_media_process_is_told_and_new_calls_work():
    server, here = MediaServer(), Events()
    with pytest.raises(LineError, match="not started"):
        server.open(here)
    server.start()
    try:
        port = server.open(here)
        port.connect(("127.0.0.1", 9), "PCMA", None)
        here.wait(Frame)
        (child,) = children()
        os.kill(child, 9)
        assert here.wait(MediaLost).reason == "the media process ended"
        port.play("late", bytes(320))
        port.close()
        again = Events()
        port = server.open(again)
        port.connect(("127.0.0.1", 9), "PCMA", None)
        again.wait(Frame)
    finally:
        server.stop()
    assert children() == []


def children() -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "hw.sip.media" in line]


def test_a_slow_reader_loses_no_events_and_no_time(servers):
    """While the main process does not read, the loop goes on and keeps its reports."""
    slow, free = Events(), threading.Event()

    def stall(event: MediaEvent) -> None:
        free.wait(PATIENCE_S)
        slow(event)

    port = servers[0].open(stall)
    port.connect(("127.0.0.1", 9), "PCMA", None)
    port.play("a", bytes(32_000))
    other = Events()
    reference = servers[1].open(other)
    reference.connect(("127.0.0.1", 9), "PCMA", None)
    other.wait(Frame, 100)
    free.set()
    slow.wait(PlaybackFinished)
    slow.wait(Frame, 20)
    frames = [e.index for e in slow.seen if isinstance(e, Frame)]
    assert frames == list(range(len(frames)))


def test_ports_come_from_the_range_and_run_out():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        base = probe.getsockname()[1] // 2 * 2
    server = MediaServer(ports=(base, base + 1))
    server.start()
    try:
        first = server.open(Events())
        assert first.port == base
        with pytest.raises(LineError, match="no free even RTP port"):
            server.open(Events())
    finally:
        server.stop()


def test_the_media_process_ends_with_its_main_process():
    program = (
        "import subprocess, sys\n"
        "from hw.sip.media_client import MediaServer\n"
        "server = MediaServer(); server.start(); port = server.open(lambda event: None)\n"
        "sys.stdout.write(f'{server._link._process.pid}\\n'); sys.stdout.flush()\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as main:
        media = int(main.stdout.readline())
        watch = os.pidfd_open(media)
        main.kill()
    try:
        assert select.select([watch], [], [], PATIENCE_S)[0], "the media process lives on"
    finally:
        os.close(watch)
