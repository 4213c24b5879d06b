"""What a terminal is sent first: nothing that is drawn anew a moment later."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

from tests.commandline import CHECKOUT
from tests.e2e.terminal import SCREEN

if TYPE_CHECKING:
    from tests.commandline import CommandLine


def test_a_narrow_terminal_is_never_shown_the_wide_screen(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\naccelerator = "tcg"\n')
    workbench.start("fw")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**workbench.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    process = subprocess.Popen(SCREEN, stdin=theirs, stdout=theirs, stderr=theirs, cwd=CHECKOUT, env=environment)
    os.close(theirs)
    try:
        seen = ""
        while "Leave" not in seen:
            seen += os.read(ours, 1 << 16).decode(errors="replace")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert "Balloon" in seen
    assert "─ Guests" not in seen, "panes that stand beside each other"
