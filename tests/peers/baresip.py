"""baresip as a callee that answers at once, speaks a given WAV file and records what it hears.

    with Baresip(folder, spoken=Path("question.wav")) as callee:
        leg = line.dial(callee.uri)
        ...
    heard = callee.recording()      # 8 kHz, 16-bit, mono: what baresip decoded from us

Needs the Debian package baresip-core. It is ended with SIGTERM, and with
SIGKILL when it does not go.
"""

from __future__ import annotations

import subprocess
import time
import wave
from pathlib import Path
from types import TracebackType

from tests.peers.sipp import free_port

MODULES = Path("/usr/lib/baresip/modules")
RATE_HZ = 8000
_START_TRIES = 600
_END_S = 5.0

_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
audio_source aufile,{spoken}
audio_player aubridge,nil
audio_alert aubridge,nil
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
audio_level no
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {recordings}
module_tmp uuid.so
module_tmp account.so
module_app menu.so
"""
_ACCOUNT = (
    "<sip:callee@127.0.0.1:{port}>;regint=0;answermode=auto;catchall=yes;audio_codecs={codec}"
)


class Baresip:
    """One running baresip, ready for calls when the block begins."""

    def __init__(
        self, folder: Path, *, spoken: Path | None = None, codec: str = "PCMA", seconds: float = 120
    ) -> None:
        """`spoken` (8 kHz, 16-bit, mono) starts with the answer; silence to `seconds` follows."""
        self.port = free_port()
        self.log = folder / "baresip.log"
        self._folder = folder
        self._recordings = folder / "heard"
        self._recordings.mkdir(parents=True)
        source = folder / "spoken.wav"
        _write_padded(source, spoken, seconds)
        (folder / "config").write_text(
            _CONFIG.format(
                port=self.port,
                spoken=source,
                rate=RATE_HZ,
                modules=MODULES,
                recordings=self._recordings,
            )
        )
        (folder / "accounts").write_text(_ACCOUNT.format(port=self.port, codec=f"{codec}/8000/1"))
        (folder / "contacts").write_text("")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where to call it."""
        return f"sip:callee@127.0.0.1:{self.port}"

    def __enter__(self) -> Baresip:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["baresip", "-4", "-v", "-f", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        for _ in range(_START_TRIES):
            assert self._process.poll() is None, f"baresip ended: {self._said()}"
            if "baresip is ready" in self._said():
                return self
            time.sleep(0.1)
        raise AssertionError(f"baresip did not start: {self._said()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def recording(self) -> Path:
        """The WAV file of what it heard in its last call; complete once the call has ended."""
        files = sorted(self._recordings.glob("*-dec.wav"))
        assert files, f"baresip recorded nothing: {self._said()}"
        return files[-1]

    def _said(self) -> str:
        return self.log.read_text(errors="replace")


def _write_padded(path: Path, spoken: Path | None, seconds: float) -> None:
    """A copy of `spoken` with silence up to `seconds`: baresip's source must not end."""
    pcm = b""
    if spoken is not None:
        with wave.open(str(spoken), "rb") as source:
            form = (source.getframerate(), source.getsampwidth(), source.getnchannels())
            assert form == (RATE_HZ, 2, 1), f"{spoken} is {form}, not 8 kHz 16-bit mono"
            pcm = source.readframes(source.getnframes())
    with wave.open(str(path), "wb") as copy:
        copy.setnchannels(1)
        copy.setsampwidth(2)
        copy.setframerate(RATE_HZ)
        copy.writeframes(pcm.ljust(int(seconds * RATE_HZ) * 2, b"\0"))
