"""How evenly the media process sends, and whether its memory grows. Prints JSON.

Run: python tests/bench/media_pacing.py --seconds 60 --calls 4 --busy 2
"""

import argparse
import json
import os
import select
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

from hw.sip.media_client import MediaServer

PACKET = bytes.fromhex("8008000000000000deadbeef") + b"\xd5" * 160


def media_pid() -> int:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    ).stdout
    return next(int(each.split()[0]) for each in listed.splitlines() if "hw.sip.media" in each)


def rss_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def busy(stop: threading.Event) -> None:
    while not stop.is_set():
        sum(range(10_000))


def kernel_time(ancillary: list) -> float:
    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
    return seconds + nanoseconds / 1e9


def measure(seconds: float, calls: int, threads: int) -> dict:
    """Send and receive on `calls` ports; arrival times are the kernel's."""
    server, stop = MediaServer(), threading.Event()
    server.start()
    so_timestampns = 35
    peers, times = [], {}
    for _ in range(calls):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(("127.0.0.1", 0))
        peer.setsockopt(socket.SOL_SOCKET, so_timestampns, 1)
        port = server.open(lambda event: None)
        port.connect(peer.getsockname(), "PCMA", None)
        port.play("speech", b"\x10\x20" * 8000 * int(seconds))
        peers.append(peer)
        times[peer] = []
    for _ in range(threads):
        threading.Thread(target=busy, args=(stop,), daemon=True).start()
    pid, memory = media_pid(), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for peer in select.select(peers, [], [], 1.0)[0]:
            _, ancillary, _, source = peer.recvmsg(2048, 64)
            times[peer].append(kernel_time(ancillary))
            peer.sendto(stamped(len(times[peer])), source)
        if not memory or time.monotonic() > memory[-1][0] + 5:
            memory.append((time.monotonic(), rss_kb(pid)))
    stop.set()
    server.stop()
    gaps = [1000 * (b - a) for each in times.values() for a, b in pairwise(each)]
    return {
        "packets": len(gaps),
        "gap_mean_ms": round(statistics.mean(gaps), 3),
        "gap_sd_ms": round(statistics.stdev(gaps), 3),
        "gap_max_ms": round(max(gaps), 3),
        "rss_kb": [kilobytes for _, kilobytes in memory],
    }


def stamped(number: int) -> bytes:
    head = bytearray(PACKET[:12])
    head[2:4] = (number & 0xFFFF).to_bytes(2, "big")
    head[4:8] = (number * 160).to_bytes(4, "big")
    return bytes(head) + PACKET[12:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--busy", type=int, default=0, help="busy threads in the main process")
    asked = parser.parse_args()
    json.dump(measure(asked.seconds, asked.calls, asked.busy), sys.stdout, indent=1)
    sys.stdout.write("\n")
