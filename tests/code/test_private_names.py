"""Tests ask what they test through public names."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.code.private_names import defined, touched

ROOT = Path(__file__).parents[2]

LIBRARIES = frozenset({"_driver"})
"""Names of Textual's classes that the package uses for something of its own too."""

ALLOWED: dict[str, str] = {}
"""``file:name`` of what cannot be asked otherwise, and why. Sorted, one a line."""


@cache
def found() -> dict[str, int]:
    """``file:name`` of each private name of the package that a test touches, with a line."""
    names = {
        name for path in (ROOT / "workbench").rglob("*.py") for name in defined(ast.parse(path.read_text()))
    } - LIBRARIES
    return {
        f"{path.relative_to(ROOT)}:{name}": line
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line, name in touched(ast.parse(path.read_text()))
        if name in names
    }


def test_no_test_touches_a_private_name_of_the_package() -> None:
    assert {place: line for place, line in found().items() if place not in ALLOWED} == {}


def test_every_exception_is_still_needed() -> None:
    assert [place for place in ALLOWED if place not in found()] == []
    assert list(ALLOWED) == sorted(ALLOWED)


@pytest.mark.parametrize(
    "text",
    [
        "guest._monitor.close()",
        "assert super()._follow()",
        "from workbench.engine.doctor import _state",
        "monkeypatch.setattr(module, '_known', {})",
        "monkeypatch.setattr('workbench.engine.host.qemu._known', {})",
        "mock.patch.object(module, '_known')",
        "SimpleNamespace(_probe=None)",
    ],
)
def test_every_way_to_touch_one_is_seen(text: str) -> None:
    assert len(list(touched(ast.parse(text)))) == 1


@pytest.mark.parametrize(
    "text", ["self._text = ''", "from tests.real import _x", "run('_known')", "_own()", "a.__doc__"]
)
def test_what_is_the_tests_own_is_not(text: str) -> None:
    assert list(touched(ast.parse(text))) == []


def test_definitions_of_every_kind_are_seen() -> None:
    text = "_A = 1\n_b: int = 2\nclass _C:\n  def _d(self): self._e = 1\nfor _ in (): pass\n"
    assert sorted(defined(ast.parse(text))) == ["_A", "_C", "_b", "_d", "_e"]
