"""What a persona does in a call: sound heard in, actions out, 20 ms at a time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hw.base import FRAME_MS
from hw.sim.hearing import PromptDetector
from hw.sim.personas import Persona, Turn
from hw.sim.voices import Voices, beep

_GAP_WHILE_TALKING_MS = 200
_TALKED_OVER_MS = 1200
_KEY_MS = 240


@dataclass(frozen=True)
class Say:
    """Speak; `finished_speaking` must be called when it has been sent.

    Attributes:
        when: the turn's `when`, or "greeting" or "beep".
        interrupts: the far end was speaking when this was said.
    """

    text: str
    pcm: bytes
    when: str
    interrupts: bool = False


@dataclass(frozen=True)
class Press:
    """Press one key."""

    key: str


@dataclass(frozen=True)
class HangUpNow:
    """End the call."""

    reason: str


Action = Say | Press | HangUpNow


class Performer:
    """Plays one persona; time is counted in frames since the answer."""

    def __init__(self, persona: Persona, voices: Voices) -> None:
        """`voices` holds every line of the persona."""
        self._persona = persona
        self._voices = voices
        self._ears = PromptDetector()
        self._turns = list(persona.turns)
        self._now_ms = 0
        self._talking = False
        self._own_start_ms = -1
        self._own_end_ms = -1
        self._sound_before_ms = 0
        self._keys = ""
        self._opening: list[Say] = []
        if persona.answer.kind == "voicemail":
            greeting = persona.answer.greeting
            self._opening = [
                Say(greeting, voices[persona.lang, greeting], "greeting"),
                Say("", beep(), "beep"),
            ]

    def tick(self, heard: bytes) -> list[Action]:
        """Hear 20 ms and decide what to do now."""
        self._now_ms += FRAME_MS
        gap_ms = _GAP_WHILE_TALKING_MS if self._talking else self._persona.prompt_gap_ms
        self._ears.feed(heard, self._now_ms, gap_ms)
        if self._now_ms >= self._persona.max_s * 1000:
            return [HangUpNow("max_s")]
        if self._talking or self._now_ms < self._own_end_ms:
            return []
        if self._keys:
            return self._press_next()
        if self._opening:
            return [self._say(self._opening.pop(0))]
        if not self._turns:
            return self._afterwards()
        turn = self._turns[0]
        if not self._is_due(turn):
            return []
        del self._turns[0]
        return self._do(turn)

    def finished_speaking(self) -> None:
        """The last `Say` has been sent wholly."""
        self._talking = False
        self._own_end_ms = self._now_ms
        self._sound_before_ms = self._ears.sound_ms

    def _is_due(self, turn: Turn) -> bool:
        ears, now_ms = self._ears, self._now_ms
        new_prompt = ears.onset_ms > self._own_start_ms
        match turn.when:
            case "answer":
                return now_ms >= turn.after_ms
            case "silence":
                since_ms = max(ears.last_sound_ms, self._own_end_ms)
                return not ears.speaking and now_ms >= since_ms + turn.after_ms
            case "prompt_start":
                since_ms = max(ears.onset_ms, self._own_end_ms)
                return new_prompt and now_ms >= since_ms + turn.after_ms
            case "prompt_end":
                # Someone who is talked over takes the rest for a prompt, not its last syllable.
                talked_over = ears.sound_ms - self._sound_before_ms >= _TALKED_OVER_MS
                ended_ms = ears.last_sound_ms + self._persona.prompt_gap_ms
                since_ms = max(ended_ms, self._own_end_ms)
                return (
                    (new_prompt or talked_over)
                    and not ears.speaking
                    and now_ms >= since_ms + turn.pause_ms
                )

    def _do(self, turn: Turn) -> list[Action]:
        if turn.hang_up:
            return [HangUpNow("turn")]
        if turn.press:
            self._keys = turn.press
            return self._press_next()
        interrupts = turn.when == "prompt_start" and self._ears.speaking
        pcm = self._voices[self._persona.lang, turn.say]
        return [self._say(Say(turn.say, pcm, turn.when, interrupts))]

    def _say(self, say: Say) -> Say:
        self._talking = True
        self._own_start_ms = self._now_ms
        return say

    def _press_next(self) -> list[Action]:
        key, self._keys = self._keys[0], self._keys[1:]
        self._own_start_ms = self._now_ms
        self._own_end_ms = self._now_ms + _KEY_MS
        self._sound_before_ms = self._ears.sound_ms
        return [Press(key)]

    def _afterwards(self) -> list[Action]:
        then = self._persona.then
        if then == "stay_silent":
            return []
        since_ms = max(0, self._own_end_ms)
        due = self._now_ms >= since_ms + then.hang_up.after_ms
        return [HangUpNow("then")] if due else []
