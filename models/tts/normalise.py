"""Text as it is spoken, whatever the language."""

from __future__ import annotations

from models.tts.normalise_en import normalise_en
from models.tts.normalise_zh import normalise_zh


def normalise(text: str, lang: str) -> str:
    """`text` with numbers, money, dates and signs written as words of `lang`.

    A language without rules of its own is left to the voice's own reading.
    """
    if lang == "zh":
        return normalise_zh(text)
    if lang == "en":
        return normalise_en(text)
    return text
