"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from daemon.__main__ import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("daemon", "hw", "models")
PRODUCT = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXT_SUFFIXES = {".py", ".sh", ".toml", ".yaml", ".yml", ".sql", ".js", ".css", ".service", ".cfg"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# In two parts, so that this file keeps the rule it checks.
UNFINISHED = re.compile(
    r"\b(TO" r"DO|FIX" r"ME|X" r"XX|NotImplemented" r"Error|place" r"holder|for" r" now)\b"
)
SKIPPED = re.compile(r"pytest\.(mark\.)?(sk" r"ip|xf" r"ail|importorsk" r"ip)|unittest\.sk" r"ip")
WORKSHOP = re.compile(r"/wo" r"rk/|\.\./sha" r"red|\.libr" r"ary/")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _texts() -> Iterator[Path]:
    """Every text file of ours: code, tests, units, documents."""
    yield from PRODUCT + TESTS
    for folder in (*PACKAGES, "systemd", "tests", "docs"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in TEXT_SUFFIXES - {".py"} or path.suffix == ".md":
                yield path
    yield from (ROOT / name for name in ("Makefile", "install.sh", "pyproject.toml", "README.md"))
    yield ROOT / ".ci" / "run"


def _defined(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def test_files_are_short() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in PRODUCT}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    long = [
        f"{_name(path)}:{node.lineno} {node.name} {node.end_lineno - node.lineno + 1}"
        for path in PRODUCT
        for node in _defined(path)
        if not isinstance(node, ast.ClassDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_docstrings() -> None:
    missing = [
        _name(path)
        for path in PRODUCT
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    missing += [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in PRODUCT
        for node in _public(ast.parse(path.read_text(encoding="utf-8")))
        if not ast.get_docstring(node)
    ]
    assert missing == []


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public classes, functions and methods; what is inside a function is its own affair."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if isinstance(node, ast.ClassDef) or not _is_overload(node):
                yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def _is_overload(node: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)


@pytest.mark.parametrize("rule", [UNFINISHED, SKIPPED, WORKSHOP], ids=["unfinished", "skip", "own"])
def test_words_that_must_not_occur(rule: re.Pattern[str]) -> None:
    found = [
        f"{_name(path)}:{number} {match[0]}"
        for path in _texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := rule.search(line)) and not (rule is UNFINISHED and path.suffix == ".md")
    ]
    assert found == []


def test_folders_keep_their_kind() -> None:
    assert list((ROOT / "systemd").rglob("*.py")) == []
    assert list((ROOT / "tests").rglob("__init__.py")) == []
    stems = [path.stem for path in TESTS]
    assert sorted({stem for stem in stems if stems.count(stem) > 1 and stem != "conftest"}) == []


def test_only_service_touches_python_systemd() -> None:
    users = [_name(path) for path in PRODUCT if "systemd" in _imports(path)]
    assert users == ["daemon/service.py"]


def _imports(path: Path) -> set[str]:
    """Top-level names a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _declared(requirements: list[str]) -> set[str]:
    return {_normal(re.split(r"[\s\[<>=!~;]", each)[0]) for each in requirements}


def _distributions(files: list[Path], own: set[str]) -> dict[str, set[str]]:
    """What the files import from outside, and the distributions that may provide it."""
    imported = set().union(*map(_imports, files)) - set(sys.stdlib_module_names) - own
    owners = packages_distributions()
    return {name: {_normal(each) for each in owners.get(name, [name])} for name in imported}


def test_dependencies_are_those_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = _declared(project["dependencies"] + extras["service"] + extras["train"])
    product = _distributions(PRODUCT, set(PACKAGES))
    assert {name for name, dists in product.items() if not dists & declared} == set()
    # audioop-lts: what pyVoIP imports where Python no longer has it; tzdata: zoneinfo's data.
    assert declared - set().union(*product.values()) - {"audioop-lts", "tzdata"} == set()
    own = {*PACKAGES, "tests", *(path.stem for path in TESTS)}
    tests = _distributions(TESTS, own)
    declared |= _declared(extras["test"])
    assert {name for name, dists in tests.items() if not dists & declared} == set()


def test_every_dependency_says_who_uses_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [")
    end = lines.index("[project.scripts]")
    bare = [
        line.strip() for line in lines[start:end] if line.startswith('    "') and "  # " not in line
    ]
    assert bare == []


def _commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{prefix}{name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix}{name} ")


def test_every_command_has_help_with_an_example() -> None:
    for name, _command in _commands(cli):
        result = CliRunner().invoke(cli, [*name.split(), "--help"])
        assert result.exit_code == 0, f"{name} --help: {result.output}{result.exception}"
        if " " not in name:
            assert f"branchline {name}" in " ".join(result.output.split()), (
                f"{name} --help shows no example:\n{result.output}"
            )


def _documented() -> Iterator[tuple[str, str]]:
    """Command lines in the documents' code blocks and `inline code`: (where, line)."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"```(?:sh|bash|console)?\n(.*?)```", text, re.DOTALL)
        inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        for line in [each for block in blocks for each in block.splitlines()] + inline:
            yield _name(path), line.split(" #")[0].strip()


def test_documented_commands_exist() -> None:
    known = dict(_commands(cli))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong, seen = [], 0
    for where, line in _documented():
        if match := re.match(r"make ([a-z]+)\b", line):
            seen += 1
            if match[1] not in targets:
                wrong.append(f"{where}: {line}")
        if match := re.search(r"(?:^|/)branchline ([a-z].*)", line):
            seen += 1
            wrong += [f"{where}: {line}: {what}" for what in _unknown(match[1].split(), known)]
    assert wrong == []
    assert seen > 5


def _unknown(words: list[str], known: dict[str, click.Command]) -> Iterator[str]:
    """The command and options that do not exist, and those that are needed and not there."""
    pair = " ".join(words[:2])
    command = known.get(pair) or known.get(words[0])
    if command is None or (isinstance(command, click.Group) and words[1:2] and pair not in known):
        yield words[0] if command is None else pair
        return
    if "--help" in words:
        return
    needed = [each for each in command.params if each.required and isinstance(each, click.Option)]
    if len(words) > len(pair.split()):  # a whole command line, not just the command's name
        yield from (each.opts[0] for each in needed if not set(each.opts) & set(words))
    options = {text for each in command.params for text in (*each.opts, *each.secondary_opts)}
    for word in words:
        if word.startswith("--") and word.split("=")[0] not in options | {"--help"}:
            yield word.split("=")[0]


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        f"{_name(path)}: {link}"
        for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not (path.parent / link).exists()
    ]
    assert dead == []


def test_commands_table_matches_files() -> None:
    folder = ROOT / "daemon" / "commands"
    exporting = re.compile(r"^(def command\(|command(: [\w.]+)? = )", re.MULTILINE)
    files = {path.stem for path in folder.glob("*.py") if exporting.search(path.read_text())}
    assert files == set(COMMANDS)
