"""List and check a thousand profiles, and import a command line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workbench.domain.convert.qemu.importer import import_qemu
from workbench.domain.convert.shell.script import read_script

from .figures import Figure, latency

COUNT = 1000
ROUNDS = 5
IMPORTS = 50
SCRIPT = """#!/bin/sh
ARGS=(-M q35,hpet=off -enable-kvm -cpu host,+svm -smp 4,cores=2,threads=2 -m 4G)
exec sudo qemu-system-x86_64 "${ARGS[@]}" \\
  -drive if=none,id=d0,file=disk.qcow2,format=qcow2,cache=none -device virtio-scsi-pci,id=s0 -device scsi-hd,drive=d0 \\
  -netdev user,id=n0,hostfwd=tcp::2222-:22 -device virtio-net-pci,netdev=n0,mac=52:54:00:01:02:03 \\
  -device virtio-balloon -device virtio-serial -chardev socket,path=/tmp/qga,server=on,wait=off,id=q \\
  -device virtserialport,chardev=q,name=org.qemu.guest_agent.0 -usb -device usb-tablet -vga std > log 2>&1 &
"""


def measure() -> list[Figure]:
    return [*_thousand(), _import()]


def _thousand() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wb-") as directory:
        base = Path(directory)
        profiles = base / "profiles"
        profiles.mkdir()
        (profiles / "disk.img").write_bytes(bytes(1 << 20))
        for number in range(COUNT):
            (profiles / f"guest{number:04}.toml").write_text(_profile(number))
        environment = {
            **os.environ,
            "WORKBENCH_PROFILES": str(profiles),
            "WORKBENCH_STATE": str(base / "state"),
            "XDG_CACHE_HOME": str(base / "cache"),
        }
        figures = []
        for verb in ("list", "check"):
            command = [sys.executable, "-m", "workbench.cli", verb]
            seconds = []
            for _ in range(ROUNDS + 1):  # the first one queries QEMU; the replies are cached
                begun = time.perf_counter()
                subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
                seconds.append(time.perf_counter() - begun)
            worst = max(seconds[1:])
            detail = f"worst of {ROUNDS}; the first, which queries QEMU, {seconds[0] * 1000:.0f} ms"
            figures.append(Figure(f"{verb} 1,000 profiles", worst * 1000, 1000, "ms", detail))
        return figures


def _profile(number: int) -> str:
    """One of a thousand profiles with different sizes, cards, ports and comments; each has a disk to check."""
    return (
        f'# Guest {number}\ndescription = "guest {number}"\n\n[memory]\nsize = "{64 + number % 32}M"\n\n[cpu]\n'
        f'count = {1 + number % 4}\n\n[[net]]\nforward = ["tcp:127.0.0.1:{20000 + number}-:22"]\n[[net]]\nbackend = "none"\n\n'
        f'[[scsi]]\n[[scsi.disk]]\nfile = "disk.img"\nformat = "raw"\nread-only = true\n\n[balloon]\nstatistics = {number % 10}\n'
    )


def _import() -> Figure:
    seconds = []
    for _ in range(IMPORTS):
        begun = time.perf_counter()
        script = read_script(SCRIPT)
        import_qemu(script.argv, script.notes)
        seconds.append(time.perf_counter() - begun)
    return latency("import", seconds, 0.99, 50)
