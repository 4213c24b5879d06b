"""Any message can be reworded: what the workbench decides stays the same."""

from __future__ import annotations

import ast
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import workbench
from tests.code import decisions
from tests.code.rewording import FOREIGN, MESSAGES, comparisons, is_prose, messages, private, reword, top_names
from workbench.domain.guest.lifecycle import exit_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PACKAGE = Path(workbench.__file__).parent
NAMES = [scenario.__name__ for scenario in decisions.SCENARIOS]
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def trees() -> Mapping[str, ast.Module]:
    """Every module of the package, by its full name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text())
    return found


def outcome(decide: Callable[[str], object], name: str) -> object:
    """What a scenario decides; an unexpected error is an outcome too."""
    try:
        return decide(name)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture(scope="module")
def plain() -> Mapping[str, object]:
    """The decisions of the package as it is."""
    return {name: decisions.decide(name) for name in NAMES}


@pytest.fixture(scope="module", params=SEEDS)
def reworded(request: pytest.FixtureRequest) -> Mapping[str, object]:
    """Those of the package with other messages."""
    with private(request.param) as load:
        decide = load("tests.code.decisions").decide
        return {name: outcome(decide, name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_decision_is_the_same_whatever_the_messages_say(
    name: str, plain: Mapping[str, object], reworded: Mapping[str, object]
) -> None:
    assert reworded[name] == plain[name]


def test_nothing_is_compared_with_what_a_message_says(trees: Mapping[str, ast.Module]) -> None:
    assert comparisons(trees) == []


def test_the_exceptions_still_exist(trees: Mapping[str, ast.Module]) -> None:
    for place in (*FOREIGN, *MESSAGES):
        module, _, name = place.partition(":")
        assert module in trees, place
        inner = trees[module].body
        for part in filter(None, name.split(".")):
            found = [one for one in inner if part in top_names(one)]
            assert found, place
            inner = getattr(found[0], "body", [])


# The rewording itself.


def test_the_messages_differ_in_private_modules_only() -> None:
    before = sys.modules["workbench.errors"]
    with private(1) as load:
        errors, lifecycle = load("workbench.errors"), load("workbench.domain.guest.lifecycle")
        assert errors is not before
        assert errors.UsageError.title != workbench.errors.UsageError.title
        assert lifecycle.exit_words(137) != exit_words(137)
        assert "137" not in lifecycle.exit_words(137)
        assert "9" in lifecycle.exit_words(137), "what is filled in stays"
    assert sys.modules["workbench.errors"] is before
    assert sys.modules["tests.code.decisions"] is decisions


def test_most_of_the_package_is_reworded(trees: Mapping[str, ast.Module]) -> None:
    count = sum(len(messages(tree, module)) for module, tree in trees.items())
    assert count > 2500


SOURCE = '''
"""A docstring of words."""
import re
class Kind(StrEnum):
    """Kinds of things."""
    ONE = "one"
class Panel:
    DEFAULT_CSS = "Panel { height: auto; }"
PATTERN = re.compile("no such thing")
def say(size: int, name: str) -> str:
    held = cast("Mapping[str, int]", {})
    text.append(name, "bold $error", classes="wide panel")
    if name == "x" and size in "a b".split():
        return f"{name} has {size:,} bytes"
    return "it is gone"
'''


def test_what_is_a_message_and_what_is_not() -> None:
    found = [(node.value, one) for node, one in messages(ast.parse(SOURCE), "workbench.x")]
    assert found == [("one", True), (" has ", False), (" bytes", False), ("it is gone", False)]


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("powered off", True), ("\0 does not run", True), ("guard: \0", True), ("killed by signal 7 (SIGBUS)", True),
        ("signal 7 (SIGBUS)", True), ("absent", False), ("bold $error", False), (r"^\w+ none", False),
        ("Mapping[str, int]", False), ("-device", False), ("/proc/\0/stat", False), ("", False),
    ],
)  # fmt: skip
def test_prose(text: str, prose: bool) -> None:
    assert is_prose(text) == prose


def test_another_text_keeps_its_edges_and_what_is_filled_in() -> None:
    for seed in range(20):
        chance = random.Random(seed)
        made = reword("  two words {name} here\nand more ", chance)
        assert made.startswith("  ")
        assert made.endswith(" ")
        assert made.count("\n") == 1
        assert "{name}" in made.split("\n")[0]
        assert "two words" not in made
        assert " " not in reword("one", chance, one=True)


@pytest.mark.parametrize(
    "line",
    [
        'x = ended != "powered off"',
        'x = "another client" in str(error)',
        'x = "floor" in plan.risk',
        'x = plan.risk.startswith("floor")',
        'x = state.value == "absent"',
        'x = stage.value in ("late", "failed")',
        'x = text.removeprefix("the profile says so")',
        'x = text == GONE',
        'x = text.removeprefix("guard: ")',
        'x = [one for one in left if not one.startswith(f"{words}: ")]',
        'x = text == THERE',
        'x = text.partition(f"{name}: a target is")',
        'match text:\n    case "two words":\n        pass',
        'x = text in {"true or false", "bool"}',
    ],
)  # fmt: skip
def test_a_comparison_with_a_message_is_found(line: str) -> None:
    here = ast.parse(f'from workbench.there import THERE\nGONE = "it is gone"\n{line}\n')
    there = ast.parse('THERE = "it is there"\n')
    found = comparisons({"workbench.here": here, "workbench.there": there})
    assert found == [f"workbench.here:{3 + line.count(chr(10) + '    case')}"]


@pytest.mark.parametrize(
    "line",
    [
        'x = status == "running"',
        "x = state is State.ABSENT",
        'x = one.value == given.get("property")',
        'x = path.startswith("/proc")',
        'x = bool(error.message)',
        'x = words.split(", ")',
    ],
)  # fmt: skip
def test_a_comparison_with_something_else_is_not(line: str) -> None:
    assert comparisons({"workbench.here": ast.parse(line)}) == []


def test_a_decision_on_words_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the whole rests on: two modules of which one compares what the other says."""
    package = tmp_path / "workbench"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "says.py").write_text(
        'def words(code):\n    return "powered off" if code == 0 else f"ended with {code}"\n'
    )
    (package / "asks.py").write_text('def calm(words):\n    return words == "powered off"\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for seed in (None, 1):
        with private(seed) as load:
            found.append(load("workbench.asks").calm(load("workbench.says").words(0)))
    assert found == [True, False]
