"""Personas from YAML, and what they do, frame by frame."""

import math
import struct

import pytest

from hw.base import LineError
from hw.sim.hearing import PromptDetector
from hw.sim.performer import HangUpNow, Performer, Press, Say
from hw.sim.personas import Persona, find, lines, load_personas, voice_file

LOUD = struct.pack("<160h", *(round(3000 * math.sin(n / 3)) for n in range(160)))
QUIET = struct.pack("<160h", *([8, -8] * 80))

TEXT = """
name: maybe-en
lang: en
number: "+12025550101"
answer: {kind: pick_up, after_s: 1.0}
turns:
  - {when: prompt_end, pause_ms: 100, say: "speaking"}
  - {when: prompt_start, after_ms: 500, say: "no thanks"}
  - {when: prompt_end, press: "12"}
  - {when: silence, after_ms: 1000, say: "hello"}
then: {hang_up: {after_ms: 300}}
"""


def test_yaml_is_read_and_found_by_name_and_number(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT)
    (tmp_path / "b.yaml").write_text(
        '- {name: two, lang: zh, number: "+861000000101", turns: [{when: answer, say: 喂}]}\n'
    )
    people = load_personas(tmp_path)
    assert find(people, "two") is find(people, "+861000000101") is people[1]
    assert find(people, "+12025550199") is None
    assert lines(people * 2)[:2] == [("en", "speaking"), ("en", "no thanks")]
    assert lines(people)[-1] == ("zh", "喂")
    assert voice_file("zh", "喂") == "zh-ea8ea533443d8196.wav"


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("pause_ms: 100", "pause: 100", r"a.yaml: turns.0.pause: Extra inputs"),
        ("lang: en", "lang: fr", "lang"),
        ('press: "12"', 'press: "12", say: "x"', "exactly one"),
        ("prompt_start, after_ms", "prompt_start, pause_ms", "waits `after_ms`"),
        ("kind: pick_up", "kind: voicemail", "greeting"),
        ("name: maybe-en", "name: [", "cannot read"),
    ],
)
def test_mistakes_are_named(tmp_path, before, after, complaint):
    file = tmp_path / "a.yaml"
    file.write_text(TEXT.replace(before, after))
    with pytest.raises(LineError, match=complaint):
        load_personas(file)


def test_two_people_cannot_share_a_number(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT)
    (tmp_path / "b.yaml").write_text(TEXT.replace("maybe-en", "other"))
    with pytest.raises(LineError, match="have the number"):
        load_personas(tmp_path)


class Stage:
    """Feeds a performer; its speech takes `speech_ms` each."""

    def __init__(self, persona: Persona, speech_ms: int = 400) -> None:
        voices = {line: b"" for line in lines([persona])}
        self.performer = Performer(persona, voices)
        self.now_ms = 0
        self.speech_ms = speech_ms
        self.ends_ms: int | None = None
        self.did: list[tuple[int, str]] = []

    def hear(self, frame: bytes, ms: int) -> None:
        for _ in range(ms // 20):
            self.now_ms += 20
            for action in self.performer.tick(frame):
                match action:
                    case Say():
                        mark = "!" if action.interrupts else ""
                        self.did.append((self.now_ms, action.text + mark))
                        self.ends_ms = self.now_ms + self.speech_ms
                    case Press():
                        self.did.append((self.now_ms, action.key))
                    case HangUpNow():
                        self.did.append((self.now_ms, action.reason))
            if self.ends_ms is not None and self.now_ms >= self.ends_ms:
                self.ends_ms = None
                self.performer.finished_speaking()


def test_turns_come_when_they_should(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT)
    stage = Stage(load_personas(tmp_path)[0])
    stage.hear(QUIET, 1000)
    stage.hear(LOUD, 1000)
    stage.hear(QUIET, 400)  # a pause within the prompt
    stage.hear(LOUD, 600)
    stage.hear(QUIET, 2000)
    assert stage.did == [(3000 + 700 + 100, "speaking")]
    stage.hear(LOUD, 800)  # interrupted at 500, stops 300 later
    assert stage.did[1:] == [(5500, "no thanks!")]
    stage.hear(QUIET, 1500)
    assert stage.did[2:] == []  # the cut-off prompt is not waited for
    stage.hear(LOUD, 1000)
    stage.hear(QUIET, 3000)
    one = 8300 + 700
    hello = one + 240 + 240 + 1000
    assert stage.did[2:6] == [
        (one, "1"),
        (one + 240, "2"),
        (hello, "hello"),
        (hello + 400 + 300, "then"),
    ]


def test_everything_ends_at_max_s():
    persona = Persona(name="a", lang="en", number="1", max_s=2)
    stage = Stage(persona)
    stage.hear(QUIET, 2000)
    assert stage.did == [(2000, "max_s")]


def test_hiss_and_clicks_are_no_prompt():
    ears = PromptDetector()
    for n in range(200):
        ears.feed(LOUD if n % 10 == 0 else QUIET, 20 * (n + 1), 700)
    assert (ears.speaking, ears.onset_ms) == (False, -1)
