"""What reaches stderr and the journal, seen from another process or a real socket."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from daemon import log, service


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_call_id_is_on_every_record_of_its_thread(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging(as_json=True)
    logger = logging.getLogger("test.calls")

    def other() -> None:
        logger.info("in another thread")

    with log.bound_call("call-1"):
        logger.info("busy with %s", "call-1")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    logger.warning("no call", extra={"call_id": "call-2"})
    entries = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(each["message"], each["call_id"]) for each in entries] == [
        ("busy with call-1", "call-1"),
        ("in another thread", "-"),
        ("no call", "call-2"),
    ]
    assert entries[2]["level"] == "warning"


def test_configured_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging()
    log.configure_logging()
    logging.getLogger("test.twice").error("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_traceback_is_part_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging(as_json=True)
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        logging.getLogger("test.trace").exception("division")
    assert "ZeroDivisionError" in json.loads(capsys.readouterr().err)["exception"]


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Entries on their way to the journal; python-systemd itself takes them too."""
    entries: list[dict[str, str]] = []
    really_send = service._journal_send

    def send(*fields: str) -> None:
        really_send(*fields)
        entries.append(dict(field.split("=", 1) for field in fields))

    monkeypatch.setattr(service, "is_journal_connected", lambda: True)
    monkeypatch.setattr(service, "_journal_send", send)
    log.configure_logging()
    return entries


def test_journal_entry_has_fields(journal: list[dict[str, str]]) -> None:
    with log.bound_call("call-9"):
        logging.getLogger("test.journal").error("line %d is\ndown", 2)
    [entry] = journal
    assert entry["MESSAGE"] == "line 2 is\ndown"
    assert (entry["CALL_ID"], entry["PRIORITY"]) == ("call-9", "3")
    assert (entry["LOGGER"], entry["CODE_FILE"]) == ("test.journal", __file__)
    assert int(entry["CODE_LINE"]) > 0


def test_a_record_that_cannot_be_formatted_ends_nothing(
    journal: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if isinstance(each, log.JournalHandler)]
    logging.getLogger("test.journal").error("%d lines", "two")
    logging.getLogger("test.journal").error("after it")
    assert [entry["MESSAGE"] for entry in journal] == ["after it"]
    assert "Logging error" in capsys.readouterr().err


CHILD = """
import logging, os, sys
stderr = os.fstat(2)
if sys.argv[1] == "journal":
    os.environ["JOURNAL_STREAM"] = f"{stderr.st_dev}:{stderr.st_ino}"
from daemon import log, service
service._journal_send = None
log.configure_logging("DEBUG")
logging.getLogger("child").debug("one\\ntwo")
logging.getLogger("child").critical("three")
"""


def _child(stderr_is: str) -> list[str]:
    environment = {key: value for key, value in os.environ.items() if key != "JOURNAL_STREAM"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, stderr_is],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment,
    )
    return done.stderr.splitlines()


def test_without_python_systemd_the_journal_gets_priorities() -> None:
    assert _child("journal") == ["<7>- child: one", "<7>two", "<2>- child: three"]


def test_elsewhere_lines_are_for_people() -> None:
    lines = _child("terminal")
    assert lines[0].endswith("DEBUG   - child: one")
    assert lines[2].endswith("CRITICAL - child: three")
