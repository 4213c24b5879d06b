"""The PCI slots of a profile's devices on the root bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.profile.board import has_usb

if TYPE_CHECKING:
    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.guest import GuestProfile

PORTS_SLOT, DISPLAY_SLOT, VIRTIO_MEM_SLOT = 0x1C, 0x1D, 0x1E
"""Single devices come after those that there can be several of. A q35 has its own devices in 0x1f, and with the option
``usb`` also in 0x1d (QEMU: hw/i386/pc_q35.c); the display is then in front of the root ports."""


def slots_of(profile: GuestProfile) -> dict[Path, str]:
    """The PCI slot of each virtio device, as QEMU's ``SLOT.FUNCTION``, by its path in the profile.

    The first device of each kind always has the same slot unless the profile sets another, so adding a card moves nothing.
    """
    first = {("net", 0): 1, ("scsi", 0): 2, ("balloon",): 3, ("serial",): 4, ("rng", 0): 5}
    # The i440FX has its ISA bridge in slot 1 (QEMU: hw/i386/pc_piix.c).
    base = profile.qemu.reserve + (0 if "q35" in profile.machine else 1)
    many = {"net": profile.net, "scsi": profile.scsi, "rng": profile.rng}
    more = [(key, i) for key, parts in many.items() for i in range(1, len(parts))]
    slots: dict[Path, int] = {**first, **{path: 6 + i for i, path in enumerate(more)}}
    display = PORTS_SLOT - 1 if has_usb(profile) else DISPLAY_SLOT
    fixed = {("display",): display, ("memory", "virtio-mem"): VIRTIO_MEM_SLOT}
    automatic = fixed | {path: slot + base for path, slot in slots.items()}
    return {path: f"{slot:02x}.0" for path, slot in (automatic | own_slots(profile)).items()}


def own_slots(profile: GuestProfile) -> dict[Path, int]:
    """The slots set in the profile."""
    slots: dict[Path, str | None] = {("net", index): card.slot for index, card in enumerate(profile.net)}
    slots |= {("scsi", index): controller.slot for index, controller in enumerate(profile.scsi)}
    slots |= {("rng", index): source.slot for index, source in enumerate(profile.rng)}
    slots["balloon",] = profile.balloon.slot if profile.balloon is not None else None
    return {path: int(slot, 16) for path, slot in slots.items() if slot is not None}
