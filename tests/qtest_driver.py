"""A virtio balloon driver outside the guest, which plays any guest: over QEMU's qtest protocol (system/qtest.c).

The guest is a QEMU on TCG with firmware only, so that QEMU runs, its clock goes, and SeaBIOS has mapped the BARs. Nobody in
it drives the balloon; this does, by the registers and a queue in the guest's memory (virtio 1.2: 4.1.4 Virtio Structure PCI
Capabilities, 2.7 Split Virtqueues, 5.5 Traditional Memory Balloon Device).
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

VIRTIO, BALLOONS = 0x1AF4, (0x1002, 0x1045)
"""PCI ids: vendor, and a balloon's transitional and modern ones (virtio 1.2, 4.1.2)."""
STATS_VQ, DEFLATE_ON_OOM, VERSION_1 = 1, 2, 32
"""Feature bits (virtio 1.2, 5.5.3 and 6)."""
SELECT, FEATURE, DRIVER_SELECT, DRIVER_FEATURE, STATUS = 0x00, 0x04, 0x08, 0x0C, 0x14
QUEUE_SELECT, QUEUE_SIZE, QUEUE_ENABLE, QUEUE_DESC, QUEUE_AVAIL, QUEUE_USED = 0x16, 0x18, 0x1C, 0x20, 0x28, 0x30
CONFIG, NOTIFY = 0x2000, 0x3000
"""Where QEMU puts them in BAR 4 (hw/virtio/virtio-pci.c)."""
TAGS = {
    "swap-in": 0, "swap-out": 1, "major-faults": 2, "minor-faults": 3, "free": 4, "total": 5, "available": 6, "caches": 7,
}  # fmt: skip
"""VIRTIO_BALLOON_S_…"""
RINGS = 16 << 20
"""Where in the guest's memory the statistics' queue stands: SeaBIOS leaves it alone."""
STATS_QUEUE = 2
SIZE = 4


class Qtest:
    """The protocol: one line asked, one line answered."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rw", newline="\n")

    def ask(self, *words: object) -> str:
        self._file.write(" ".join(str(word) for word in words) + "\n")
        self._file.flush()
        while True:
            answer = self._file.readline().split()
            if answer and answer[0] != "IRQ":
                assert answer[0] == "OK", (words, answer)
                return answer[1] if len(answer) > 1 else ""

    def write(self, size: str, address: int, value: int) -> None:
        self.ask(f"write{size}", hex(address), hex(value))

    def read(self, size: str, address: int) -> int:
        return int(self.ask(f"read{size}", hex(address)), 16)

    def write_bytes(self, address: int, data: bytes) -> None:
        self.ask("write", hex(address), hex(len(data)), "0x" + data.hex())

    def pci_read(self, slot: int, offset: int) -> int:
        self.ask("outl", 0xCF8, hex(0x80000000 | slot << 11 | offset & 0xFC))
        return int(self.ask("inl", 0xCFC), 16)

    def pci_write(self, slot: int, offset: int, value: int) -> None:
        self.ask("outl", 0xCF8, hex(0x80000000 | slot << 11 | offset & 0xFC))
        self.ask("outl", 0xCFC, hex(value))

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@dataclass
class Manner:
    """How the guest behaves; a test may change it at any moment."""

    move: Callable[[int, int], int] = lambda wanted, held: wanted
    """From num_pages and the pages held to the pages that are held next."""
    statistics: Mapping[str, int] | None = field(default_factory=dict)
    """What it reports, by the names in :data:`TAGS`; empty as Windows without its service does; None: it never answers."""


class SimulatedDriver:
    """Drives the balloon on a thread of its own until it is closed."""

    def __init__(self, path: Path, manner: Manner, *, features: tuple[int, ...] = (STATS_VQ, DEFLATE_ON_OOM)) -> None:
        self.manner = manner
        self._qtest = Qtest(path)
        self._features = features
        self._answered = 0
        """Reports that were given to QEMU."""
        self.held = 0
        try:
            self._bar = self._begin()
        except BaseException:  # whatever it was: nobody else closes the connection
            self._qtest.close()
            raise
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated driver")
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(20)
        self._qtest.close()

    def _find(self) -> int:
        """BAR 4 of the balloon, with bus mastering on; the firmware has mapped it, or will in a moment."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for slot in range(32):
                ids = self._qtest.pci_read(slot, 0)
                if ids & 0xFFFF == VIRTIO and ids >> 16 in BALLOONS:
                    low, high, command = (self._qtest.pci_read(slot, offset) for offset in (0x20, 0x24, 0x04))
                    address = low & ~0xF | high << 32
                    if address and command & 2:
                        self._qtest.pci_write(slot, 0x04, command & 0xFFFF | 4)
                        return address
            time.sleep(0.05)
        raise AssertionError("the firmware mapped no balloon")

    def _begin(self) -> int:
        """Initialize the device, and give where its registers are; the firmware may still be at it, and move them."""
        end = time.monotonic() + 20
        while not self._initialize(bar := self._find()):
            assert time.monotonic() < end, "QEMU refuses the features"
            time.sleep(0.05)
        return bar

    def _initialize(self, bar: int) -> bool:
        """As a driver initializes a device (virtio 1.2, 3.1.1); whether QEMU takes the features."""
        write = self._qtest.write
        write("b", bar + STATUS, 0)
        write("b", bar + STATUS, 1)
        write("b", bar + STATUS, 3)
        wanted = sum(1 << bit for bit in (*self._features, VERSION_1))
        for half in (0, 1):
            write("l", bar + DRIVER_SELECT, half)
            write("l", bar + DRIVER_FEATURE, wanted >> 32 * half & 0xFFFFFFFF)
        write("b", bar + STATUS, 11)
        if self._qtest.read("b", bar + STATUS) != 11:
            return False
        if STATS_VQ in self._features:
            write("w", bar + QUEUE_SELECT, STATS_QUEUE)
            write("w", bar + QUEUE_SIZE, SIZE)
            for register, place in ((QUEUE_DESC, 0), (QUEUE_AVAIL, 0x1000), (QUEUE_USED, 0x2000)):
                write("l", bar + register, RINGS + place)
                write("l", bar + register + 4, 0)
            self._qtest.write_bytes(RINGS, bytes(0x3000))
            write("w", bar + QUEUE_ENABLE, 1)
        write("b", bar + STATUS, 15)
        return True

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.step()

    def step(self) -> None:
        """Move as the manner says, and answer when QEMU has asked for statistics."""
        wanted = self._qtest.read("l", self._bar + CONFIG)
        held = self.manner.move(wanted, self.held)
        if held != self.held:
            self.held = held
            self._qtest.write("l", self._bar + CONFIG + 4, held)
        statistics = self.manner.statistics
        # QEMU asks by giving the last report's buffer back.
        if statistics is not None and STATS_VQ in self._features and self._used() == self._answered:
            self._report(statistics)

    def _used(self) -> int:
        return self._qtest.read("w", RINGS + 0x2002)

    def _report(self, statistics: Mapping[str, int]) -> None:
        data = b"".join(struct.pack("<HQ", TAGS[name], value) for name, value in statistics.items())
        self._qtest.write_bytes(RINGS + 0x3000, data or b"\0\0")
        self._qtest.write_bytes(RINGS, struct.pack("<QIHH", RINGS + 0x3000, len(data) or 2, 0, 0))
        self._qtest.write("w", RINGS + 0x1004 + 2 * (self._answered % SIZE), 0)
        self._answered = (self._answered + 1) % 0x10000
        self._qtest.write("w", RINGS + 0x1002, self._answered)
        self._qtest.write("w", self._bar + NOTIFY + 4 * STATS_QUEUE, STATS_QUEUE)


@contextmanager
def simulated(path: Path, manner: Manner, **options: tuple[int, ...]) -> Iterator[SimulatedDriver]:
    """A driver at the qtest socket of a QEMU."""
    driver = SimulatedDriver(path, manner, **options)
    try:
        yield driver
    finally:
        driver.close()
