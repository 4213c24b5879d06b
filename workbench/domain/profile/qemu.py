"""``[qemu]``: what a profile passes to QEMU unchanged."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from workbench.domain.profile.devices.part import Part, Path, words


class Qemu(Part, frozen=True, kw_only=True):
    """``[qemu]``: QEMU options that have no key in a profile."""

    args: tuple[Annotated[str, Meta(max_length=65536), words("a string of at most 65,536 characters")], ...] = ()
    """Arguments to append to QEMU's command line unchanged."""
    reserve: Annotated[int, Meta(ge=0, le=16)] = 0
    """PCI slots to leave free at the start of the root bus for devices in ``args``, to which QEMU assigns the first free
    slots."""

    @property
    def gives_memory(self) -> bool:
        """Whether an argument sets the memory backend. The board then gets none from the profile, since QEMU refuses two
        (hw/core/numa.c, parse_numa_node())."""
        keys = {"-numa": ",memdev=", "--numa": ",memdev=", "-machine": ",memory-backend=", "-M": ",memory-backend="}
        return any(
            keys[name] in f",{value}" for name, value in zip(self.args, self.args[1:], strict=False) if name in keys
        )

    def check(self) -> Iterator[tuple[Path, str]]:
        for index, arg in enumerate(self.args):
            if arg in ("-daemonize", "--daemonize"):
                yield (
                    ("args", index),
                    "not allowed: the workbench detaches QEMU itself, and its sandbox kills a QEMU that forks",
                )
            elif arg in ("-pidfile", "--pidfile"):
                yield ("args", index), "not allowed: the workbench sets -pidfile itself, to find its guests"
