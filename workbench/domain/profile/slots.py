"""The slots of the root bus: where a profile's devices stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.profile.devices.part import key_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.guest import GuestProfile

PORTS_SLOT, DISPLAY_SLOT, VIRTIO_MEM_SLOT = 0x1C, 0x1D, 0x1E
"""What is there once stands behind what there can be more of. A q35 has its own devices in 0x1f, and with the option
``usb`` in 0x1d too (hw/i386/pc_q35.c): then the display stands before the root ports."""


def slots_of(profile: GuestProfile) -> dict[Path, str]:
    """The PCI slot of each virtio device, in QEMU's ``SLOT.FUNCTION``, by its place in the profile.

    The first device of each kind always has the same one unless the profile says another, so one more card moves nothing.
    """
    first = {("net", 0): 1, ("scsi", 0): 2, ("balloon",): 3, ("serial",): 4, ("rng", 0): 5}
    # The i440FX has its ISA bridge in slot 1 (QEMU: hw/i386/pc_piix.c).
    base = profile.qemu.reserve + (0 if "q35" in profile.machine else 1)
    many = {"net": profile.net, "scsi": profile.scsi, "rng": profile.rng}
    more = [(key, i) for key, parts in many.items() for i in range(1, len(parts))]
    slots: dict[Path, int] = {**first, **{path: 6 + i for i, path in enumerate(more)}}
    display = PORTS_SLOT - 1 if profile.has_usb else DISPLAY_SLOT
    fixed = {("display",): display, ("memory", "virtio-mem"): VIRTIO_MEM_SLOT}
    automatic = fixed | {path: slot + base for path, slot in slots.items()}
    return {path: f"{slot:02x}.0" for path, slot in (automatic | _own(profile)).items()}


def _own(profile: GuestProfile) -> dict[Path, int]:
    """The slots that the profile itself says."""
    said: dict[Path, str | None] = {("net", index): card.slot for index, card in enumerate(profile.net)}
    said |= {("scsi", index): controller.slot for index, controller in enumerate(profile.scsi)}
    said |= {("rng", index): source.slot for index, source in enumerate(profile.rng)}
    said["balloon",] = profile.balloon.slot if profile.balloon is not None else None
    return {path: int(slot, 16) for path, slot in said.items() if slot is not None}


def slot_clashes(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """Slots that the profile says, and that something else stands in."""
    own = _own(profile)
    taken = {0x1F if "q35" in profile.machine else 0x01: "the board's own"}
    if profile.has_usb:
        taken[DISPLAY_SLOT] = "the board's own"
    if profile.ports:
        taken[PORTS_SLOT] = "the root ports'"
    for path, text in slots_of(profile).items():
        if path not in own and _is_there(profile, path):
            taken[int(text.partition(".")[0], 16)] = f"{key_text(path)}'s"
    for path, slot in own.items():
        if slot in taken:
            yield (*path, "slot"), f"slot {slot:02x} is {taken[slot]}"
        taken.setdefault(slot, f"{key_text(path)}'s")


def _is_there(profile: GuestProfile, path: Path) -> bool:
    """A slot is kept for the first device of each kind also where there is none."""
    match path:
        case (("net" | "scsi" | "rng") as kind, int(index)):
            return index < len({"net": profile.net, "scsi": profile.scsi, "rng": profile.rng}[kind])
        case ("memory", _):
            return profile.memory.virtio_mem is not None
        case ("serial",):
            return bool(profile.serial)
        case ("display",):
            return profile.display is not None
    return profile.balloon is not None
