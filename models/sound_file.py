"""Sound files: any that FFmpeg reads in, 16-bit mono WAV out."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np

from models.base import Audio, ModelError
from models.resample import resample


def read_audio(path: Path, rate_hz: int) -> Audio:
    """A sound file as mono float32 at `rate_hz`; channels are averaged.

    WAV of every sampling rate and width, A-law and mu-law, and what else FFmpeg knows.

    Raises:
        ModelError: no such file, or no sound in it.
    """
    if not path.is_file():
        raise ModelError(f"{path} does not exist")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise ModelError(f"{path} is no sound file")
            from_hz = container.streams.audio[0].rate
            resampler = av.AudioResampler(format="fltp", rate=from_hz)
            frames = [
                piece.to_ndarray()
                for frame in (*container.decode(audio=0), None)
                for piece in resampler.resample(frame)
            ]
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read as sound ({error}); convert it, "
            f"for instance with `sox {path.name} -r 16000 -b 16 -c 1 out.wav`"
        ) from error
    if not frames:
        return np.zeros(0, dtype=np.float32)
    mono: Audio = np.concatenate(frames, axis=1).mean(axis=0, dtype=np.float32)
    return resample(mono, from_hz, rate_hz)


def write_wav(path: Path, pcm: bytes, rate_hz: int) -> None:
    """Write 16-bit mono PCM.

    Raises:
        ModelError: the file cannot be written.
    """
    try:
        with path.open("wb") as handle, wave.open(handle, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(rate_hz)
            writer.writeframes(pcm)
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror or error}") from error
