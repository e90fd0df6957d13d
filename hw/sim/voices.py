"""The sounds a simulated customer makes."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterable
from pathlib import Path

from hw.base import SAMPLE_RATE_HZ, LineError
from hw.sim.personas import Persona, lines, voice_file

Voices = dict[tuple[str, str], bytes]
"""16-bit 8 kHz sound of each (lang, text)."""

_BEEP_HZ = 1000
_BEEP_MS = 500
_BEEP_PEAK = 8000


def load_voices(personas: Iterable[Persona], directory: Path) -> Voices:
    """Read every line the personas speak.

    Raises:
        LineError: a line's file is missing or not 8 kHz 16-bit mono; names file and line.
    """
    return {
        (lang, text): _read(directory / voice_file(lang, text), text)
        for lang, text in lines(personas)
    }


def _read(file: Path, text: str) -> bytes:
    try:
        with wave.open(str(file), "rb") as sound:
            form = (sound.getframerate(), sound.getsampwidth(), sound.getnchannels())
            pcm = sound.readframes(sound.getnframes())
    except FileNotFoundError as error:
        raise LineError(f'no voice for "{text}": render it to {file} first') from error
    except (OSError, EOFError, wave.Error) as error:
        raise LineError(f'cannot read {file}, the voice for "{text}": {error}') from error
    if form != (SAMPLE_RATE_HZ, 2, 1):
        raise LineError(f'{file}, the voice for "{text}", is not 8 kHz 16-bit mono: {form}')
    return pcm


def beep() -> bytes:
    """A voicemail's 1 kHz tone, half a second."""
    count = SAMPLE_RATE_HZ * _BEEP_MS // 1000
    step = 2 * math.pi * _BEEP_HZ / SAMPLE_RATE_HZ
    return struct.pack(
        f"<{count}h", *(round(_BEEP_PEAK * math.sin(step * n)) for n in range(count))
    )
