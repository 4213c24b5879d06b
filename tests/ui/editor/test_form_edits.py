"""What the form's changes make of a text, without a screen."""

from __future__ import annotations

import tomllib

import pytest

from workbench.domain.profile.text.form import Row, form_rows
from workbench.domain.profile.text.layout import EditError
from workbench.ui.editor.form_edits import with_named_value, with_table, with_value

TEXT = '# mine\n[memory]\nsize = "1G"  # enough\n\n[[net]]\nmac = "52:54:00:12:34:56"\n'


def row(text: str, *path: str | int) -> Row:
    return next(one for one in form_rows(text, tomllib.loads(text)) if one.path == path)


def test_a_value_is_written_as_its_kind_wants_it() -> None:
    edited = with_value(TEXT, row(TEXT, "memory", "size"), "512M")
    assert edited == TEXT.replace("1G", "512M"), "the comment stays"


def test_one_more_table_is_added_to_a_list() -> None:
    edited = tomllib.loads(with_table(TEXT, row(TEXT, "net")))
    assert [bool(one) for one in edited["net"]] == [True, False]


def test_a_table_that_is_off_is_turned_on_in_place() -> None:
    for name, value in (("balloon", {}), ("net", [{}])):
        text = f"{name} = false\n"
        assert tomllib.loads(with_table(text, row(text, name))) == {name: value}


@pytest.mark.parametrize(
    ("typed", "value"),
    [("x = 1", {"x": 1}), ('x = "1 2"', {"x": "1 2"}), ("x=a=b", {"x": "a=b"}), ("x = y", {"x": "y"})],
)
def test_a_key_of_ones_own_is_typed_with_its_value(typed: str, value: dict[str, object]) -> None:
    named = Row(("vars",), "vars", "names", "", "")
    assert tomllib.loads(with_named_value("", named, typed))["vars"] == value


@pytest.mark.parametrize("typed", ["", "x", "= 1", "x =", "  =  "])
def test_half_a_key_is_refused(typed: str) -> None:
    with pytest.raises(EditError, match="expected NAME = VALUE"):
        with_named_value("", Row(("vars",), "vars", "names", "", ""), typed)
