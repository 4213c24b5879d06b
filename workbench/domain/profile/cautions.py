"""Warnings about a valid profile: settings that may do harm. None of them prevents a start."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from workbench.domain.profile.devices.part import key_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.guest import GuestProfile

REPORTING_ON_HUGEPAGES = (
    "this can kill a guest on hugepages: a page that it reports free returns to the host's pool, and if another process "
    "takes it, the guest's next access kills QEMU with SIGBUS; keep as many pages free in the pool, or set it to false"
)
ON_A_WIRE = ("tap", "bridge", "socket")
"""Backends that connect a card with those of other guests."""


def cautions(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """Each warning with the path of its key."""
    balloon = profile.balloon
    if profile.memory.hugepages is not None and balloon is not None and balloon.free_page_reporting:
        yield ("balloon", "free-page-reporting"), REPORTING_ON_HUGEPAGES
    for index, net in enumerate(profile.net):
        if net.backend in ON_A_WIRE and net.mac is None:
            yield (
                ("net", index, "backend"),
                "without a mac the card gets QEMU's default address, 52:54:00:12:34:56 or the next, as do other guests on the "
                f'same network: set a unique one, such as mac = "{own_address(profile.name, index)}"',
            )


def own_address(name: str, index: int) -> str:
    """A stable MAC address for a guest's card; two cards share one with a probability of 1 in 16 million.

    It is in QEMU's range, 52:54:00 (QEMU: net/net.c, qemu_macaddr_default_if_unset()).
    """
    digest = hashlib.sha256(f"{name}/{index}".encode()).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])


def caution_lines(profile: GuestProfile | None) -> tuple[str, ...]:
    """The warnings as text; none for a profile that cannot be read."""
    return () if profile is None else tuple(f"{key_text(path)}: {words}" for path, words in cautions(profile))
