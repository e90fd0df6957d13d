"""install.sh step by step: sourced, with fake system commands that note how they were called.

tests/install/fresh.sh runs the whole of it in a real root file system.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLER = ROOT / "install.sh"
ALL_THERE = "printf installed"


class Machine:
    """A folder of fake commands in front of the real ones."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"
        self.calls.touch()

    def fake(self, name: str, body: str = ":") -> None:
        program = self.bin / name
        program.write_text(f'#!/bin/bash\necho "{name} $*" >>{self.calls}\n{body}\n')
        program.chmod(0o755)

    def run(self, code: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
        """Run shell code after sourcing the installer."""
        return subprocess.run(
            ["/bin/bash", "-c", f"source {INSTALLER}; {code}"],
            capture_output=True,
            text=True,
            timeout=120,
            env={"PATH": f"{self.bin}:{path}", "HOME": str(self.bin)},
        )

    def called(self, name: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.startswith(name)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_help_names_every_option_and_installs_nothing() -> None:
    done = subprocess.run([INSTALLER, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    handled = {"--venv", "--with-tests", "--no-packages", "--python", "--verbose", "--help"}
    assert all(option in done.stdout for option in handled)
    assert "Example" in done.stdout


@pytest.mark.parametrize(("option", "says"), [("--frobnicate", "unknown"), ("--venv", "value")])
def test_wrong_option(option: str, says: str) -> None:
    done = subprocess.run([INSTALLER, option], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert says in done.stderr
    assert "--help" in done.stderr


def test_sourcing_only_defines(machine: Machine) -> None:
    done = machine.run("declare -F main")
    assert (done.returncode, done.stdout, done.stderr) == (0, "main\n", "")


def test_no_python_is_new_enough(machine: Machine) -> None:
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        machine.fake(name, "exit 1")
    done = machine.run("is_new_enough() { return 1; }; step_2_find_python")
    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_the_python_asked_for_is_too_old(machine: Machine) -> None:
    machine.fake("python3.9", "exit 1")
    done = machine.run("step_1_options --python python3.9; step_2_find_python")
    assert done.returncode == 1
    assert "python3.9 is not a Python 3.11" in done.stderr


def test_an_older_python3_is_passed_over(machine: Machine) -> None:
    machine.fake("python3", "exit 1")
    machine.fake("python3.12", "echo Python 3.12.0")
    done = machine.run("step_2_find_python; echo $python")
    assert done.stdout.strip() == str(machine.bin / "python3.12")


def test_too_little_space(machine: Machine, tmp_path: Path) -> None:
    done = machine.run(
        f"free_mb() {{ echo 100; }}; step_1_options --venv {tmp_path}/new; step_3_check_space"
    )
    assert done.returncode == 1
    assert "only 100 MB" in done.stderr
    assert "--venv DIR" in done.stderr


def _packages(machine: Machine, before: str, *options: str) -> subprocess.CompletedProcess[str]:
    machine.fake("python-of-debian", "echo /usr")
    return machine.run(
        f"{before}; python=python-of-debian; step_1_options {' '.join(options)}; "
        "step_4_debian_packages",
        path=f"{machine.bin}:{_tools(machine)}",
    )


def _tools(machine: Machine) -> Path:
    """The few real commands the step uses; sudo is not among them."""
    folder = machine.bin.parent / "tools"
    folder.mkdir(exist_ok=True)
    for name in ("bash", "dirname", "env", "xargs"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    return folder


def test_apt_is_left_alone_when_all_is_there(machine: Machine) -> None:
    machine.fake("dpkg-query", ALL_THERE)
    machine.fake("apt-get")
    done = _packages(machine, "is_root() { true; }", "--with-tests")
    assert done.returncode == 0, done.stderr
    assert "all there" in done.stderr
    assert machine.called("apt-get") == []
    assert any("chromium" in call for call in machine.called("dpkg-query"))


def test_only_what_is_missing_is_installed(machine: Machine) -> None:
    machine.fake("dpkg-query", "if [[ $* == *gcc* ]]; then exit 1; fi; " + ALL_THERE)
    machine.fake("apt-get", "[[ $DEBIAN_FRONTEND == noninteractive ]]")
    done = _packages(machine, "is_root() { true; }")
    assert done.returncode == 0, done.stderr
    update, install = machine.called("apt-get")
    assert update.endswith(" update")
    assert install.endswith(" install gcc")
    assert "Acquire::Retries=3" in install


def test_sudo_is_used_by_others_than_root(machine: Machine) -> None:
    machine.fake("dpkg-query", "exit 1")
    machine.fake("sudo")
    done = _packages(machine, "is_root() { false; }")
    assert done.returncode == 0, done.stderr
    assert all("apt-get" in call for call in machine.called("sudo"))
    assert "python3-venv" in machine.called("sudo")[1]


def test_neither_root_nor_sudo(machine: Machine) -> None:
    machine.fake("dpkg-query", "exit 1")
    done = _packages(machine, "is_root() { false; }")
    assert done.returncode == 1
    assert "needs root" in done.stderr
    assert "apt-get install ca-certificates gcc" in done.stderr


def test_no_mirror_is_reached(machine: Machine) -> None:
    machine.fake("dpkg-query", "exit 1")
    machine.fake("apt-get", "exit 100")
    done = _packages(machine, "is_root() { true; }")
    assert done.returncode == 1
    assert "could not install" in done.stderr
    assert "network" in done.stderr


def test_not_a_debian_system(machine: Machine) -> None:
    done = _packages(machine, "is_root() { true; }")
    assert done.returncode == 1
    assert "not a Debian system" in done.stderr
    assert "--no-packages" in done.stderr


@pytest.mark.parametrize(("extra", "succeeds"), [("[service]", True), (".", False)])
def test_pip_fails(machine: Machine, tmp_path: Path, extra: str, succeeds: bool) -> None:
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    python = venv / "python"
    python.write_text(
        f'#!/bin/bash\nif [[ $* == *"{extra}" || "{extra}" == . ]]; then exit 1; fi\n'
    )
    python.chmod(0o755)
    done = machine.run(f"step_1_options --venv {venv.parent}; step_6_python_packages")
    assert (done.returncode == 0) is succeeds
    assert ("systemd-python could not be built" if succeeds else "pip could not") in done.stderr


def test_an_environment_that_was_moved_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").symlink_to("/bin/true")
    (venv / "pip").write_text(f"#!{tmp_path}/where-it-was/bin/python\n")
    (venv / "pip").chmod(0o755)
    machine.fake("some-python")
    machine.run(
        f"python=some-python; step_1_options --venv {venv.parent}; step_5_virtual_environment"
    )
    assert machine.called("some-python") == [f"some-python -m venv --clear {venv.parent}"]
