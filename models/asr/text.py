"""Recognised text in the one form that understanding expects."""

from __future__ import annotations

import re
from functools import cache

from opencc import OpenCC

_EDGES = " \t\r\n，。！？、；：,.!?;:…-—~·\"'“”‘’「」『』（）()《》"
_INSIDE = re.compile(r"\s*[。！？、；：,!?;:…—~“”‘’「」『』（）()《》\"]+\s*|(?<!\d)\.+(?!\d)\s*")
_HAN_GAP = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_GAPS = re.compile(r"\s+")


def clean(text: str, lang: str) -> str:
    """The text without what is only writing.

    Chinese becomes simplified, without spaces between characters, with "，" for every
    mark inside and none at the edges. Other languages keep their marks inside, and the
    one that ends the sentence.
    """
    text = text.replace("\ufffd", "").strip()
    if lang != "zh":
        return _GAPS.sub(" ", text).lstrip(_EDGES).rstrip(" -—…,")
    text = _INSIDE.sub("，", _simplifier().convert(text))
    return _HAN_GAP.sub("", text).strip(_EDGES)


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")
