"""From names of prompts to the sentences that are said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from daemon.dialog.reply import Utterance
from daemon.dialog.scenario_format import Scenario
from daemon.dialog.slots import say_term, say_when
from daemon.dialog.text import split_sentences

_SLOT = re.compile(r"\{([a-z_]+)\}")


class Wordings:
    """Says a scenario's prompts. A line is `prompt` or `prompt:variant`.

    Variants: `short` after a detour, `again0`, `again1`, ... for re-prompts, `keys` for
    the offer of the keypad.
    """

    def __init__(self, scenario: Scenario) -> None:
        """Only keeps the scenario."""
        self._scenario = scenario

    def say(
        self, lines: Iterable[str], slots: Mapping[str, object], now: datetime
    ) -> tuple[Utterance, ...]:
        """The sentences of the lines, in order, with slots filled in."""
        return tuple(sentence for line in lines for sentence in self._line(line, slots, now))

    def sentences_without_slots(self) -> list[str]:
        """Every sentence that can be rendered before any call, without repetition."""
        found: dict[str, None] = {}
        for prompt in self._scenario.prompts.values():
            for text in prompt.wordings():
                for sentence in split_sentences(text, self._scenario.lang):
                    if not _SLOT.search(sentence):
                        found[sentence] = None
        return list(found)

    def _line(self, line: str, slots: Mapping[str, object], now: datetime) -> Iterable[Utterance]:
        name, _, variant = line.partition(":")
        interruptible = name not in self._scenario.flow.uninterruptible
        for sentence in split_sentences(self._text(name, variant, slots), self._scenario.lang):
            filled = _SLOT.sub(lambda slot: self._value(slot[1], slots, now), sentence)
            yield Utterance(filled, interruptible=interruptible, cached=filled == sentence)

    def _text(self, name: str, variant: str, slots: Mapping[str, object]) -> str:
        prompt = self._scenario.prompts[name]
        if variant.startswith("again"):
            return prompt.again[min(int(variant[5:]), len(prompt.again) - 1)]
        if variant == "keys" and prompt.keys:
            return prompt.keys
        if variant == "short" and prompt.short:
            return prompt.short
        for text in prompt.say:
            if all(slots.get(slot) for slot in _SLOT.findall(text)):
                return text
        return prompt.say[-1]

    def _value(self, name: str, slots: Mapping[str, object], now: datetime) -> str:
        """A slot in words."""
        value, lang = slots.get(name, ""), self._scenario.lang
        kind = self._scenario.flow.slots[name].kind if name in self._scenario.flow.slots else ""
        if kind == "when" and isinstance(value, str):
            return say_when(datetime.fromisoformat(value), now, lang)
        if kind == "term" and isinstance(value, int):
            return say_term(value, lang)
        return str(value)
