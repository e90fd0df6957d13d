"""The keypad and regular-expression layer: which intents do these words fit.

A pattern is a regular expression over normalised text (see daemon.dialog.text). In
English it matches whole words and apostrophes do not count. In Chinese a pattern that
begins with `~` also matches what sounds alike: it is translated, character by
character, into toneless pinyin with the usual confusions folded together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from daemon.dialog.text import readings, sound
from daemon.errors import ScenarioError

_ANY_SYLLABLE = "(?:<[a-z0-9]+>)"
_PIECE = re.compile(
    r"(?P<hanzi>[\u4e00-\u9fff])"
    r"|(?P<set>\[[\u4e00-\u9fff\d]+\])"
    r"|(?P<word>[a-z]+|\d)"
    r"|(?P<dot>\.)"
    r"|(?P<syntax>\(\?[:!=]|[()|?*+^$]|\{\d*,?\d*\})"
)


@dataclass(frozen=True)
class Pattern:
    """One compiled pattern: over the text, and over its sound where asked for."""

    text: re.Pattern[str]
    sound: re.Pattern[str] | None = None

    def reads(self, text: str) -> bool:
        """Whether normalised text fits as it is written."""
        return self.text.search(text) is not None

    def sounds(self, text: str) -> bool:
        """Whether normalised text sounds like something that fits."""
        return self.sound is not None and self.sound.search(sound(text)) is not None


def compile_pattern(pattern: str, lang: str) -> Pattern:
    """Compile one pattern of a scenario.

    Raises:
        ScenarioError: it is not a regular expression, or `~` cannot translate it.
    """
    alike = pattern.startswith("~")
    body = pattern[1:] if alike else pattern
    if alike and lang != "zh":
        raise ScenarioError(f"pattern {pattern!r}: ~ is for Chinese; write the English words out")
    try:
        if lang == "en":
            return Pattern(re.compile(rf"\b(?:{body.replace(chr(39), '')})\b"))
        return Pattern(re.compile(body), re.compile(_sound_pattern(body)) if alike else None)
    except re.error as error:
        raise ScenarioError(
            f"pattern {pattern!r}: not a regular expression ({error}); correct it"
        ) from error


def _sound_pattern(body: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(body):
        piece = _PIECE.match(body, at)
        if piece is None:
            raise ScenarioError(
                f"pattern ~{body!r}: {body[at]!r} cannot be turned into sound; "
                "use characters, sets of characters, digits, ( ) | ? * + . ^ $ {m,n}"
            )
        kind, found = piece.lastgroup, piece.group()
        if kind == "hanzi":
            out.append(_alternatives(readings(found)))
        elif kind == "set":
            out.append(_alternatives(s for char in found[1:-1] for s in readings(char)))
        elif kind == "word":
            out.append(f"(?:<{found}>)")
        else:
            out.append(_ANY_SYLLABLE if kind == "dot" else found)
        at = piece.end()
    return "".join(out)


def _alternatives(options: Iterable[str]) -> str:
    return "(?:" + "|".join(f"<{option}>" for option in dict.fromkeys(options)) + ")"


class Matcher:
    """All patterns of one scenario in one language."""

    def __init__(
        self, intents: Mapping[str, Sequence[str]], lang: str, vital: Sequence[str] = ()
    ) -> None:
        """Compile every pattern once.

        Args:
            intents: patterns by intent.
            lang: "zh" or "en".
            vital: intents that must not be missed: their sound counts even where the
                written words already fit another intent.
        """
        self._vital = frozenset(vital)
        self._patterns = {
            intent: tuple(compile_pattern(pattern, lang) for pattern in patterns)
            for intent, patterns in intents.items()
        }

    def match(
        self, text: str, candidates: Iterable[str], *, understood: bool = False
    ) -> tuple[str, ...]:
        """Those of the candidates that normalised text fits, in the candidates' order.

        What is written counts first; only if it fits nothing, and nothing else was
        `understood` in it (a date, a number), does the sound count: a right transcript
        must not be heard as something else.
        """
        candidates = tuple(candidates)
        written = {intent for intent in candidates if self._fits(intent, text, Pattern.reads)}
        heard = candidates if not (written or understood) else self._vital.intersection(candidates)
        alike = {intent for intent in heard if self._fits(intent, text, Pattern.sounds)}
        return tuple(intent for intent in candidates if intent in written | alike)

    def _fits(self, intent: str, text: str, how: Callable[[Pattern, str], bool]) -> bool:
        return any(how(pattern, text) for pattern in self._patterns.get(intent, ()))
