"""Import what all devices of a command line have: a place on a bus, an id, a place in the boot order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.command_line.options import Keys
    from workbench.domain.convert.qemu.draft import Draft
    from workbench.domain.profile.devices.part import Path

_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,19}\Z")


def root_buses(found: Draft) -> tuple[str | None, str]:
    """The names of the root bus. Proxmox's q35 has a bridge with the name of the i440FX's root bus."""
    return None, "pcie.0" if "q35" in str(found.document.get("machine")) else "pci.0"


def place(found: Draft, keys: Keys, what: str, entry: dict[str, Any] | None = None) -> bool:
    """Remove a device's PCI address from its keys and note it; always true.

    :param entry: the device's table, if that can have a slot.
    """
    bus, addr = keys.take("bus"), keys.take("addr")
    if bus not in root_buses(found):
        found.notes.append(f"{what}: moved from {bus} to the root bus")
    elif addr is not None:
        found.places.append((what, str(addr), entry))
    return True


def name_of(found: Draft, keys: Keys, entry: dict[str, Any], what: str) -> None:
    """Import the device's id, if it is valid in a profile."""
    name = keys.take("id")
    if isinstance(name, str) and _ID.match(name):
        entry["id"] = name
    elif name is not None:
        found.notes.append(f"{what}: the id {name} is not valid in a profile: it gets another one")


def boots(found: Draft, index: int, kind: str, place: object) -> None:
    """Note a device's place in the boot order.

    :param index: the index of its option.
    """
    number = whole(place)
    if number is not None:
        found.boots[index] = number, kind


def boot_order(found: Draft) -> None:
    """Set the boot order: the kinds of devices in the order of their first places."""
    found.document.get("boot", {}).pop("order", None)
    kinds = _kinds(found)
    if kinds:
        found.table("boot")["order"] = list(dict.fromkeys(kinds))


def mixed(found: Draft) -> Iterator[str]:
    kinds = _kinds(found)
    order = list(dict.fromkeys(kinds))
    if kinds != sorted(kinds, key=order.index):
        yield "the boot order mixes kinds of devices: now all of one kind come before the next"


def booted_with_arguments(found: Draft) -> Iterator[Path]:
    """The devices in the boot order, if arguments have places that do not come after all of a profile's: QEMU does not start
    with two devices in one place."""
    kept = [option for _, option in found.kept()]
    theirs = [whole(one.keys["bootindex"]) for one in kept if one.name == "device" and "bootindex" in one.keys]
    elsewhere = any(one.name in ("global", "set") and "bootindex" in (one.value or "") for one in kept)
    ours = [number for index, (number, _) in found.boots.items() if index in found.converted]
    last = max([*ours, _most(found)], default=0)
    behind = not elsewhere and all(place is not None and place > last for place in theirs)
    if not behind:
        yield from (found.converted[index] for index in found.boots if index in found.converted)


def _kinds(found: Draft) -> list[str]:
    return [kind for _, kind in sorted(place for index, place in found.boots.items() if index in found.converted)]


def _most(found: Draft) -> int:
    """The last place that a profile can assign; it numbers its devices from 1."""
    cards = [card for card in found.document.get("net") or () if card is not None]
    controllers = [one for one in found.document.get("scsi") or () if one is not None]
    return len(cards) + sum(len(one.get("disk", ())) for one in controllers)
