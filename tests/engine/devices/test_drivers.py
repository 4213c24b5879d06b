"""The devices that a QEMU can create, as reported by another QEMU process of the same program."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

from workbench.domain.qmp.lookups import Known
from workbench.engine.devices.drivers import DriverBook, parse_drivers

if TYPE_CHECKING:
    from pathlib import Path

HELP = """Network devices:
name "e1000", bus PCI, alias "e1000-82540em", desc "Gigabit "
name "usb-net", bus usb-bus

Misc devices:
name "hyper", desc "a "b", c"
name "bare"
"""


def test_the_list_of_devices_is_read() -> None:
    drivers, aliases = parse_drivers(HELP)
    assert drivers == (
        Known("bare"),
        Known("e1000", "Gigabit , bus PCI", bus="PCI"),
        Known("hyper", 'a "b", c'),
        Known("usb-net", "bus usb-bus", bus="usb-bus"),
    )
    assert aliases == {"e1000-82540em": "e1000"}


async def test_the_installed_qemu_is_asked_once() -> None:
    qemu = shutil.which("qemu-system-x86_64")
    assert qemu is not None
    book = DriverBook()
    names = {one.value for one in await book.drivers(qemu)}
    assert {"virtio-net-pci", "virtio-balloon-pci", "scsi-hd"} <= names
    found = {one.value: one for one in await book.properties(qemu, "virtio-blk-pci")}
    assert found["drive"].type == "str"
    assert found["num-queues"].type == "int"
    assert found["config-wce"].type == "bool"
    assert found["disable-legacy"].choices == ("on", "off", "auto")
    ordered = [str(one.value) for one in found.values()]
    assert ordered == sorted(ordered, key=lambda name: (name.startswith("x-"), name))
    # Both replies are cached: the program is no longer needed.
    assert await book.drivers("/no/such")
    assert await book.properties("/no/such", "virtio-blk-pci")


async def test_a_qemu_that_dies_of_it_leaves_nothing_known(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\nkill -ABRT $$\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    book = DriverBook()
    assert await book.drivers(str(program)) == ()
    assert await book.properties(str(program), "virtio-blk-pci") == ()
