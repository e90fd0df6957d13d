"""Which program holds a TCP port, from /proc (proc(5))."""

from __future__ import annotations

from pathlib import Path

LISTENING = "0A"


def holder_of(port: int) -> str:
    """Name and process id; "another program" where its owner hides it."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = [str(link.readlink()) for link in (process / "fd").iterdir()]
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue
        if any(f"socket:[{inode}]" in links for inode in inodes):
            return f"{name} (process {process.name})"
    return "another program"


def _listening_inodes(port: int) -> set[str]:
    """Socket inodes that listen on the port, on any address."""
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes
