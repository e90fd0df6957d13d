"""When not to believe Whisper: it invents words for noise and silence."""

from __future__ import annotations

import re
from collections.abc import Sequence

NO_SPEECH_PROBABILITY = 0.45
NO_SPEECH_LOG_PROBABILITY = -0.85
"""Below this average, a high no-speech probability means nobody spoke.

Of 108 telephone sentences none came under both; of silence, noise, tones, clicks and
breath, all did, or came under the next.
"""

HOPELESS_LOG_PROBABILITY = -1.5
CHARACTERS_PER_S = {"zh": 9.0, "en": 28.0}
"""Faster than anybody talks; what exceeds it was invented."""

SLACK_CHARACTERS = 8
MAX_REPEATS = 3
SHORTEST_ECHO = 3
SHORTEST_ECHO_ZH = 4

_CREDITS = re.compile(
    r"字幕|点赞|订阅|打赏|明镜|优优独播|谢谢(大家)?(观看|收看|收听)|中文普通话|"
    r"thanks? (you )?for watching|subtitles? by|amara\.org|please subscribe",
    re.IGNORECASE,
)


def believable(
    text: str, lang: str, audio_s: float, no_speech: float, mean_log_probability: float
) -> str:
    """The text without what was invented; "" when nothing else is left.

    Args:
        text: what the decoder wrote.
        lang: "zh" counts characters, other languages words.
        audio_s: length of the audio, seconds.
        no_speech: the decoder's probability that there was no speech.
        mean_log_probability: natural logarithm, averaged over the tokens.
    """
    if nobody_spoke(no_speech, mean_log_probability) or is_credit(text):
        return ""
    units = list(text) if lang == "zh" else text.split()
    units = cut_echo(units, SHORTEST_ECHO_ZH if lang == "zh" else SHORTEST_ECHO)
    joint = "" if lang == "zh" else " "
    kept = cut_to_length(joint.join(cut_repetition(units)), audio_s, lang)
    return kept.rstrip("，、 ")


def nobody_spoke(no_speech: float, mean_log_probability: float) -> bool:
    """Whether the decoder itself says that this was no speech."""
    doubtful = mean_log_probability < NO_SPEECH_LOG_PROBABILITY
    return (
        no_speech > NO_SPEECH_PROBABILITY and doubtful
    ) or mean_log_probability < HOPELESS_LOG_PROBABILITY


def is_credit(text: str) -> bool:
    """Whether this is one of the film credits Whisper learnt to put over silence."""
    return bool(_CREDITS.search(text))


def cut_to_length(text: str, audio_s: float, lang: str) -> str:
    """Drop what cannot have been said in `audio_s` seconds, at a word or clause end."""
    limit = int(CHARACTERS_PER_S.get(lang, 28.0) * audio_s) + SLACK_CHARACTERS
    if len(text) <= limit:
        return text
    cut = text[:limit]
    ends = [cut.rfind(mark) for mark in " ，。,.?？!！"]
    return cut[: max(ends)] if max(ends) > 0 else cut


def cut_repetition(units: Sequence[str]) -> list[str]:
    """Keep at most MAX_REPEATS of a group of one to eight units said over and over.

    Digits are left alone: numbers do repeat.
    """
    result = list(units)
    for size in range(1, 9):
        start = 0
        while start + size * (MAX_REPEATS + 1) <= len(result):
            group = result[start : start + size]
            end = start + size
            while result[end : end + size] == group:
                end += size
            if (end - start) // size > MAX_REPEATS and not _has_digit(group):
                del result[start + size * MAX_REPEATS : end]
            start += 1
    return result


def cut_echo(units: Sequence[str], at_least: int) -> list[str]:
    """Keep one of a whole utterance said over and over, the last time perhaps in part.

    Marks of punctuation do not count as a difference. An echo of fewer than `at_least`
    units ("no, no", "不要不要") is how people talk, and is kept.
    """
    plain = ["".join(c for c in unit.lower() if c.isalnum()) for unit in units]
    spoken = [(index, unit) for index, unit in enumerate(plain) if unit]
    for period in range(at_least, len(spoken)):
        echoed = len(spoken) - period
        if echoed >= min(period, at_least) and all(
            spoken[i][1] == spoken[i + period][1] for i in range(echoed)
        ):
            return list(units[: spoken[period][0]])
    return list(units)


def _has_digit(group: Sequence[str]) -> bool:
    return any(character.isdigit() for unit in group for character in unit)
