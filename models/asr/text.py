"""Recognised text in the one form that understanding expects."""

from __future__ import annotations

import re
import threading
from functools import cache
from importlib.resources import files

import kaldifst

_EDGES = " \t\r\n，。！？、；：,.!?;:…-—~·\"'“”‘’「」『』（）()《》"
_INSIDE = re.compile(r"\s*[。！？、；：,!?;:…—~“”‘’「」『』（）()《》\"]+\s*|(?<!\d)\.+(?!\d)\s*")
_HAN_GAP = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_LOCK = threading.Lock()


def clean(text: str, lang: str) -> str:
    """Chinese: simplified, no spaces between characters, pauses as "，", no edge marks.

    English keeps its sentence marks inside; both lose marks and space at the edges, but
    for the mark that ends an English sentence.
    """
    text = text.replace("\ufffd", "").strip()
    if lang != "zh":
        return re.sub(r"\s+", " ", text).lstrip(_EDGES).rstrip(" -—…,")
    text = _INSIDE.sub("，", _simplifier_apply(text))
    return _HAN_GAP.sub("", text).strip(_EDGES)


@cache
def _simplifier() -> kaldifst.TextNormalizer:
    return kaldifst.TextNormalizer(str(files("wetext.fsts").joinpath("traditional_to_simple.fst")))


def _simplifier_apply(text: str) -> str:
    with _LOCK:
        simplified: str = _simplifier()(text)
    return simplified
