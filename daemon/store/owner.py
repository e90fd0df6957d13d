"""Which process runs a call, so that a crash can be told from a call that still runs."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _started_ticks(pid: int) -> str:
    """Start time of a process since boot (field 22 of /proc/PID/stat), "" if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()  # the command name may hold spaces
    return "" if fields[0] in {"Z", "X"} else fields[19]


def this_process() -> str:
    """This process's mark: boot id, process id and start time."""
    pid = os.getpid()
    return f"{_boot_id()}/{pid}/{_started_ticks(pid)}"


def runs_elsewhere(owner: str) -> bool:
    """True if `owner` is another process that is still alive on this machine."""
    boot_id, _, rest = owner.partition("/")
    pid, _, ticks = rest.partition("/")
    if owner == this_process() or boot_id != _boot_id() or not pid.isdigit():
        return False
    return bool(ticks) and _started_ticks(int(pid)) == ticks


def is_alive(owner: str) -> bool:
    """True if `owner` is this process or another living one."""
    return owner == this_process() or runs_elsewhere(owner)
