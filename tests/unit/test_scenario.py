"""Scenario files: what is wrong with them is said with file, key and the nearest valid name."""

import shutil

import pytest

from daemon.dialog.scenario import ROOT, load_scenario, scenario_names
from daemon.dialog.text import split_sentences
from daemon.errors import ScenarioError

NAME = "finance/credit_card_installment"


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_scenario_loads(name, lang):
    scenario = load_scenario(name, lang)
    assert scenario.flow.start in scenario.flow.steps


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("flow.yaml", "max_turns: 40", "max_turn: 40", ["max_turn", "'max_turns'"]),
        ("flow.yaml", "expects: number", "expect: number", ["steps.choose_term", "'expects'"]),
        ("flow.yaml", "{to: choose_term}", "{to: chose_term}", ["confirm_plan", "'choose_term'"]),
        ("flow.yaml", "deny: {to: choose_term}", "deny: {to: offer}", ["choose_term", "leads"]),
        ("flow.yaml", "start: identify", "start: identity", ["start", "'identify'"]),
        ("flow.yaml", "also: [affirm, deny]", "also: [afirm]", ["identify", "'affirm'"]),
        ("flow.yaml", '"0": transfer', '"A": transfer', ["keys.A", "telephone"]),
        ("flow.yaml", "include: [questions, moment]", "include: [question]", ["'questions'"]),
        ("flow.yaml", "    invalid: term_invalid\n", "", ["invalid", "missing"]),
        ("flow.yaml", "{to: when}", "{to: when, outcome: refused}", ["`to` and `outcome`"]),
        ("flow.yaml", "max_turns: 40", "max_turns: many", ["max_turns", "integer"]),
        ("flow.yaml", "steps:", "steps: [", ["YAML"]),
        ("zh.yaml", "  credit: ", "  kredit: ", ["prompts.credit", "missing", "'kredit'"]),
        ("zh.yaml", "{name}本人", "{nam}本人", ["prompts.identify", "'name'"]),
        ("zh.yaml", "{fact:fee}。", "{fact:fees}。", ["prompts", "facts"]),
        ("en.yaml", "  ask_credit:", "  ask_kredit:", ["intents.ask_credit", "missing"]),
        ("en.yaml", "- credit (score", "- credit ((score", ["intents.ask_credit", "regular"]),
        ("zh.yaml", "- ~(征信|", "- ~(征信\\d|", ["intents.ask_credit", "sound"]),
        ("en.yaml", "      - Are you still there? Say yes if {term} is right.\n", "", ["again"]),
    ],
)
def test_mistakes_are_named(tmp_path, file, old, new, said):
    shutil.copytree(ROOT, tmp_path, dirs_exist_ok=True)
    path = tmp_path / NAME / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        load_scenario(NAME, "zh", root=tmp_path)
    assert str(path) in str(error.value)
    assert all(part in str(error.value) for part in said), str(error.value)


def test_a_missing_language_and_unknown_names(tmp_path):
    shutil.copytree(ROOT, tmp_path, dirs_exist_ok=True)
    (tmp_path / NAME / "en.yaml").unlink()
    with pytest.raises(ScenarioError, match=r"en\.yaml: file is missing"):
        load_scenario(NAME, "zh", root=tmp_path)
    with pytest.raises(ScenarioError, match="did you mean 'finance/credit_card_installment'"):
        load_scenario("finance/credit_card_instalment", "zh")
    with pytest.raises(ScenarioError, match="no language 'fr'"):
        load_scenario(NAME, "fr")


@pytest.mark.parametrize(
    ("lang", "text", "count"),
    [
        ("zh", "好的。您看三点，可以吗？请说。", 3),
        ("en", "Sure. It is 0.6 percent. {name}, is that ok?", 3),
    ],
)
def test_sentences(lang, text, count):
    parts = split_sentences(text, lang)
    assert len(parts) == count
    assert ("" if lang == "zh" else " ").join(parts) == text
