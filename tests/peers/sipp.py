"""SIPp as the callee: one scenario, one call, on a port of its own.

    with Sipp("hold") as callee:
        leg = line.dial(callee.uri)
        ...
    callee.check()

Needs the Debian package sip-tester. The scenarios are in the folder beside this file.
"""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

SCENARIOS = Path(__file__).parent / "sipp"
_SCENARIO_S = 25
_END_S = 40.0


def free_port() -> int:
    """A UDP port nobody uses at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sipp:
    """One running SIPp, ready for its call when the block begins."""

    def __init__(self, scenario: str, folder: Path, *options: str, **keys: str) -> None:
        """Logs and sounds are in `folder`; `options` go to SIPp as they are.

        `keys` replace {{name}} in the scenario.
        """
        self.folder = folder
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for name, value in keys.items():
            text = text.replace("{{" + name + "}}", value)
        (folder / "scenario.xml").write_text(text)
        self.port = free_port()
        self._command = ["sipp", "-sf", "scenario.xml", "-i", "127.0.0.1"]
        self._command += ["-p", str(self.port), "-mp", str(free_port() & ~1), "-m", "1"]
        self._command += ["-timeout", str(_SCENARIO_S), "-timeout_error", "-nostdin"]
        self._command += ["-trace_msg", "-message_file", "messages.log"]
        self._command += ["-trace_err", "-error_file", "errors.log", *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where to call it."""
        return f"sip:callee@127.0.0.1:{self.port}"

    def __enter__(self) -> Sipp:
        self._process = subprocess.Popen(
            self._command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        self._wait_until_bound()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        if kind is not None:
            self._process.kill()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Fail unless the scenario ran through as written, with nothing unexpected."""
        assert self._process is not None
        assert self._process.returncode == 0, f"{self._log('errors.log')}\n{self.messages()}"

    def messages(self) -> str:
        """Every message SIPp sent and got, as it logged them."""
        return self._log("messages.log")

    def _wait_until_bound(self) -> None:
        """Wait until the kernel lists the port, however slow the machine is."""
        assert self._process is not None
        wanted = f"0100007F:{self.port:04X}"
        while wanted not in Path("/proc/net/udp").read_text():
            assert self._process.poll() is None, f"sipp did not start: {self._log('errors.log')}"
            time.sleep(0.02)

    def _log(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""
