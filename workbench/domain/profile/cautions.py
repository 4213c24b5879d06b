"""What a profile may do and its user should know before the start: no mistakes, and nothing is refused for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from workbench.domain.profile.devices.part import key_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.guest import GuestProfile

REPORTING_ON_HUGEPAGES = (
    "on hugepages this can end the guest: a page that it reports free goes back to the host's pool, and when somebody "
    "else has taken it, the guest's next touch ends QEMU with SIGBUS; keep as many pages free in the pool, or set it to false"
)
ON_A_WIRE = ("tap", "bridge", "socket")
"""Where a card meets those of other guests."""


def cautions(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """Each with the key that it is about."""
    balloon = profile.balloon
    if profile.memory.hugepages is not None and balloon is not None and balloon.free_page_reporting:
        yield ("balloon", "free-page-reporting"), REPORTING_ON_HUGEPAGES
    for index, net in enumerate(profile.net):
        if net.backend in ON_A_WIRE and net.mac is None:
            yield (
                ("net", index, "backend"),
                "without a mac the card has QEMU's 52:54:00:12:34:56 or one of the next, as those of other guests on the same "
                f'wire: mac = "{own_address(profile.name, index)}" would be one of its own',
            )


def own_address(name: str, index: int) -> str:
    """An address for a guest's card that no other guest has but by a chance of 1 in 16 million; always the same one.

    In the range that QEMU uses, 52:54:00 (QEMU: net/net.c, qemu_macaddr_default_if_unset()).
    """
    digest = hashlib.sha256(f"{name}/{index}".encode()).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])


def caution_lines(profile: GuestProfile | None) -> tuple[str, ...]:
    """The same as text; none of a profile that cannot be read."""
    return () if profile is None else tuple(f"{key_text(path)}: {words}" for path, words in cautions(profile))
