"""Who the simulated customers are: typed YAML, and the lines to be spoken beforehand.

An example:

    name: asks-then-callback-zh
    lang: zh
    number: "+861000000102"
    answer: {kind: pick_up, after_s: 1.0}
    turns:
      - {when: prompt_end, pause_ms: 400, say: "我是"}
      - {when: prompt_start, after_ms: 1500, say: "不用了"}
      - {when: prompt_end, press: "1"}
    then: {hang_up: {after_ms: 800}}
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hw.base import LineError

_Ms = Annotated[int, Field(ge=0, le=600_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Strict):
    """What becomes of the call attempt.

    Attributes:
        kind: "busy" is 486, "reject" rings and then 603, "never" rings until cancelled,
            "unknown_number" is 404, "voicemail" answers, speaks `greeting`, beeps.
        after_s: ringing before the answer, or before the rejection.
    """

    kind: Literal["pick_up", "busy", "reject", "never", "unknown_number", "voicemail"] = "pick_up"
    after_s: float = Field(default=1.0, ge=0, le=300)
    greeting: str = ""

    @model_validator(mode="after")
    def _greets_if_voicemail(self) -> Self:
        if bool(self.greeting) != (self.kind == "voicemail"):
            raise ValueError("a voicemail needs `greeting`, and nothing else may have one")
        return self


class Turn(_Strict):
    """One thing the customer does, and when. Turns come strictly in order.

    Attributes:
        when: "answer" counts from pick-up; "prompt_end" waits until the far end has
            spoken and then been silent for `prompt_gap_ms`; "prompt_start" counts from
            the far end starting to speak, so it interrupts; "silence" waits until
            nobody has spoken.
        pause_ms: with "prompt_end", a further wait.
        after_ms: with the others, the wait.
        say: words to speak. press: keys to press. hang_up: ends the call.
    """

    when: Literal["answer", "prompt_end", "prompt_start", "silence"]
    pause_ms: _Ms = 0
    after_ms: _Ms = 0
    say: str = ""
    press: str = Field(default="", pattern=r"^[0-9*#A-D]*$")
    hang_up: bool = False

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if [bool(self.say), bool(self.press), self.hang_up].count(True) != 1:
            raise ValueError("a turn has exactly one of `say`, `press` and `hang_up`")
        if self.when == "prompt_end" and self.after_ms:
            raise ValueError("`prompt_end` waits `pause_ms`, not `after_ms`")
        if self.when != "prompt_end" and self.pause_ms:
            raise ValueError(f"`{self.when}` waits `after_ms`, not `pause_ms`")
        return self


class HangUp(_Strict):
    """Hang up so long after the last turn."""

    after_ms: _Ms = 500


class ThenHangUp(_Strict):
    """What to do when all turns are done."""

    hang_up: HangUp


class Persona(_Strict):
    """One simulated customer, called by `number` or `name`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    lang: Literal["zh", "en"]
    number: str = Field(pattern=r"^\+?[0-9]+$")
    answer: Answer = Answer()
    turns: tuple[Turn, ...] = ()
    then: Literal["stay_silent"] | ThenHangUp = "stay_silent"
    prompt_gap_ms: _Ms = 700
    max_s: float = Field(default=90, gt=0, le=3600)

    @property
    def spoken(self) -> list[str]:
        """Every line this persona speaks."""
        said = [turn.say for turn in self.turns if turn.say]
        return [self.answer.greeting, *said] if self.answer.greeting else said


def load_personas(path: Path) -> list[Persona]:
    """Read one YAML file (a persona or a list of them) or all `*.yaml` of a directory.

    Raises:
        LineError: nothing there, or a file that breaks the format; names file and field.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise LineError(f"no persona files (*.yaml) in {path}")
    found = [persona for file in files for persona in _read(file)]
    for key in ("name", "number"):
        values = [getattr(persona, key) for persona in found]
        doubled = {value for value in values if values.count(value) > 1}
        if doubled:
            raise LineError(f"two personas in {path} have the {key} {sorted(doubled)[0]}")
    return found


def _read(file: Path) -> list[Persona]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LineError(f"cannot read personas from {file}: {error}") from error
    try:
        many = content if isinstance(content, list) else [content]
        return [Persona.model_validate(each) for each in many]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the persona"
        raise LineError(f"{file}: {where}: {first['msg']}") from error


def find(personas: Iterable[Persona], user: str) -> Persona | None:
    """The persona whose number or name is the user part of the called address."""
    return next((each for each in personas if user in (each.number, each.name)), None)


def lines(personas: Iterable[Persona]) -> list[tuple[str, str]]:
    """Every (lang, text) to be rendered with `voice_file` as its name, each once."""
    return list(dict.fromkeys((each.lang, text) for each in personas for text in each.spoken))


def voice_file(lang: str, text: str) -> str:
    """File name of a spoken line: 8 kHz 16-bit mono WAV in the directory of voices."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{lang}-{digest}.wav"
