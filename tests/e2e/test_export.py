"""``workbench export`` as a user runs it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import psutil

from tests.commandline import wait_until

if TYPE_CHECKING:
    from tests.commandline import CommandLine


def test_a_script_starts_the_guest(workbench: CommandLine) -> None:
    workbench.profile("box", 'memory.size = "64M"\nqemu.args = ["-fw_cfg", "name=opt/x,string=a b\'c"]\n')
    done = workbench("export", "box", "--to", "script")
    assert done.code == 0, done
    script = workbench.base / "box.sh"
    script.write_text(done.stdout)
    process = subprocess.Popen(["sh", str(script)], env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL)
    try:
        wait_until((workbench.state / "box" / "qmp-cli.sock").exists, "the script's QEMU")
        assert "name=opt/x,string=a b'c" in psutil.Process(process.pid).cmdline()
    finally:
        process.kill()
        process.wait()


def test_a_line_is_the_command(workbench: CommandLine) -> None:
    workbench.profile("box")
    done = workbench("export", "box", "--to", "qemu", "--json")
    command = workbench("command", "box", "--json")
    assert shlex.split(str(done.json["text"])) == json.loads(command.stdout)
    assert workbench("export", "box", "--to", "qemu").stdout == done.json["text"]


def test_what_cannot_be_exported_is_reported(workbench: CommandLine) -> None:
    workbench.profile("box", '[balloon]\nfloor = "64M"\n[[net]]\nforward = ["tcp:127.0.0.1:2222-:22"]\n')
    done = workbench("export", "box", "--to", "libvirt")
    assert done.code == 0, done
    assert "<domain type=" in done.stdout
    assert "workbench: not exported: net[0].forward" in done.stderr
    assert "balloon.floor" in done.stderr
    back = workbench("import", "libvirt", "--write", "back", str(_write(workbench, done.stdout)))
    assert back.code == 0, back
    assert workbench("check", "back").code == 0


def test_wrong_uses(workbench: CommandLine) -> None:
    workbench("export", "nobody", "--to", "qemu").check_error(3, "nobody")
    workbench.profile("box")
    workbench("export", "box", "--to", "vmware").check_error(2, "vmware")
    workbench("import", "libvirt", str(_write(workbench, "<network/>"))).check_error(2, "not a libvirt domain")


def _write(workbench: CommandLine, text: str) -> object:
    path = workbench.base / "domain.xml"
    path.write_text(text)
    return path
