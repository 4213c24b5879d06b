"""No class is cut into slices by inheritance: one that is too big holds a second object."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.code.slices import slices

ROOT = Path(__file__).parents[2]


@cache
def found() -> dict[str, str]:
    return slices(
        {
            ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text())
            for path in (ROOT / "workbench").rglob("*.py")
        }
    )


def test_no_class_is_cut_into_slices() -> None:
    assert found() == {}


SCREEN = "class Screen(Guests, Qmp): pass\ndef opened(): return Screen()"


def parts(**rooms: str) -> set[str]:
    """The slices among some classes; each argument is the only module of a room."""
    modules = {f"workbench.ui.{room}.classes": ast.parse(text) for room, text in rooms.items()}
    return {name.rpartition(".")[2] for name in slices(modules)}


def test_a_chain_of_slices_is_named() -> None:
    assert parts(main=f"class Base: pass\nclass Guests(Base): pass\nclass Qmp: pass\n{SCREEN}") == {
        "Base", "Guests", "Qmp"
    }  # fmt: skip


def test_slices_that_meet_in_one_class_are_named() -> None:
    assert parts(main=f"class Base: pass\nclass Guests(Base): pass\nclass Qmp(Base): pass\n{SCREEN}") == {
        "Base", "Guests", "Qmp"
    }  # fmt: skip


def test_a_slice_that_another_slice_mentions_is_named() -> None:
    text = "class Base: tree = 1\nclass Middle(Base):\n  def f(self): return Base.tree\nclass Whole(Middle): pass"
    assert parts(main=text) == {"Base", "Middle"}


def test_a_slice_in_another_module_of_the_room_is_named() -> None:
    text = "from __future__ import annotations\nfrom workbench.ui.main import base\nclass Whole(base.Base[int]): pass"
    modules = {"workbench.ui.main.base": "class Base: pass", "workbench.ui.main.screen": text}
    found = slices({name: ast.parse(text) for name, text in modules.items()})
    assert found == {"workbench.ui.main.base.Base": "workbench.ui.main.screen.Whole"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("class Base: pass\nclass One(Base): pass\nclass Two(Base): pass", "two classes share it"),
        ("class Base: pass\nclass One(Base): pass\ndef made(): return Base()", "it is made on its own"),
        ("class Base: pass\nclass One(Base): pass\ndef of(one: Base): ...", "it is what another one asks for"),
        ("class Base: pass\nclass One(Base): pass\nclass User:\n  def f(self): return Base", "another class names it"),
        ("class One(Exception): pass", "its base is not of the package"),
    ],
)
def test_a_base_that_is_a_class_of_its_own_is_not(text: str, why: str) -> None:
    assert parts(main=text) == set(), why


def test_a_base_of_another_room_is_not() -> None:
    below = "class Base: pass"
    above = "from workbench.ui.common.classes import Base\nclass One(Base): pass"
    assert parts(common=below, main=above) == set()
