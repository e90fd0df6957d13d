"""Finding, reading and checking scenarios.

A scenario is a folder under daemon/dialog/scenarios, named <industry>/<name>, with
flow.yaml, zh.yaml and en.yaml. What every scenario needs (yes, no, stop calling, ...)
is in scenarios/shared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from daemon.dialog.scenario_check import problems
from daemon.dialog.scenario_format import Flow, Part, Prompt, Scenario, Wording, nearest
from daemon.errors import ScenarioError

ROOT = Path(__file__).parent / "scenarios"
SHARED = "shared"
LANGUAGES = ("zh", "en")


class _Loader(yaml.SafeLoader):
    """YAML as people who write dialogues expect it: yes, no, on and off are words."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def scenario_names(root: Path = ROOT) -> tuple[str, ...]:
    """Names of all scenarios on this box, sorted."""
    return tuple(sorted(str(path.parent.relative_to(root)) for path in root.glob("*/*/flow.yaml")))


def load_scenario(name: str, lang: str, root: Path = ROOT) -> Scenario:
    """Read and check a scenario.

    Raises:
        ScenarioError: there is no such scenario, or its files are wrong; the message
            names the file and the key.
    """
    if name not in scenario_names(root):
        valid = list(scenario_names(root))
        raise ScenarioError(f"no scenario {name!r}; {nearest(name, valid)}")
    if lang not in LANGUAGES:
        raise ScenarioError(f"no language {lang!r}; {nearest(lang, list(LANGUAGES))}")
    flow = Flow.model_validate(_read(root / name / "flow.yaml", Flow))
    found = {code: _language(name, code, flow, root) for code in LANGUAGES}
    wrong = [text for scenario in found.values() for text in problems(scenario, root / name)]
    if wrong:
        raise ScenarioError("; ".join(dict.fromkeys(wrong)))
    return found[lang]


def _language(name: str, lang: str, flow: Flow, root: Path) -> Scenario:
    path = root / name / f"{lang}.yaml"
    own = Wording.model_validate(_read(path, Wording))
    shared = Wording.model_validate(_read(root / SHARED / f"{lang}.yaml", Wording))
    intents = {
        intent: (*shared.intents.get(intent, ()), *own.intents.get(intent, ()))
        for intent in dict.fromkeys((*shared.intents, *own.intents))
    }
    prompts = {
        key: _with_facts(prompt, own.facts, f"{path}: prompts.{key}")
        for key, prompt in {**shared.prompts, **own.prompts}.items()
    }
    return Scenario.model_validate(
        {
            "name": name,
            "lang": lang,
            "flow": flow,
            "prompts": prompts,
            "intents": intents,
        }
    )


def _with_facts(prompt: Prompt, facts: Mapping[str, str], where: str) -> Prompt:
    def fill(text: str) -> str:
        for key, value in facts.items():
            text = text.replace(f"{{fact:{key}}}", value)
        if "{fact:" in text:
            raise ScenarioError(f"{where}: names a fact that is not under `facts`: {text!r}")
        return text

    return Prompt(
        say=tuple(map(fill, prompt.say)),
        short=fill(prompt.short),
        again=tuple(map(fill, prompt.again)),
        keys=fill(prompt.keys),
    )


def _read(path: Path, part: type[Part]) -> dict[str, Any]:
    """Parse a YAML file and say precisely what is wrong with it."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError as error:
        raise ScenarioError(f"{path}: file is missing; add it") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: is empty or not a mapping; see the other scenarios")
    try:
        part.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(item) for item in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        raise ScenarioError(f"{path}: {key or 'top level'}: {text}") from error
    return data
