"""What every device of a command line has: a place on a bus, an id, a place in the order of booting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.command_line.options import Keys
    from workbench.domain.convert.qemu.draft import Gathered
    from workbench.domain.profile.devices.part import Path

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


def boot_order(found: Gathered) -> None:
    """The kinds of devices in the order of their first places."""
    found.document.get("boot", {}).pop("order", None)
    kinds = _kinds(found)
    if kinds:
        found.table("boot")["order"] = list(dict.fromkeys(kinds))


def mixed(found: Gathered) -> Iterator[str]:
    kinds = _kinds(found)
    order = list(dict.fromkeys(kinds))
    if kinds != sorted(kinds, key=order.index):
        yield "the order of booting mixes kinds of devices: now all of one kind come before the next"


def booted_with_arguments(found: Gathered) -> Iterator[Path]:
    """The devices that have a place in the order of booting, where arguments have places too that would not be behind
    all of a profile's: QEMU starts with no two devices in one place."""
    kept = [option for _, option in found.kept()]
    theirs = [whole(one.keys["bootindex"]) for one in kept if one.name == "device" and "bootindex" in one.keys]
    said = any(one.name in ("global", "set") and "bootindex" in (one.value or "") for one in kept)
    ours = [number for index, (number, _) in found.boots.items() if index in found.taken]
    last = max([*ours, _most(found)], default=0)
    behind = not said and all(place is not None and place > last for place in theirs)
    if not behind:
        yield from (found.taken[index] for index in found.boots if index in found.taken)


def _kinds(found: Gathered) -> list[str]:
    return [kind for _, kind in sorted(place for index, place in found.boots.items() if index in found.taken)]


def _most(found: Gathered) -> int:
    """The last place that a profile may give: it counts the devices of each kind from 1."""
    cards = [card for card in found.document.get("net") or () if card is not None]
    controllers = [one for one in found.document.get("scsi") or () if one is not None]
    return len(cards) + sum(len(one.get("disk", ())) for one in controllers)
