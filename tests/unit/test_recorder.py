"""The recording: aligned channels, a true header while it grows, trouble reported."""

import wave
from pathlib import Path

import numpy as np

from daemon.call.recorder import Recorder
from hw.base import FRAME_BYTES, Frame


def frame(index: int) -> Frame:
    said = np.full(160, index, dtype="<i2").tobytes()
    heard = np.full(160, -index, dtype="<i2").tobytes()
    return Frame(index, heard, said)


def test_channels_stay_aligned(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "deep" / "call.wav")
    recorder.start()
    for index in range(120):
        recorder.add(frame(index))
    recorder.close()
    with wave.open(str(recorder.path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 19200)
        samples = np.frombuffer(file.readframes(19200), dtype="<i2").reshape(-1, 2)
    assert (samples[:, 0] == -samples[:, 1]).all()
    assert samples[160 * 77, 0] == 77
    assert recorder.path.stat().st_mode & 0o077 == 0


def test_a_directory_that_cannot_be_made_is_reported_and_harmless(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    recorder = Recorder(tmp_path / "file" / "call.wav")
    recorder.start()
    for index in range(10):
        recorder.add(frame(index))
    recorder.close()
    assert "cannot write the recording" in recorder.trouble


def test_a_full_disk_is_reported_and_harmless() -> None:
    recorder = Recorder(Path("/dev/full"))
    recorder.start()
    for index in range(200):
        recorder.add(Frame(index, bytes(FRAME_BYTES), bytes(FRAME_BYTES)))
    recorder.close()
    assert "/dev/full" in recorder.trouble
