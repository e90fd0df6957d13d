"""Logging: every record knows its call; lines on stderr, or the journal with fields."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from daemon import service

_call_id: ContextVar[str] = ContextVar("call_id", default="-")

_HANDLER_NAME = "branchline"

# Priorities of syslog(3), which the journal uses.
_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.NOTSET, 7),
)


@contextmanager
def bound_call(call_id: str) -> Iterator[None]:
    """Records logged inside carry this call's id.

    Holds for the thread it is used in: a thread started inside has to bind again.
    """
    token = _call_id.set(call_id)
    try:
        yield
    finally:
        _call_id.reset(token)


def priority(level: int) -> int:
    """The syslog priority (2 to 7) of a logging level."""
    return next(number for lowest, number in _PRIORITIES if level >= lowest)


class CallFilter(logging.Filter):
    """Puts `call_id` on every record that passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the id a record already has; else the thread's."""
        if not hasattr(record, "call_id"):
            record.call_id = _call_id.get()
        return True


class LineFormatter(logging.Formatter):
    """Lines for people: time, level, call, logger, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(call_id)s %(name)s: %(message)s")


class PrefixFormatter(logging.Formatter):
    """Lines for a journal that only reads stderr: priority as in sd-daemon(3)."""

    def __init__(self) -> None:
        super().__init__("%(call_id)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Prefix every line, since the journal makes an entry of each."""
        prefix = f"<{priority(record.levelno)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, logger, call_id, message, and the traceback if any."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "call_id": getattr(record, "call_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


class JournalHandler(logging.Handler):
    """Journal entries with fields: `journalctl -u branchline CALL_ID=...` finds a call."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send one entry; on failure the record goes to stderr."""
        fields = {
            "PRIORITY": str(priority(record.levelno)),
            "SYSLOG_IDENTIFIER": "branchline",
            "LOGGER": record.name,
            "THREAD_NAME": record.threadName or "",
            "CALL_ID": str(getattr(record, "call_id", "-")),
            "CODE_FILE": record.pathname,
            "CODE_LINE": str(record.lineno),
            "CODE_FUNC": record.funcName,
        }
        try:
            service.send_to_journal(self.format(record), fields)
        except OSError:
            sys.stderr.write(PrefixFormatter().format(record) + "\n")
        except Exception:  # a record that cannot be formatted must not end a call
            self.handleError(record)


def configure_logging(level: int | str = logging.INFO, *, as_json: bool = False) -> None:
    """Set up the root logger; called again it replaces its own earlier handler.

    Under systemd (stderr is the journal) entries carry fields; elsewhere they are
    lines on stderr, or JSON objects with `as_json`.
    """
    handler = _handler(as_json)
    handler.addFilter(CallFilter())
    handler.set_name(_HANDLER_NAME)
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.get_name() == _HANDLER_NAME]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)


def _handler(as_json: bool) -> logging.Handler:
    if not as_json and service.is_journal_connected():
        if service.can_send_to_journal():
            return JournalHandler()
        stream: logging.Handler = logging.StreamHandler()
        stream.setFormatter(PrefixFormatter())
        return stream
    stream = logging.StreamHandler()
    stream.setFormatter(JsonFormatter() if as_json else LineFormatter())
    return stream
