"""Opening the database: pragmas, numbered migrations, and SQLite's errors as ours."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from daemon.errors import StoreError

BUSY_TIMEOUT_S = 15.0
_FILE_NAME = re.compile(r"^(\d{4})_\w+\.sql$")


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn sqlite3 errors into a StoreError that names the file and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{doing} in {path} failed: {error}; {_advice(str(error))}") from error


def _advice(message: str) -> str:
    if "full" in message:
        return "free space on that disk; calls go on once there is room"
    if "locked" in message or "busy" in message:
        return "another process holds the database for too long; see who has it open with fuser"
    if "malformed" in message or "not a database" in message:
        return "stop the service and restore this file from a backup"
    if "unable to open" in message or "readonly" in message:
        return "check that the directory exists and that this user may write there"
    if "no such table" in message:
        return "the file is not a Branchline database; remove it or choose another path"
    return "see the log"


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open for writing, create and migrate as needed.

    synchronous=FULL because a lead marked as being called must survive a power cut:
    that is what keeps a person from being called twice.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"directory {path.parent} cannot be made: {error.strerror}; "
            "create it or set BRANCHLINE_STATE to a directory you may write to"
        ) from error
    with translated(path, "opening the database"):
        connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open read-only; the file must exist and be migrated.

    Raises:
        StoreError: there is no database, or it is older or newer than this program.
    """
    if not path.exists():
        raise StoreError(
            f"there is no database at {path}; start the daemon or import leads first, "
            "or set BRANCHLINE_STATE to the state directory"
        )
    with translated(path, "opening the database"):
        connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
        try:
            _check_version(connection, path, exactly=True)
        except BaseException:
            connection.close()
            raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def migrations() -> list[tuple[int, str]]:
    """All (number, SQL text), in order, from daemon/store/migrations."""
    found: list[tuple[int, str]] = []
    for entry in resources.files("daemon.store").joinpath("migrations").iterdir():
        if match := _FILE_NAME.match(entry.name):
            found.append((int(match[1]), entry.read_text(encoding="utf-8")))
    return sorted(found)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply the migrations that are missing, all or nothing, safe against a second process."""
    wanted = migrations()
    if _version(connection) == wanted[-1][0]:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _check_version(connection, path, exactly=False)
        version = _version(connection)
        for number, text in wanted:
            if number > version:
                for statement in _statements(text):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(text: str) -> Iterator[str]:
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        raise StoreError(f"a migration ends in an unfinished statement: {pending.strip()[:60]!r}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(connection: sqlite3.Connection, path: Path, *, exactly: bool) -> None:
    version, newest = _version(connection), migrations()[-1][0]
    if version > newest:
        raise StoreError(
            f"{path} was written by a newer Branchline (schema {version}, this one knows "
            f"{newest}); upgrade this installation"
        )
    if exactly and version < newest:
        raise StoreError(
            f"{path} has schema {version}, this program needs {newest}; "
            "start the daemon once, it upgrades the database"
        )
