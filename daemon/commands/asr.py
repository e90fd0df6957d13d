"""`branchline asr`: recognise speech in audio files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from daemon.paths import models_dir
from models.asr import ENGINES, load_recogniser
from models.base import MODEL_RATE_HZ, Audio, Recogniser
from models.registry import Registry
from models.sound_file import read_audio

FEED_MS = 20


@click.command(epilog="Example: branchline asr --lang zh --json call.wav")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option("--lang", type=click.Choice(["zh", "en", "ko"]), required=True, help="Spoken.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="auto: Vosk where its model of the language is installed, else Whisper.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file.")
def command(files: tuple[Path, ...], lang: str, engine: str, as_json: bool) -> None:
    """Recognise speech in sound files, as a call would hear it.

    WAV of any sampling rate and width, A-law, mu-law; stereo is mixed to one channel.
    """
    sounds = [(path, read_audio(path, MODEL_RATE_HZ)) for path in files]
    recogniser = load_recogniser(Registry(None, models_dir()), lang, engine)
    for path, audio in sounds:
        row = _recognise(recogniser, audio, lang) | {"file": str(path)}
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else f"{path}: {row['text']}")


def _recognise(recogniser: Recogniser, audio: Audio, lang: str) -> dict[str, object]:
    """Feed the audio as a call does, 20 ms at a time, and decode at its end."""
    stream = recogniser.stream(lang)
    step = MODEL_RATE_HZ * FEED_MS // 1000
    for at in range(0, len(audio), step):
        stream.feed(audio[at : at + step])
    heard = stream.decode()
    return {
        "text": heard.text,
        "confidence": round(heard.confidence, 3),
        "engine": heard.engine,
        "audio_s": round(len(audio) / MODEL_RATE_HZ, 3),
        "decode_ms": round(heard.decode_ms, 1),
    }
