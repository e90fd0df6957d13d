"""SQLite truth: one file, one writer at a time, readers beside it.

`open_store` writes, `open_reader` only reads; rows come back as the frozen
dataclasses of daemon.store.rows. The tables are in migrations/.
"""

from daemon.store.read import Reader, open_reader
from daemon.store.rows import CallEnd, CallStart, from_utc_ms, to_utc_ms
from daemon.store.write import Store, open_store

__all__ = [
    "CallEnd",
    "CallStart",
    "Reader",
    "Store",
    "from_utc_ms",
    "open_reader",
    "open_store",
    "to_utc_ms",
]
