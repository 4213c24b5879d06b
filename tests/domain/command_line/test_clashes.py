"""Raw arguments that conflict with the profile, and cards with the same address as another guest's."""

from __future__ import annotations

import pytest

from tests.profile_files import read_guest
from workbench.domain.command_line.argv import Launch, argv_parts
from workbench.domain.command_line.clashes import argument_clashes
from workbench.domain.profile.cautions import cautions, own_address

LAUNCH = Launch("qemu", "/d", "tcg")


def clashes(*args: str, more: str = "") -> list[tuple[object, str]]:
    guest = read_guest(f"qemu.args = {list(args)!r}\n{more}")
    return list(argument_clashes(argv_parts(guest, LAUNCH)))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["-device", "e1000,id=net0"], 'id "net0" is already used by net[0]'),
        (["-device", '{"driver":"e1000","id":"net0"}'], 'id "net0" is already used by net[0]'),
        (["-netdev", "user,id=net0-host"], 'id "net0-host" is already used by net[0]'),
        (["-object", "iothread,id=ram0"], 'id "ram0" is already used by memory.size'),
        (["-chardev", "null,id=qmp"], 'id "qmp" is already used by the workbench'),
        (["-drive", "id=disk0-image,file=x"], 'id "disk0-image" is already used by scsi[0].disk[0]'),
        (["-device", "virtio-balloon-pci"], "a second balloon, and QEMU allows only one: the other is balloon"),
        (
            ["-device", '{"driver":"virtio-balloon"}'],
            "a second balloon, and QEMU allows only one: the other is balloon",
        ),
        (["-balloon", "virtio"], "a second balloon, and QEMU allows only one: the other is balloon"),
        (["-device", "e1000,addr=3"], "slot 03.0 is already used by balloon"),
        (["-device", "e1000,bus=pcie.0,addr=0x1c.1"], "slot 1c.1 is already used by root-ports"),
        (["-device", '{"driver":"e1000","addr":"03.0"}'], "slot 03.0 is already used by balloon"),
    ],
)
def test_one_clash(args: list[str], words: str) -> None:
    disk = "[[scsi]]\n[[scsi.disk]]\nfile = 'f'\n"
    assert clashes(*args, more=disk) == [(("qemu", "args", 0), words)]


@pytest.mark.parametrize(
    "args",
    [
        ["-device", "e1000,id=net9,addr=0a"],
        ["-device", "e1000,addr=3,bus=other"],
        ["-netdev", "user,id=net0"],
        ["-device", "e1000"],
        ["-S"],
        ["-device"],
    ],
)
def test_none(args: list[str]) -> None:
    assert clashes(*args) == []


def test_two_arguments_with_one_id() -> None:
    found = clashes("-device", "e1000,id=a", "-device", "e1000,id=a")
    assert found == [(("qemu", "args", 2), 'id "a" is already used by qemu.args[0]')]


def test_a_card_on_a_shared_network_gets_a_warning_with_an_address() -> None:
    """Every QEMU gives its first card the same address."""
    bridge = "[[net]]\n[[net]]\nbackend = 'bridge'\n"
    ((path, words),) = cautions(read_guest(bridge))
    assert path == ("net", 1, "backend")
    address = own_address("demo", 1)
    assert f'mac = "{address}"' in words
    assert not list(cautions(read_guest(f"{bridge}mac = '{address}'")))
    assert len({own_address(name, index) for name in ("a", "b") for index in (0, 1)}) == 4
