"""The order of booting: a profile has one of kinds of devices, a command line one of single devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.command_line.options import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.convert.qemu.draft import Gathered
    from workbench.domain.profile.devices.part import Path


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
