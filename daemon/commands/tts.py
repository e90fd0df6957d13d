"""`branchline tts`: speak a text into a WAV file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from daemon.paths import models_dir
from models.base import LINE_RATE_HZ, ModelError
from models.registry import Registry
from models.resample import float_to_pcm, pcm_to_float, resample
from models.sound_file import write_wav
from models.tts import load_synthesiser


@click.command(
    epilog='Example: branchline tts "Your balance is $3,450.50." --lang en -o balance.wav'
)
@click.argument("text")
@click.option("--lang", type=click.Choice(["zh", "en"]), required=True, help="To speak.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="WAV."
)
@click.option(
    "--rate",
    "rate_hz",
    type=click.IntRange(8000, 48000),
    default=LINE_RATE_HZ,
    show_default=True,
    help="Sampling rate of the file, Hz. The sound has telephone bandwidth at any rate.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(text: str, lang: str, output: Path, rate_hz: int, as_json: bool) -> None:
    """Speak TEXT into a WAV file, with the voice and at the level that a call would have.

    Numbers, money, dates, times and percentages are read out.
    """
    synthesiser = load_synthesiser(Registry(None, models_dir()), lang)
    started = time.perf_counter()
    pcm = synthesiser.synthesise(text)
    took_ms = (time.perf_counter() - started) * 1000
    if not pcm:
        raise ModelError(f"nothing in {text!r} can be spoken by voice {synthesiser.voice}")
    if rate_hz != LINE_RATE_HZ:
        pcm = float_to_pcm(resample(pcm_to_float(pcm), LINE_RATE_HZ, rate_hz))
    write_wav(output, pcm, rate_hz)
    row = {
        "file": str(output),
        "voice": synthesiser.voice,
        "audio_s": round(len(pcm) / 2 / rate_hz, 3),
        "synthesis_ms": round(took_ms, 1),
    }
    click.echo(
        json.dumps(row, ensure_ascii=False)
        if as_json
        else f"{output}: {row['audio_s']} s, voice {row['voice']}"
    )
