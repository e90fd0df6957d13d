"""Recogniser text made comparable: one width, one case, no fillers; and how it sounds."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from pypinyin import lazy_pinyin

_HANZI = "\u4e00-\u9fff"
_SENTENCE_END = {
    "zh": re.compile(r"(?<=[。！？；])"),
    "en": re.compile(r"(?<=[.!?])\s+(?=[A-Z{])"),
}
_FILLER = {
    "zh": re.compile(
        r"^[爱艾挨](?=.{2})|嗯+|呃+|额(?![度外])|啊+|哦+|噢+|喔+|哎呀?|唉|诶+|欸+|那个|就是说|怎么说呢"
    ),
    "en": re.compile(
        r"\b(?:u+h+m*(?! huh)|u+m+|e+r+m*|a+h+|h+m+|oh|well"
        r"|(?<!do )(?<!did )you know|i mean|actually|basically)\b"
    ),
}
_A_NOT_A = re.compile(rf"(?<![不没])([{_HANZI}])[不没]\1")
_TOKEN = re.compile(rf"[{_HANZI}]+|\d|[a-z]+")
# The dictionary also knows readings nobody uses on the telephone (假 as ge).
_SECOND_READINGS = {
    "行": "xing hang", "还": "hai huan", "得": "de dei", "了": "le liao", "没": "mei",
    "期": "qi ji", "都": "dou du", "差": "cha", "着": "zhe zhao", "重": "zhong chong",
    "长": "chang zhang", "率": "lv", "谁": "shui shei", "地": "de di", "卡": "ka",
}  # fmt: skip


def split_sentences(text: str, lang: str) -> tuple[str, ...]:
    """Cut a prompt into the sentences it is spoken and rendered in."""
    flat = " ".join(text.split())
    if lang == "zh":
        flat = flat.replace(" ", "")
    return tuple(part.strip() for part in _SENTENCE_END[lang].split(flat) if part.strip())


def normalise(text: str, lang: str) -> str:
    """Half width, lower case, no punctuation, no fillers; fillers stay if they are all there is.

    Marks inside numbers stay (3:30, 0.6). English keeps single spaces between words
    and loses apostrophes; Chinese keeps no spaces, and the choice question is undone
    (要不要 becomes 要...吗), so that the 不 in it is not taken for a no.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    text = text.replace("’", "'").replace("`", "'")
    text = _plain_zh(text) if lang == "zh" else _plain_en(text)
    bare = _tidy(_FILLER[lang].sub(" ", text), lang)
    text = bare or _tidy(text, lang)
    if lang == "zh" and _A_NOT_A.search(text):
        text = _A_NOT_A.sub(r"\1", text)
        text = text if text.endswith("吗") else text + "吗"
    return text


def _plain_zh(text: str) -> str:
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return re.sub(rf"(?!(?<=\d)[.:%](?=\d|$))[^{_HANZI}a-z0-9%]", " ", text)


def _plain_en(text: str) -> str:
    text = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", text).replace("'", "")
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return re.sub(r"(?!(?<=\d)[.:](?=\d))[^a-z0-9%$]", " ", text)


def _tidy(text: str, lang: str) -> str:
    return "".join(text.split()) if lang == "zh" else " ".join(text.split())


@lru_cache(maxsize=4096)
def fuzzy_syllable(syllable: str) -> str:
    """A toneless syllable with the pairs folded together that telephone speech confuses.

    zh/z, ch/c, sh/s; n/l; ang/an, eng/en, ing/in; ü/i.
    """
    folded = re.sub(r"^([zcs])h", r"\1", syllable)
    folded = re.sub(r"ng$", "n", folded)
    folded = re.sub(r"^n(?=[aeiouv])", "l", folded)
    return re.sub(r"^([jqxy])u$|^(l)v$", lambda found: f"{found[1] or found[2]}i", folded)


@lru_cache(maxsize=512)
def sound(text: str) -> str:
    """The sound of normalised text: one `<syllable>` per character, digit or Latin word."""
    return "".join(f"<{syllable}>" for syllable, _, _ in syllables(text))


def syllables(text: str) -> list[tuple[str, int, int]]:
    """(folded syllable, start, end) of every character, digit and Latin word, in order."""
    found: list[tuple[str, int, int]] = []
    for token in _TOKEN.finditer(text):
        run, start = token.group(), token.start()
        if not re.match(f"[{_HANZI}]", run):
            found.append((run, start, token.end()))
            continue
        for offset, syllable in enumerate(lazy_pinyin(run)):
            found.append((fuzzy_syllable(syllable), start + offset, start + offset + 1))
    return found


@lru_cache(maxsize=4096)
def readings(char: str) -> tuple[str, ...]:
    """The folded readings of one Chinese character that occur in everyday speech."""
    said = lazy_pinyin(char) + _SECOND_READINGS.get(char, "").split()
    return tuple(dict.fromkeys(fuzzy_syllable(reading) for reading in said))
