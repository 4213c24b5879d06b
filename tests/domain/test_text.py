from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.text import json_string, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [/x] text", "plain [/x] text"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\x9bb", "a\\x9bb"),
        ("\u202eabc", "\\u202eabc"),
        ("日本語 é", "日本語 é"),
        ("\n\t", "\\x0a\\x09"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_does_not_print_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_everything_prints(text: str) -> None:
    assert visible(text).isprintable()
    assert json_string(text).isprintable()
    assert json.loads(json_string(text)) == text
