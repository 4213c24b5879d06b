"""What a profile may do and its user should know before the start: no mistakes, and nothing is refused for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.decode import key_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.devices.part import Path
    from workbench.domain.profile import GuestProfile

REPORTING_ON_HUGEPAGES = (
    "on hugepages this can end the guest: a page that it reports free goes back to the host's pool, and when somebody "
    "else has taken it, the guest's next touch ends QEMU with SIGBUS; keep as many pages free in the pool, or set it to false"
)


def cautions(profile: GuestProfile) -> Iterator[tuple[Path, str]]:
    """Each with the key that it is about."""
    balloon = profile.balloon
    if profile.memory.hugepages is not None and balloon is not None and balloon.free_page_reporting:
        yield ("balloon", "free-page-reporting"), REPORTING_ON_HUGEPAGES


def caution_lines(profile: GuestProfile | None) -> tuple[str, ...]:
    """The same as text; none of a profile that cannot be read."""
    return () if profile is None else tuple(f"{key_text(path)}: {words}" for path, words in cautions(profile))
