"""Speech recognition: which engine hears which language."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from models.base import ModelError, ModelMissingError, Recogniser
from models.registry import Registry

if TYPE_CHECKING:
    from models.asr.whisper import WhisperRecogniser

ENGINES = ("auto", "vosk", "whisper")
VOSK_MODELS = {"zh": "vosk-small-cn", "en": "vosk-small-en-us", "ko": "vosk-small-ko"}
WHISPER_MODEL = "whisper-base"
WHISPER_LANGUAGES = ("zh", "en")

_whisper: dict[Path, WhisperRecogniser] = {}
_lock = threading.Lock()


def load_recogniser(
    registry: Registry, lang: str, engine: str = "auto", threads: int = 1
) -> Recogniser:
    """Load a recogniser for one language.

    Args:
        registry: where the models are.
        lang: "zh" or "en" ("ko" with Vosk).
        engine: "vosk", "whisper", or "auto": Vosk where its model of that language is
            installed, else Whisper. Whisper is loaded once, whatever the language.
        threads: processor threads of Whisper.

    Raises:
        ModelMissingError: the model is not installed.
        ModelError: no engine of that name, or not for that language.
    """
    if engine not in ENGINES:
        raise ModelError(f"there is no engine {engine!r}; there are: {', '.join(ENGINES)}")
    if engine == "auto":
        has_vosk = lang in VOSK_MODELS and registry.installed(VOSK_MODELS[lang])
        engine = "vosk" if has_vosk else "whisper"
    languages = tuple(VOSK_MODELS) if engine == "vosk" else WHISPER_LANGUAGES
    if lang not in languages:
        raise ModelError(f"{engine} hears {', '.join(languages)}, not {lang!r}")
    if engine == "vosk":
        from models.asr.vosk import VoskRecogniser

        return VoskRecogniser(registry.path(VOSK_MODELS[lang]), lang)
    return _shared_whisper(registry, threads)


def _shared_whisper(registry: Registry, threads: int) -> WhisperRecogniser:
    from models.asr.whisper import WhisperRecogniser

    try:
        directory = registry.path(WHISPER_MODEL)
    except ModelMissingError as error:
        raise ModelMissingError(f"no recogniser: {error}") from error
    with _lock:
        if directory not in _whisper:
            _whisper[directory] = WhisperRecogniser(directory, threads)
        return _whisper[directory]
