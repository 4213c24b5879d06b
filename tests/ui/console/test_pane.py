"""The serial console's text: terminal control codes are removed, and nothing is markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.ui.console.pane import clean_line, plain_lines


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;32mgreen\x1b[0m", "green"),
        ("~ # \x1b[6n", "~ # "),
        ("10 %\r20 %\r30 %", "30 %"),
        ("ab\x08c", "ac"),
        ("\x1b]0;title\x07text", "text"),
        ("[/x] [bold]", "[/x] [bold]"),
        ("bell\x07", "bell"),
    ],
)
def test_a_line_without_terminal_control(raw: str, shown: str) -> None:
    assert clean_line(raw) == shown


def test_an_unfinished_line_waits_for_its_end() -> None:
    assert plain_lines("", "one\r\ntw") == (["one"], "tw")
    assert plain_lines("tw", "o\n") == (["two"], "")


@given(st.text())
def test_no_control_character_of_a_guest_survives(text: str) -> None:
    for character in clean_line(text.replace("\n", "")):
        assert character == "\t" or ord(character) >= 0x20
