"""The log of a guest's serial console."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.console import Console
from workbench.engine.balloon.console_look import ConsoleLook

if TYPE_CHECKING:
    from pathlib import Path


def test_its_end_and_the_time_of_the_last_output(tmp_path: Path) -> None:
    log = tmp_path / "serial.log"
    look = ConsoleLook(log)
    assert look.look() is None
    log.write_bytes(b"x" * 9000 + b"\r\nweb login: ")
    os.utime(log, (1000.0, 1000.0))
    assert look.look() == Console(1000.0, "web login:")
    with log.open("ab") as file:
        file.write(b"root\r\n# ")
    os.utime(log, (1001.5, 1001.5))
    assert look.look() == Console(1001.5, "#")


def test_a_guest_without_a_console_shows_nothing(tmp_path: Path) -> None:
    assert ConsoleLook(None).look() is None
    (tmp_path / "serial.log").write_bytes(b"")
    assert ConsoleLook(tmp_path / "serial.log").look() is None
