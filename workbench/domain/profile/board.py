"""What the board of a profile's machine has besides the devices of the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.domain.profile.guest import GuestProfile

DEFAULT_PORTS = 4


def root_ports(profile: GuestProfile) -> int:
    """The number of empty root ports."""
    if profile.root_ports is None:
        return DEFAULT_PORTS if "q35" in profile.machine else 0
    return profile.root_ports


def has_usb(profile: GuestProfile) -> bool:
    """Whether the board has its USB controllers, which occupy a slot."""
    on = ("on", "true", "yes", "y")  # QEMU: qapi/string-input-visitor.c, parse_type_bool()
    return "q35" in profile.machine and any(name == "usb" and value in on for name, value in profile.machine_options)
