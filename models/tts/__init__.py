"""Speech synthesis: which voice speaks which language."""

from __future__ import annotations

from models.base import ModelError, ModelMissingError, Synthesiser
from models.registry import Registry

VOICES = {"en": ("en-us-joe",), "zh": ("zh-cn-huayan", "zh-cn-baker")}
"""The voices of each language, best first."""


def load_synthesiser(registry: Registry, lang: str) -> Synthesiser:
    """Load the best installed voice of a language ("zh" or "en").

    Raises:
        ModelMissingError: no voice of that language is installed.
        ModelError: there is no voice for that language, or its files are damaged.
    """
    voices = VOICES.get(lang)
    if voices is None:
        raise ModelError(f"there is no voice for language {lang!r}; there are: {', '.join(VOICES)}")
    name = next((voice for voice in voices if registry.installed(voice)), None)
    if name is None:
        raise ModelMissingError(
            f"no voice for {lang} is installed in {registry.directory}; "
            f"fetch one with `branchline models pull {voices[-1]}`"
        )
    directory = registry.path(name)
    if name == "zh-cn-baker":
        from models.tts.mandarin import MandarinVoice

        return MandarinVoice(directory)
    from models.tts.piper import PiperSynthesiser

    return PiperSynthesiser(directory, lang, name)
