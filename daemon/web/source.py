"""The database as the page sees it: it may not exist yet, or be replaced by a backup."""

from __future__ import annotations

import threading
from pathlib import Path

from daemon.errors import StoreError
from daemon.store.read import Reader, open_reader


class Source:
    """Keeps one reader open on the file that is there now. Safe from any thread."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet."""
        self.path = path
        self._reader: Reader | None = None
        self._file: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def reader(self) -> Reader:
        """The open reader; another one once the file has been replaced.

        Raises:
            StoreError: there is no database, or it is not one this program reads.
        """
        with self._lock:
            try:
                stat = self.path.stat()
                file = (stat.st_dev, stat.st_ino)
            except OSError:
                file = None
            if self._reader is None or file != self._file:
                self._close()
                self._reader, self._file = open_reader(self.path), file
            return self._reader

    def exists(self) -> bool:
        """The file is there, readable or not."""
        return self.path.exists()

    def close(self) -> None:
        """Close the reader; the next use opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def problem(source: Source) -> StoreError | None:
    """Why the database cannot be read, or None if it can."""
    try:
        source.reader().last_event_id()
    except StoreError as error:
        return error
    return None
