"""The PCI slots of the devices that stay arguments, beside those of the profile's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.imports.options import split_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.imports.gathered import Gathered
    from workbench.domain.imports.options import Given
    from workbench.domain.parse import Parsed

RESERVE_MAX = 16
_ROOT_BUS = (None, "pcie.0", "pci.0")


def reserve(found: Gathered, extra: Sequence[tuple[tuple[str, ...], str]], parsed: Parsed) -> bool:
    """Leave as many slots free as were, or as many as the arguments may take; whether any.

    QEMU makes the devices of arguments before the profile's own, which are in JSON (system/vl.c,
    qemu_create_cli_devices()): those without a slot get the first ones.
    """
    kept = [option for _, option in found.kept()]
    kept += [option for words, _ in extra for option in split_options(words)]
    now = slots_now(parsed)
    shifts = {slot_of(before)[0] - slot_of(now[what])[0] for what, before in found.places if what in now}
    one = len(shifts) == 1
    shift = shifts.pop() if one else 0
    # Where every device named its slot, they were free as they were.
    least = 0 if now and set(now) <= {what for what, _ in found.places} else 1
    as_it_was = one and least <= shift <= RESERVE_MAX
    count = shift if as_it_was else min(sum(map(_takes_slot, kept)), RESERVE_MAX)
    taken = {slot_of(str(place))[0] for option in kept if (place := _place(option)) is not None}
    ours = {slot_of(slot)[0] for slot in now.values()}
    count = next((more for more in range(count, RESERVE_MAX + 1) if not {slot + more for slot in ours} & taken), count)
    if count:
        found.table("qemu")["reserve"] = count
    return bool(count)


def slots_now(parsed: Parsed) -> dict[str, str]:
    """The slot that each device has in the profile, by what the import calls it."""
    if parsed.profile is None:
        return {}
    profile, slots = parsed.profile, parsed.profile.slots()
    now = {"the balloon": slots["balloon",]} if profile.balloon is not None else {}
    now |= {"the serial controller": slots["serial",]} if profile.serial else {}
    now |= {str(card.id): slots["net", index] for index, card in enumerate(profile.net)}
    now |= {str(rng.id): slots["rng", index] for index, rng in enumerate(profile.rng)}
    return now | {str(card.id): slots["scsi", index] for index, card in enumerate(profile.scsi)}


def moved(found: Gathered, parsed: Parsed) -> list[str]:
    """The devices whose slot is another one now."""
    now = slots_now(parsed)
    words = []
    for what, before in found.places:
        after = now.get(what)
        if after is not None and slot_of(before) != slot_of(after):
            words.append(f"{what}: it stood in slot {before}, and now in {after}")
    return words


def slot_of(text: str) -> tuple[int, int]:
    """Slot and function of QEMU's ``SLOT.FUNCTION`` in hexadecimal; -1, -1 for what is none."""
    slot, _, function = text.partition(".")
    try:
        return int(slot, 16), int(function or "0", 16)
    except ValueError:
        return -1, -1


def _place(option: Given) -> object | None:
    """The slot on the root bus that a device names."""
    keys = option.keys
    return keys.get("addr") if option.name == "device" and keys.get("bus") in _ROOT_BUS else None


def _takes_slot(option: Given) -> bool:
    """Whether an argument may make a PCI device that has no slot of its own."""
    keys = option.keys
    match option.name:
        case "device":
            return "addr" not in keys and keys.get("bus") in _ROOT_BUS
        case "drive":
            return keys.get("if") in ("virtio", "scsi")
        case "vga" | "nic" | "balloon":
            return keys.implied != "none"
        case "net":
            return keys.implied == "nic"
        case "usb" | "soundhw" | "audio" | "virtfs" | "watchdog" | "usbdevice":
            return True
    return False
