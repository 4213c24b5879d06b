"""What the end of a serial console shows."""

from __future__ import annotations

import pytest

from workbench.domain.balloon.diagnosis.console import Console, console_of


@pytest.mark.parametrize(
    ("tail", "line", "prompts"),
    [
        ("[    1.3] io scheduler registered\r\n", "[    1.3] io scheduler registered", False),
        ("Debian GNU/Linux 12 web ttyS0\r\n\r\nweb login: ", "web login:", True),
        ("\r\ndemo:/root# \x1b[6n", "demo:/root#", True),
        ("\x1b[2J\x1b[01;01HSeaBIOS (version 1.16.2)\r\n\r\n", "SeaBIOS (version 1.16.2)", False),
        ("user@host:~$ ", "user@host:~$", True),
        ("[ ***  ] A start job is running\r", "[ ***  ] A start job is running", False),
    ],
)
def test_its_last_line_with_text(tail: str, line: str, prompts: bool) -> None:
    found = console_of(tail, 1000.0)
    assert found == Console(1000.0, line)
    assert found.prompts is prompts


def test_a_console_without_text_shows_nothing() -> None:
    assert console_of("", 1.0) is None
    assert console_of("\r\n \x1b[0m\r\n", 1.0) is None
