"""``workbench import`` as a user runs it, and that the machine it gives is the same one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.commandline import CHECKOUT, COMMAND, wait_until
from tests.real import QEMU

if TYPE_CHECKING:
    from tests.commandline import CommandLine

LINE = (
    "-nodefaults -display none -M q35 -m 96 -smp 2 -netdev user,id=n0 "
    "-device virtio-net-pci,netdev=n0,id=lan,mac=52:54:00:00:11:22 "
    "-device virtio-balloon-pci,id=balloon0,deflate-on-oom=on -device virtio-scsi-pci,id=hba -device usb-ehci,id=usb"
)


def feed(workbench: CommandLine, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "import", "qemu", *arguments],
        cwd=CHECKOUT,
        env=workbench.environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_command_line_becomes_a_guest_that_starts(workbench: CommandLine) -> None:
    done = workbench("import", "qemu", "--write", "mine", "--", "sudo", QEMU, *LINE.split())
    assert done.code == 0, done
    assert "sudo before QEMU" in done.stderr
    assert workbench("check", "mine").code == 0
    workbench.start("mine")
    pci = json.loads(workbench("qmp", "mine", "query-pci", "--json").stdout)
    found = {device["qdev_id"]: device["id"] for device in pci[0]["devices"] if device["qdev_id"]}
    assert set(found) == {"lan", "balloon0", "hba", "usb"}
    mac = workbench("qmp", "mine", "qom-get", "path=/machine/peripheral/lan", "property=mac", "--json")
    assert "52:54:00:00:11:22" in mac.stdout
    again = workbench("import", "qemu", "--write", "mine", "--", QEMU, "-S")
    again.check_error(1, "profile mine already exists")


def test_a_script_on_standard_input(workbench: CommandLine) -> None:
    done = feed(workbench, f"#!/bin/sh\nMEM=64\nexec {QEMU} -nodefaults -m $MEM \\\n  -snapshot >log &\n", "--json")
    assert done.returncode == 0, done
    found = json.loads(done.stdout)
    assert 'size = "64M"' in found["profile"]
    assert '"-snapshot"' in found["profile"]
    assert any(">log" in note for note in found["notes"])


def test_what_is_no_qemu(workbench: CommandLine) -> None:
    inner = workbench("import", "qemu", "--", "sh", "-c", f"{QEMU} -nodefaults -m 64")
    assert 'size = "64M"' in inner.stdout, inner
    assert "sh -c before QEMU" in inner.stderr
    workbench("import", "qemu", "--", "ls", "-l").check_error(2, "the command line does not run QEMU")
    done = feed(workbench, "echo hello\n")
    assert (done.returncode, "runs QEMU" in done.stderr) == (2, True)
    workbench("import", "running", str(os.getpid())).check_error(1, "is not a QEMU")
    workbench("import", "running", "4194999").check_error(3, "no process")


def test_a_running_guest_gives_the_command_that_it_was_started_with(workbench: CommandLine, tmp_path: Path) -> None:
    workbench.profile(
        "box", 'memory.size = "64M"\ncpu.count = 2\n[[net]]\n[[serial]]\nkind = "agent"\n[balloon]\nstatistics = 5\n'
    )
    pid = workbench.start("box")
    done = workbench("import", "running", str(pid))
    assert done.code == 0, done
    assert "[qemu]" not in done.stdout
    before = workbench("command", "box", "--json").stdout
    (workbench.profiles / "box.toml").write_text(done.stdout)
    assert json.loads(workbench("command", "box", "--json").stdout) == json.loads(before)


def test_a_qemu_of_somebody_else(workbench: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "r.img").write_bytes(bytes(1 << 20))
    words = "-nodefaults -display none -S -drive if=none,id=d,file=r.img,format=raw -device virtio-scsi -device scsi-hd,drive=d"
    process = subprocess.Popen([QEMU, *words.split()], cwd=tmp_path)
    try:
        wait_until(lambda: b"scsi-hd" in Path(f"/proc/{process.pid}/cmdline").read_bytes(), "QEMU to be executed")
        done = workbench("import", "running", str(process.pid), "--json")
        assert done.code == 0, done
        assert f'file = "{tmp_path}/r.img"' in json.loads(done.stdout)["profile"]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_relative_paths_of_arguments_begin_at_the_profile(workbench: CommandLine, tmp_path: Path) -> None:
    workbench("import", "qemu", "--write", "box", "--", QEMU, *["-nodefaults", "-m", "64", "-hda", "box.img"])
    (workbench.profiles / "box.img").write_bytes(bytes(1 << 20))
    workbench.start("box")
    assert "box.img" in workbench("qmp", "box", "query-block", "--json").stdout
    workbench("stop", "box", "--timeout", "0", "--kill")
    script = workbench("export", "box", "--to", "script").stdout
    assert f"\ncd {workbench.profiles}\n" in script
    assert str(workbench.profiles) in workbench("export", "box", "--to", "qemu").stderr
