"""What every device of a command line has: a place on a bus, an id, a place in the order of booting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import whole

if TYPE_CHECKING:
    from workbench.domain.command_line.options import Keys
    from workbench.domain.convert.qemu.draft import Gathered

_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,19}\Z")


def root_buses(found: Gathered) -> tuple[str | None, str]:
    """How devices name the root bus. A q35 may have a bridge of the name that it has on an i440FX, as Proxmox's have."""
    return None, "pcie.0" if "q35" in str(found.document.get("machine")) else "pci.0"


def place(found: Gathered, keys: Keys, what: str, entry: dict[str, Any] | None = None) -> bool:
    """Take a device's PCI place out of its keys; whether a profile's own place can stand for it.

    :param entry: the device's table, where that can say its slot.
    """
    bus, addr = keys.take("bus"), keys.take("addr")
    if bus not in root_buses(found):
        found.notes.append(f"{what}: it stands on {bus}, and now on the root bus")
    elif addr is not None:
        found.places.append((what, str(addr), entry))
    return True


def name_of(found: Gathered, keys: Keys, entry: dict[str, Any], what: str) -> None:
    """The device's id, where a profile can have it."""
    name = keys.take("id")
    if isinstance(name, str) and _ID.match(name):
        entry["id"] = name
    elif name is not None:
        found.notes.append(f"{what}: the id {name} is none that a profile can have; it gets another one")


def boots(found: Gathered, index: int, kind: str, place: object) -> None:
    """Note a device's place in the order of booting.

    :param index: of its option.
    """
    number = whole(place)
    if number is not None:
        found.boots[index] = number, kind
