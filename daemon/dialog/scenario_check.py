"""What pydantic cannot see: names that lead nowhere, words that are missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from daemon.dialog.matching import compile_pattern
from daemon.dialog.scenario_format import END, Flow, Scenario, Transition, nearest
from daemon.errors import ScenarioError

_SLOT = re.compile(r"\{([^{}]*)\}")
_KEYS = frozenset("0123456789*#")


def problems(scenario: Scenario, folder: Path) -> list[str]:
    """Everything wrong with a scenario, each with its file and key; [] when it is sound."""
    flow = f"{folder}/flow.yaml"
    words = f"{folder}/{scenario.lang}.yaml"
    found = [f"{flow}: {text}" for text in _flow_problems(scenario.flow)]
    if found:
        return found
    found += [f"{words}: {text}" for text in _prompt_problems(scenario)]
    found += [f"{words}: {text}" for text in _pattern_problems(scenario)]
    return found


def all_transitions(flow: Flow) -> Iterator[tuple[str, Transition]]:
    """Every transition with the key it stands under."""
    for intent, transition in flow.always.items():
        yield f"always.{intent}", transition
    for name, group in flow.groups.items():
        for intent, transition in group.items():
            yield f"groups.{name}.{intent}", transition
    for name, step in flow.steps.items():
        for intent, transition in step.answers.items():
            yield f"steps.{name}.answers.{intent}", transition
    yield "no_answer", flow.no_answer
    yield "not_understood", flow.not_understood


def used_prompts(flow: Flow) -> dict[str, str]:
    """Every prompt the flow says, and the first key that says it."""
    used = {name: f"steps.{name}" for name in flow.steps}
    for name in flow.opening:
        used.setdefault(name, "opening")
    for name, step in flow.steps.items():
        if step.invalid:
            used.setdefault(step.invalid, f"steps.{name}.invalid")
    for where, transition in all_transitions(flow):
        for name in (*transition.say, *transition.otherwise):
            used.setdefault(name, where)
    return used


def _flow_problems(flow: Flow) -> Iterator[str]:
    wrong = [*_names_wrong(flow)]
    yield from wrong
    if not wrong:
        for name in sorted(set(flow.steps) - _reachable(flow)):
            yield f"steps.{name}: no transition leads here; remove it or lead to it"


def _names_wrong(flow: Flow) -> Iterator[str]:
    """Names in the flow that nothing has."""
    steps = list(flow.steps)
    if END in flow.steps:
        yield f"steps.{END}: the name is reserved for a call that is over; rename the step"
    yield from _unknown("start", [flow.start], steps)
    yield from _unknown("uninterruptible", flow.uninterruptible, list(used_prompts(flow)))
    for where, transition in all_transitions(flow):
        yield from _unknown(f"{where}.to", [transition.to] if transition.to else [], steps)
        names = list(transition.set)
        yield from _unknown(f"{where}.set", names, [*flow.slots, *_marks(flow)])
    for name, step in flow.steps.items():
        yield from _step_problems(name, flow)
        yield from _key_problems(f"steps.{name}.keys", step.keys, flow)
    yield from _key_problems("keys", flow.keys, flow)
    for where, intent in _used_intents(flow):
        yield from _unknown(where, [intent], list(flow.precedence))


def _marks(flow: Flow) -> list[str]:
    """Names of slots that transitions only test for (`requires`)."""
    return [t.requires for _, t in all_transitions(flow) if t.requires]


def _step_problems(name: str, flow: Flow) -> Iterator[str]:
    step, where = flow.steps[name], f"steps.{name}"
    yield from _unknown(f"{where}.include", step.include, list(flow.groups))
    yield from _unknown(f"{where}.slot", [step.slot] if step.slot else [], list(flow.slots))
    targets = [*([step.filled] if step.filled else []), *step.partial.values()]
    yield from _unknown(f"{where}.filled or partial", targets, list(flow.steps))
    if step.slot and not step.filled:
        yield f"{where}.filled: missing; name the step that follows when {step.slot!r} is known"
    if step.slot in flow.slots and flow.slots[step.slot].choices and not step.invalid:
        yield f"{where}.invalid: missing; name the prompt for a value that is not on offer"


def _key_problems(where: str, keys: Mapping[str, str], flow: Flow) -> Iterator[str]:
    for key, meaning in keys.items():
        if key not in _KEYS:
            yield f"{where}.{key}: is not a key of a telephone"
        slot, equals, value = meaning.partition("=")
        if not equals:
            yield from _unknown(f"{where}.{key}", [slot], list(flow.precedence))
        elif not value.isdigit():
            yield f"{where}.{key}: {value!r} is not a number"
        else:
            yield from _unknown(f"{where}.{key}", [slot], list(flow.slots))


def _used_intents(flow: Flow) -> Iterator[tuple[str, str]]:
    for where, _ in all_transitions(flow):
        intent = where.rpartition(".")[2]
        if "." in where:
            yield where, intent
    for name, slot in flow.slots.items():
        yield f"slots.{name}.intent", slot.intent
    for intent in flow.after_end:
        yield "after_end", intent
    for name, step in flow.steps.items():
        for intent in (*step.also, *step.prefer):
            yield f"steps.{name}.also or prefer", intent


def _reachable(flow: Flow) -> set[str]:
    seen: set[str] = set()
    front = [flow.start]
    while front:
        name = front.pop()
        if name in seen:
            continue
        seen.add(name)
        step = flow.steps[name]
        ways = [t.to for t in flow.transitions(name).values()]
        front += [to for to in (*ways, step.filled, *step.partial.values()) if to in flow.steps]
    return seen


def _unknown(where: str, names: Iterable[str], valid: list[str]) -> Iterator[str]:
    for name in names:
        if name not in valid:
            yield f"{where}: unknown name {name!r}; {nearest(name, valid)}"


def _prompt_problems(scenario: Scenario) -> Iterator[str]:
    flow = scenario.flow
    used = used_prompts(flow)
    for name, where in used.items():
        if name not in scenario.prompts:
            advice = nearest(name, list(scenario.prompts))
            yield f"prompts.{name}: missing, flow.yaml says it at {where}; {advice}"
    slots = [*flow.slots, *flow.lead_slots]
    for name, prompt in scenario.prompts.items():
        for text in prompt.wordings():
            yield from _unknown(f"prompts.{name}", _SLOT.findall(text), slots)
    for name in flow.steps:
        if name in scenario.prompts and len(scenario.prompts[name].again) < 2:
            yield f"prompts.{name}.again: a question needs two other wordings to ask again"


def _pattern_problems(scenario: Scenario) -> Iterator[str]:
    given = {slot.intent for slot in scenario.flow.slots.values()}
    for intent in scenario.flow.precedence:
        if intent not in scenario.intents and intent not in given:
            yield f"intents.{intent}: missing; the flow uses it, give it patterns"
    for intent, patterns in scenario.intents.items():
        for pattern in patterns:
            try:
                compile_pattern(pattern, scenario.lang)
            except ScenarioError as error:
                yield f"intents.{intent}: {error}"
