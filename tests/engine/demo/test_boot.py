"""The demo guest in a real QEMU: ready, network, a shell on each console, memory pressure, power-down."""

from __future__ import annotations

import re
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real import QEMU, each_qemu, running_qemu
from workbench.domain.units import MIB
from workbench.engine.demo import CMDLINE, READY
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from workbench.engine.demo import DemoGuest

DEADLINE = 90.0
"""Seconds for a boot or a command; the boot takes two to five under TCG."""

DEVICES = (
    "-netdev", "user,id=net0",
    "-device", '{"driver":"virtio-net-pci","id":"nic0","netdev":"net0"}',
    "-device", '{"driver":"virtio-scsi-pci","id":"scsi0"}',
    "-device", '{"driver":"virtio-balloon-pci","id":"balloon0","deflate-on-oom":true,"free-page-reporting":true}',
    "-device", '{"driver":"virtio-serial-pci","id":"vser0"}',
    "-device", '{"driver":"virtconsole","id":"con0","bus":"vser0.0","chardev":"console0"}',
    "-device", '{"driver":"virtio-rng-pci","id":"rng0"}',
)  # fmt: skip


class Terminal:
    """The other end of one of the guest's consoles."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(1)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._commands = 0
        self.text = ""

    def close(self) -> None:
        self._socket.close()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until the text has a match."""
        end = time.monotonic() + DEADLINE
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found
            assert time.monotonic() < end, f"no {pattern!r} in:\n{self.text}"
            try:
                self.text += self._socket.recv(65536).decode(errors="replace")
            except TimeoutError:
                continue

    def run(self, command: str) -> tuple[int, str]:
        """A command's exit status and what it wrote, as typed into the shell."""
        self._commands += 1
        number = self._commands
        self.text = ""
        # The shell echoes what is typed, wrapped at 80 columns: only a number where the echo has $? is output.
        self._socket.sendall(f"echo begin{number}-$?.; {command}; echo end{number}-$?.\n".encode())
        found = self.wait_for(rf"(?s)begin{number}-\d+\.\r\n(.*?)end{number}-(\d+)\.")
        return int(found[2]), found[1].replace("\r", "")


class Running:
    """A booted demo guest."""

    def __init__(self, process: subprocess.Popen[bytes], qmp: Path, directory: Path) -> None:
        self.process = process
        self.qmp = qmp
        self.directory = directory

    def terminal(self, name: str) -> Terminal:
        return Terminal(self.directory / name)

    async def power_down(self) -> int:
        """Press the power button and give QEMU's exit status."""
        monitor = await Monitor.connect(self.qmp)
        try:
            await monitor.execute("system_powerdown")
        finally:
            await monitor.close()
        return self.process.wait(DEADLINE)


@contextmanager
def booted(guest: DemoGuest, *devices: str, qemu: str = QEMU) -> Iterator[tuple[Running, Terminal]]:
    """The demo guest, ready, and its serial console."""
    with tempfile.TemporaryDirectory(prefix="wb-") as directory:
        chardevs = [
            argument
            for name in ("serial0", "console0")
            for argument in ("-chardev", f"socket,id={name},path={directory}/{name},server=on,wait=off")
        ]
        boot = ["-kernel", str(guest.kernel), "-initrd", str(guest.initrd), "-append", CMDLINE, "-no-reboot"]
        argv = (*chardevs, "-serial", "chardev:serial0", *boot)
        # QEMU's sockets are bound in the order of the command line: with the monitor's, these are there too.
        with running_qemu(*devices, *argv, binary=qemu, memory="512M", devices=()) as (process, qmp):
            running = Running(process, qmp, Path(directory))
            serial = _when_bound(running, "serial0")
            try:
                serial.wait_for(rf"(?m)^{READY}: Linux {re.escape(guest.version)}, try: eat 100M\r?$")
                yield running, serial
            finally:
                serial.close()


def _when_bound(running: Running, name: str) -> Terminal:
    while True:
        assert running.process.poll() is None, "QEMU ended before its serial socket was there"
        try:
            return running.terminal(name)
        except (FileNotFoundError, ConnectionRefusedError):
            continue


@each_qemu()
async def test_it_boots_to_two_shells_and_a_network_and_powers_down(demo_guest: DemoGuest, qemu: str) -> None:
    with booted(demo_guest, *DEVICES, qemu=qemu) as (running, serial):
        assert serial.run("tty") == (0, "/dev/ttyS0\n")
        assert serial.run("uname -r") == (0, f"{demo_guest.version}\n")
        drivers = "for device in /sys/bus/virtio/devices/*; do basename $(readlink $device/driver); done | sort"
        assert serial.run(drivers)[1].split() == [
            "virtio_balloon",
            "virtio_console",
            "virtio_net",
            "virtio_rng",
            "virtio_scsi",
        ]
        status, _ = serial.run(
            f"for i in $(seq {DEADLINE:.0f}); do ip addr show eth0 | grep -q 'inet 10.0.2.15/24' && break; sleep 1; done; "
            "ip route | grep -q '^default via 10.0.2.2'"
        )
        assert status == 0
        console = running.terminal("console0")
        try:
            assert console.run("tty") == (0, "/dev/hvc0\n")
            assert console.run("sleep 0 & fg > /dev/null")[0] == 0  # job control
        finally:
            console.close()
        assert await running.power_down() == 0
        assert "power button: switching off" in serial.wait_for(r"power button.*")[0]


async def test_it_eats_and_gives_back_memory_and_survives_hunger(demo_guest: DemoGuest) -> None:
    def available() -> int:
        return int(serial.run("sed -n 's/^MemAvailable: *//p' /proc/meminfo")[1].split()[0]) << 10

    # Free page reporting takes up to 64 MiB of free pages aside for a moment (mm/page_reporting.c): not here.
    devices = [device.replace('"free-page-reporting":true', '"free-page-reporting":false') for device in DEVICES]
    with booted(demo_guest, *devices) as (running, serial):
        before = available()
        status, text = serial.run("eat 100M")
        assert (status, text[:9]) == (0, "held 100M")
        # An estimate: it leaves out what waits in each CPU's lists of free pages (mm/show_mem.c, si_mem_available).
        assert 50 * MIB < before - available() < 150 * MIB
        assert serial.run("eat")[1].startswith("held 100M, available ")
        assert serial.run("eat 48M")[1].startswith("held 48M")  # instead of, not on top of
        assert serial.run("eat 0")[1].startswith("held 0M")
        assert serial.run("ps | grep '[/]bin/dd'") == (1, "")

        status, text = serial.run("eat 1500M")  # more than one dd can hold, and more than there is
        assert status == 1
        assert "eat: out of memory: the kernel killed the eater of 1500M" in text
        assert "held 0M: the kernel killed the eater of 1500M" in serial.run("eat")[1]
        assert serial.run("eat free")[1].startswith("held 0M, available")

        for wrong in ("x", "-1", "1.5G", "100M 2", "99999999999999G"):
            assert serial.run(f"eat {wrong}")[0] == 2
        assert await running.power_down() == 0


async def test_it_boots_and_powers_down_without_any_virtio_device(demo_guest: DemoGuest) -> None:
    with booted(demo_guest) as (running, serial):
        assert serial.run("ls /sys/bus/virtio/devices") == (0, "")
        assert await running.power_down() == 0


async def test_a_press_of_the_power_button_right_after_ready_counts(demo_guest: DemoGuest) -> None:
    with booted(demo_guest, *DEVICES) as (running, _):
        assert await running.power_down() == 0


@pytest.mark.parametrize("name", ["vmlinuz", "initrd.img"])
def test_the_cached_guest_is_whole(demo_guest: DemoGuest, name: str) -> None:
    assert (demo_guest.kernel.parent / name).stat().st_size > MIB
