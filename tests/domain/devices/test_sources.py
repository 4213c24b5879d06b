"""Where QEMU's source defines a type."""

from __future__ import annotations

import re

import pytest

from workbench.domain.devices.source_table import TABLE
from workbench.domain.devices.sources import MOVED, NAMELESS, source_file


@pytest.mark.parametrize(
    ("type_name", "version", "file"),
    [
        ("virtio-balloon-device", "7.2.22", "hw/virtio/virtio-balloon.c"),
        ("virtio-balloon-pci", "10.0.13", "hw/virtio/virtio-balloon-pci.c"),
        ("virtio-net-pci-non-transitional", "", "hw/virtio/virtio-net-pci.c"),
        ("PIIX3", "7.2.0", "hw/isa/piix3.c"),
        ("PIIX3", "10.0.0", "hw/isa/piix.c"),
        ("PIIX3", "8.2.1", "hw/isa/piix.c or hw/isa/piix3.c"),
        ("nvme", "5.2.0", "hw/block/nvme.c"),
        ("nvme", "7.2.0", "hw/nvme/ctrl.c"),
        ("virtio-rng-pci", "11.1.3", "hw/virtio/virtio-rng-pci.c"),
        ("virtio-rng-pci", "11.2.0", "hw/virtio/virtio-rng-pci.c (in 11.1)"),
        ("PIIX3", "11.1.3", "hw/isa/piix.c (in 10.0)"),
        ("PIIX3", "12.0.0", "hw/isa/piix.c (in 10.0)"),
        ("cfi.pflash01", "7.2.0", "hw/block/pflash_cfi01.c"),
        ("vhost-vdpa-device-pci-non-transitional", "10.0.0", "hw/virtio/vdpa-dev-pci.c"),
        ("pc-q35-9.1-machine", "9.1.0", "hw/i386/pc_q35.c"),
        ("max-x86_64-cpu", "7.2.0", "target/i386/cpu.c"),
        ("no-such-type", "7.2.0", ""),
    ],
)
def test_the_file_of_a_type(type_name: str, version: str, file: str) -> None:
    assert source_file(type_name, version) == file


def test_the_table_is_well_formed() -> None:
    seen: set[str] = set()
    for line in filter(None, TABLE.replace("\n ", "").split("\n")):
        file, *types = line.split()
        assert re.fullmatch(r"[\w/.+-]+\.c", file), line
        assert types, line
        assert not seen.intersection(types), line
        seen.update(types)
    assert set(MOVED) <= seen
    assert {line.split()[0] for line in TABLE.splitlines() if line} >= NAMELESS
