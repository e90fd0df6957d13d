"""Starts the simulated customers as a process of their own, for demo, bench and tests."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hw.base import LineError
from hw.sim.personas import Persona

log = logging.getLogger(__name__)

_STOP_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 60.0


class SimCustomers:
    """A running `hw.sim.customer`; ends with this process at the latest.

    Attributes:
        address: "127.0.0.1:PORT" once started.
    """

    def __init__(
        self,
        personas: Sequence[Persona],
        voices: Path,
        *,
        record: Path | None = None,
        on_fact: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """`voices` holds the rendered lines; `on_fact` gets every happening (own thread)."""
        self.address = ""
        self._personas = personas
        self._voices = voices
        self._record = record
        self._on_fact = on_fact
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._listening = threading.Event()

    def start(self) -> None:
        """Start the process and wait until it takes calls.

        Raises:
            LineError: it does not start, for instance because a voice is missing.
        """
        with tempfile.TemporaryDirectory(prefix="personas-") as scratch:
            # JSON is YAML: the process reads the same people it would read from files.
            file = Path(scratch) / "personas.yaml"
            people = [persona.model_dump(mode="json") for persona in self._personas]
            file.write_text(json.dumps(people), encoding="utf-8")
            command = [sys.executable, "-m", "hw.sim.customer", "--json", "--until-stdin-closes"]
            command += ["--listen", "127.0.0.1:0", "--personas", str(file)]
            command += ["--voices", str(self._voices)]
            command += ["--record", str(self._record)] if self._record else []
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            errors: list[str] = []
            self._reader = threading.Thread(target=self._read, name="sim-customers", daemon=True)
            listener = threading.Thread(target=self._listen, args=(errors,), daemon=True)
            self._reader.start()
            listener.start()
            ready = self._listening.wait(_START_TIMEOUT_S)
        if not ready or not self.address:
            self.stop()
            listener.join(_STOP_TIMEOUT_S)
            raise LineError(f"the simulated customers did not start: {' '.join(errors).strip()}")

    def stop(self) -> None:
        """End their calls with BYE and the process. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(_STOP_TIMEOUT_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> SimCustomers:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def _read(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        for line in process.stdout:
            fact = json.loads(line)
            if "listening" in fact:
                self.address = fact["listening"]
                self._listening.set()
            elif self._on_fact is not None:
                self._on_fact(fact)
        self._listening.set()

    def _listen(self, errors: list[str]) -> None:
        """Pass the process's own messages on to the log."""
        process = self._process
        assert process is not None
        assert process.stderr is not None
        with process.stderr as stream:
            for line in stream:
                errors.append(line.strip())
                del errors[:-10]
                log.warning("%s", line.strip())
