"""The PCI slots of an imported profile's devices and of those in its arguments."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import split_options
from workbench.domain.convert.qemu.placement import root_buses
from workbench.domain.profile.slots import slots_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.command_line.options import Given
    from workbench.domain.convert.qemu.draft import Draft
    from workbench.domain.profile.text.parse import Parsed

RESERVE_MAX = 16
SERIAL = "the serial controller"
LAST = 0x1E
"""The last slot that a profile's device can have."""
_NOT_PCI = (
    "isa-", "usb-kbd", "usb-mouse", "usb-tablet", "usb-host", "usb-redir", "usb-storage", "usb-hub", "usb-audio", "scsi-",
    "ide-", "virtserialport", "virtconsole", "hda-", "vmgenid", "vmcoreinfo", "pvpanic", "tpm-", "floppy", "pc-dimm",
    "nvdimm", "intel-iommu", "amd-iommu", "loader", "sga", "ccid-", "smbus-", "i8042", "sb16", "adlib", "gus", "cs4231a",
)  # fmt: skip
"""Prefixes of drivers for other buses."""


def reserve(found: Draft, extra: Sequence[tuple[tuple[str, ...], str]], parsed: Parsed) -> bool:
    """Reserve as many slots as were free, or as many as the arguments may need; whether any.

    QEMU creates devices in comma syntax before those in JSON, which are the profile's (system/vl.c,
    qemu_create_cli_devices()), so arguments without a slot get the first ones.
    """
    kept = [option for _, option in found.kept()]
    kept += [option for words, _ in extra for option in split_options(words)]
    if not kept:
        return False
    roots = root_buses(found)
    now = _slots_now(found, parsed)
    stood = {key: before for what, before, entry in found.places if (key := _key(what, entry)) in now}
    shifts = {key: slot_of(before)[0] - slot_of(now[key])[0] for key, before in stood.items()}
    # The serial controller cannot have a slot in the profile; the fewer other devices need one, the better.
    shift = shifts.get(SERIAL, Counter(shifts.values()).most_common(1)[0][0] if shifts else 0)
    # If every device had a given slot, the free ones are known.
    least = 0 if now and len(stood) == len(now) else 1
    as_it_was = bool(shifts) and least <= shift <= RESERVE_MAX
    count = shift if as_it_was else min(sum(_takes_slot(option, roots) for option in kept), RESERVE_MAX)
    taken = {slot_of(str(place))[0] for option in kept if (place := _place(option, roots)) is not None}
    ours = {slot_of(slot)[0] for slot in now.values()}
    count = next((more for more in range(count, RESERVE_MAX + 1) if not {slot + more for slot in ours} & taken), count)
    if count:
        found.table("qemu")["reserve"] = count
    return bool(count)


def set_slots(found: Draft, extra: Sequence[tuple[tuple[str, ...], str]], parsed: Parsed) -> bool:
    """Set the original slot of devices that would move; whether any."""
    now = _slots_now(found, parsed)
    kept = [option for _, option in found.kept()]
    kept += [option for words, _ in extra for option in split_options(words)]
    roots = root_buses(found)
    named = {slot_of(str(place))[0] for option in kept if (place := _place(option, roots)) is not None}
    free = [
        slot
        for slot in range(1, LAST + 1)
        if slot not in named and (slot > 1 or "q35" in str(found.document["machine"]))
    ]
    # QEMU creates the devices of arguments first: those without a slot get the first free ones.
    others = set(free[: sum(_takes_slot(option, roots) for option in kept)])
    changed = False
    for what, before, entry in found.places:
        slot, function = slot_of(before)
        after = now.get(_key(what, entry))
        if entry is None or after is None or slot_of(after) == (slot, function):
            continue
        if function == 0 and 0 < slot <= LAST and slot not in others:
            entry["slot"] = f"{slot:02x}"
            changed = True
    return changed


def unset_slot(found: Draft, key: str) -> bool:
    """Remove a slot that is already in use by the profile's devices; whether the key is one."""
    match = re.fullmatch(r"(net|scsi|rng|balloon)(?:\[(\d+)\])?\.slot", key)
    if match is None:
        return False
    table = found.document[match[1]]
    if match[2] is not None:
        table = table[found.draft_path((match[1], int(match[2])))[1]]
    return table.pop("slot", None) is not None


def _key(what: str, entry: dict[str, Any] | None) -> str | int:
    """A device's key: its table, since its id may still change, or its name."""
    return what if entry is None else id(entry)


def _slots_now(found: Draft, parsed: Parsed) -> dict[str | int, str]:
    """The slot of each device in the profile, by its key."""
    if parsed.profile is None:
        return {}
    profile, slots = parsed.profile, slots_of(parsed.profile)
    now: dict[str | int, str] = {SERIAL: slots["serial",]} if profile.serial else {}
    if profile.display is not None:
        now["the graphics card"] = slots["display",]
    balloon = found.document.get("balloon")
    if isinstance(balloon, dict):
        now[id(balloon)] = slots["balloon",]
    for kind in ("net", "scsi", "rng"):
        for index, entry in enumerate(one for one in found.document.get(kind) or () if one is not None):
            now[id(entry)] = slots[kind, index]
    return now


def moved(found: Draft, parsed: Parsed) -> list[str]:
    """Notes about devices that moved to another slot."""
    now = _slots_now(found, parsed)
    words = []
    for what, before, entry in found.places:
        after = now.get(_key(what, entry))
        if after is not None and slot_of(before) != slot_of(after):
            words.append(f"{what}: moved from slot {before} to {after}")
    placed = {id(entry) for _, _, entry in found.places}
    loose = [card for card in found.document.get("net") or () if card is not None and id(card) not in placed]
    roots = root_buses(found)
    others = sum(_takes_slot(option, roots) for _, option in found.kept())
    if loose and len(now) + others > 1:
        words.append(
            "network cards without a slot may move to another one: set slot in [[net]] if the guest names them by slot "
            "(enp0s3)"
        )
    return words


def slot_of(text: str) -> tuple[int, int]:
    """Slot and function of QEMU's ``SLOT.FUNCTION`` in hexadecimal; -1, -1 if it is not valid."""
    slot, _, function = text.partition(".")
    try:
        return int(slot, 16), int(function or "0", 16)
    except ValueError:
        return -1, -1


def _place(option: Given, roots: tuple[str | None, str]) -> object | None:
    """The given slot of a device on the root bus."""
    keys = option.keys
    return keys.get("addr") if option.name == "device" and keys.get("bus") in roots else None


def _takes_slot(option: Given, roots: tuple[str | None, str]) -> bool:
    """Whether an argument may create a PCI device without a given slot."""
    keys = option.keys
    match option.name:
        case "device":
            return "addr" not in keys and keys.get("bus") in roots and not keys.implied.startswith(_NOT_PCI)
        case "drive":
            return keys.get("if") in ("virtio", "scsi")
        case "vga" | "nic" | "balloon":
            return keys.implied != "none"
        case "net":
            return keys.implied == "nic"
        case "usb" | "soundhw" | "audio" | "virtfs" | "watchdog" | "usbdevice":
            return True
    return False
