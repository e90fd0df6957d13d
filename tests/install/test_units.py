"""The units, judged by systemd's own tools."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.__main__ import COMMANDS

UNITS = Path(__file__).resolve().parents[2] / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
INSTALLED = "/opt/branchline/.venv/bin/branchline"


def _settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def _tmpfiles() -> list[str]:
    lines = (UNITS / "branchline.tmpfiles").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture
def copies(tmp_path: Path) -> list[Path]:
    """The services with the program of this environment, since systemd looks for it."""
    program = Path(sys.executable).parent / "branchline"
    made = []
    for unit in SERVICES:
        assert INSTALLED in unit.read_text()
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace(INSTALLED, str(program)))
        made.append(copy)
    return made


def _analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_systemd_finds_no_fault(copies: list[Path]) -> None:
    assert len(copies) == 2
    done = _analyze("verify", "--man=no", *copies)
    ours = [line for line in done.stderr.splitlines() if "branchline" in line]
    assert (done.returncode, ours) == (0, [])


def test_systemd_would_find_a_fault(copies: list[Path]) -> None:
    text = copies[0].read_text()
    copies[0].write_text(text + "\n[Service]\nNoSuch=1\n")
    assert "NoSuch" in _analyze("verify", "--man=no", *copies).stderr


@pytest.mark.parametrize(("name", "tenths"), [("branchline", 20), ("branchline-web", 12)])
def test_exposure(copies: list[Path], name: str, tenths: int) -> None:
    [unit] = [copy for copy in copies if copy.stem == name]
    done = _analyze("security", "--offline=true", f"--threshold={tenths}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


def test_units_run_commands_that_exist() -> None:
    for unit in SERVICES:
        [start] = _settings(unit)["ExecStart"]
        program, command = start.split()[:2]
        assert (program, command in COMMANDS) == (INSTALLED, True)


def test_users_are_declared(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    command = ["systemd-sysusers", f"--root={tmp_path}", str(UNITS / "branchline.sysusers")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    users = set(re.findall(r"^([^:]+):", (tmp_path / "etc/passwd").read_text(), re.MULTILINE))
    groups = dict(
        re.findall(r"^([^:]+):.*:(.*)$", (tmp_path / "etc/group").read_text(), re.MULTILINE)
    )
    for unit in SERVICES:
        settings = _settings(unit)
        assert set(settings["User"]) <= users
        assert set(settings["Group"] + settings.get("SupplementaryGroups", [])) <= set(groups)
    for line in _tmpfiles():
        user, group = line.split()[3:5]
        assert {user, group} <= {"root", *users}


def test_the_page_writes_the_database_and_nothing_else() -> None:
    settings = _settings(UNITS / "branchline-web.service")
    assert settings["ProtectSystem"] == ["strict"]
    assert settings["ReadWritePaths"] == ["/var/lib/branchline"]
    assert not {"StateDirectory", "LoadCredential"} & set(settings)
    assert settings["IPAddressAllow"] == ["localhost"]
    made = {line.split()[1] for line in _tmpfiles() if line.startswith("d /var/lib/branchline/")}
    assert set(settings["ReadOnlyPaths"][0].split()) == made


def test_calls_get_time_to_end_and_the_daemon_is_watched() -> None:
    settings = _settings(UNITS / "branchline.service")
    assert settings["Type"] == ["notify"]
    assert int(settings["WatchdogSec"][0]) > 0
    assert int(settings["TimeoutStopSec"][0]) >= 60
    assert settings["KillMode"] == ["mixed"]
    assert settings["ExecReload"] == ["/bin/sh -c 'kill -HUP $MAINPID'"]
