"""Chinese text to the phones that the Baker voice was trained on.

A syllable is an initial ("^" where there is none) and a final with its tone, as in
"h ao3"; "#0" stands between syllables, "#3" at a pause, "sil" at both ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pypinyin import Style, lazy_pinyin, load_phrases_dict

_PAUSES = frozenset("，、：；,:;—…。！？!?.")
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*")
_CLAUSE = re.compile(r"[^，、,：:]+[，、,：:]*")
_TOKEN = re.compile(r"[\u4e00-\u9fff]+|[A-Za-z]|.", re.DOTALL)
_ERHUA_AFTER = frozenset("这那哪会点事玩块儿伴劲头味样份门")

MAX_SYLLABLES = 40
"""A longer sentence is spoken in several pieces, so that the first one is ready early."""

_PHRASES: dict[str, list[list[str]]] = {
    "还款": [["huán"], ["kuǎn"]],
    "还清": [["huán"], ["qīng"]],
    "还钱": [["huán"], ["qián"]],
    "还贷": [["huán"], ["dài"]],
    "归还": [["guī"], ["huán"]],
    "应还": [["yīng"], ["huán"]],
    "待还": [["dài"], ["huán"]],
    "提前还": [["tí"], ["qián"], ["huán"]],
    "分期还": [["fēn"], ["qī"], ["huán"]],
    "按时还": [["àn"], ["shí"], ["huán"]],
    "最低还": [["zuì"], ["dī"], ["huán"]],
    "重新还款": [["chóng"], ["xīn"], ["huán"], ["kuǎn"]],
    "先生": [["xiān"], ["sheng"]],
    "一下": [["yí"], ["xià"]],
    "人行": [["rén"], ["háng"]],
    "我行": [["wǒ"], ["háng"]],
    "本行": [["běn"], ["háng"]],
    "他行": [["tā"], ["háng"]],
    "调额": [["tiáo"], ["é"]],
}

_LETTERS = {
    "A": "ei1",
    "B": "bi4",
    "C": "sei1",
    "D": "di4",
    "E": "yi4",
    "F": "ai2 fu5",
    "G": "ji4",
    "H": "ei1 qu5",
    "I": "ai4",
    "J": "zhei4",
    "K": "kei4",
    "L": "ai2 lou5",
    "M": "ai2 mu5",
    "N": "en1",
    "O": "ou1",
    "P": "pi4",
    "Q": "kei1 you5",
    "R": "a4 er5",
    "S": "ai2 si5",
    "T": "ti4",
    "U": "you4",
    "V": "wei4",
    "W": "da2 bu5 liu5",
    "X": "ai2 ke5 si5",
    "Y": "wai4",
    "Z": "zei4",
}
"""Names of the Latin letters as Mandarin syllables."""


def sentences(text: str) -> list[str]:
    """Pieces to speak one by one: sentences, long ones cut at commas."""
    pieces: list[str] = []
    for sentence in _SENTENCE.findall(text):
        if len(sentence) <= MAX_SYLLABLES:
            pieces.append(sentence)
            continue
        piece = ""
        for clause in _CLAUSE.findall(sentence):
            if piece and len(piece) + len(clause) > MAX_SYLLABLES:
                pieces.append(piece)
                piece = ""
            piece += clause
        pieces.append(piece)
    return [piece for piece in pieces if piece.strip()]


def phones(text: str, syllables: Mapping[str, Sequence[str]]) -> list[str]:
    """Phones of one sentence; what cannot be spoken is left out.

    Args:
        text: normalised text (digits are words already).
        syllables: toneless pinyin to (initial, final), from the voice's own files.

    Returns:
        an empty list when nothing in `text` can be spoken.
    """
    result = ["sil"]
    for token in _TOKEN.findall(text):
        if token in _PAUSES:
            if result[-1] == "#0":
                result[-1] = "#3"
            continue
        for syllable in _pinyin(token):
            spoken = _syllable(syllable, syllables)
            result += [*spoken, "#0"] if spoken else []
    if result[-1] in ("#0", "#3"):
        result[-1] = "sil"
    return result if len(result) > 1 else []


def _pinyin(token: str) -> list[str]:
    """Numbered pinyin of a run of characters or of one letter."""
    if token.upper() in _LETTERS:
        return _LETTERS[token.upper()].split()
    if not "\u4e00" <= token[0] <= "\u9fff":
        return []
    spoken = lazy_pinyin(
        token, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True, v_to_u=False
    )
    if len(spoken) == len(token):
        for index in range(1, len(token)):
            if token[index] == "儿" and token[index - 1] in _ERHUA_AFTER:
                spoken[index] = "er5"
    return spoken


def _syllable(numbered: str, syllables: Mapping[str, Sequence[str]]) -> list[str]:
    """Initial and toned final; an empty list for what the voice cannot say."""
    plain, tone = (numbered[:-1], numbered[-1]) if numbered[-1:].isdigit() else (numbered, "5")
    plain = {"n": "en", "ng": "en", "m": "en", "hm": "heng", "ê": "ei"}.get(plain, plain)
    if plain not in syllables:
        return []
    initial, final = syllables[plain]
    return [initial, final + tone]


load_phrases_dict(_PHRASES)
