"""Decode the device configuration space of a virtio device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.units import PAGE, mib

if TYPE_CHECKING:
    from collections.abc import Sequence


class ConfigField(Struct, frozen=True):
    """One field of the device configuration space."""

    name: str
    value: int
    unit: str = ""
    words: str = ""
    """What the value means."""


def balloon_config(words: Sequence[int]) -> tuple[ConfigField, ...]:
    """Decode the balloon's configuration space (include/standard-headers/linux/virtio_balloon.h).

    The third and fourth words exist only with free page hints and page poisoning; reading past the end returns all ones
    (hw/virtio/virtio-config-io.c, ``virtio_config_modern_readl()``).
    """
    names = ("num_pages", "actual", "free_page_hint_cmd_id", "poison_val")
    found = []
    for name, value in zip(names, words, strict=False):
        if name in names[:2]:
            what = "requested from the guest" if name == "num_pages" else "held by the balloon"
            found.append(ConfigField(name, value, "pages", f"{mib(value * PAGE)} {what}"))
        elif value != 0xFFFF_FFFF:
            found.append(ConfigField(name, value, "", _hint_command(value) if name == names[2] else f"{value:#010x}"))
    return tuple(found)


def _hint_command(value: int) -> str:
    """VIRTIO_BALLOON_CMD_ID_STOP, _DONE, or the number of a request in progress."""
    return {0: "stop: no hints requested", 1: "done: hinted pages may be reused"}.get(value, f"request {value:#x}")
