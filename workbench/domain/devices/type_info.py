"""QEMU's information about a QOM type: parents, property descriptions and defaults, and which properties can be set.

QMP does not report which properties can be set. What is known:

- A device's static properties are fixed once it is realized (hw/core/qdev-properties.c, ``field_prop_set()``). These are
  the ones with a default value (only they call ``object_class_property_set_default()``), and its links.
- Some properties are designed to be set in a running guest: :data:`RUNTIME`.
- What QEMU has rejected once, it rejects again.
- Anything else is unknown until it is tried.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.devices.qom import Node, Property


class PropertyInfo(Struct, frozen=True):
    """A type's declaration of one property."""

    name: str
    type: str = ""
    description: str = ""
    default: object = None
    has_default: bool = False


class TypeInfo(Struct, frozen=True):
    """A QOM type."""

    name: str
    properties: Mapping[str, PropertyInfo] = field(default_factory=dict)
    parents: tuple[str, ...] | None = None
    """From the nearest to ``object``; None when unknown."""

    def changed_default(self, one: Property) -> PropertyInfo | None:
        """The declaration of a property whose value differs from its default; otherwise None."""
        info = self.properties.get(one.name)
        if info is None or not info.has_default or one.error or one.unread:
            return None
        return None if _same(one.value, info.default) else info


class Access(StrEnum):
    """Whether a property can be set in a running guest."""

    SETTABLE = "can be set"
    READ_ONLY = "read-only"
    UNKNOWN = "may or may not be settable"


RUNTIME = {
    "virtio-balloon": {"guest-stats-polling-interval"},
    "virtio-mem": {"requested-size"},
    "iothread": {"poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch", "thread-pool-min", "thread-pool-max"},
    "main-loop": {"aio-max-batch", "thread-pool-min", "thread-pool-max"},
    "memory-backend-": {"merge", "dump"},
}
"""Prefix of a type's name -> properties designed to be set in a running guest (QEMU: hw/virtio/virtio-balloon.c,
virtio-mem.c; iothread.c, util/main-loop.c; backends/hostmem.c)."""
RUNTIME_ANY = frozenset({"bootindex"})
"""The same for every device (system/bootdevice.c); takes effect at the guest's next reset."""
NEVER = frozenset({"type", "parent_bus", "hotpluggable", "guest-stats", "start-kvmclock"})
"""Properties without a setter (hw/core/qdev.c, hw/virtio/virtio-balloon.c)."""
HARM = {
    "realized": "This plugs or unplugs the device without asking the guest: its driver may fail.",
    "hotplugged": "This only changes QEMU's record of how the device was added. It fixes nothing.",
}
"""What setting a property by hand does, for those known to do harm."""
REFUSALS = ("is not writable", "Insufficient permission", "after it was realized", "cannot change property")
"""QEMU's errors for a property that cannot be set to any value (qom/object.c; hw/core/qdev-properties.c;
backends/hostmem.c)."""


def access(node: Node, one: Property, info: TypeInfo | None) -> tuple[Access, str]:
    """Whether a property can be set, and if not, why."""
    if one.name in RUNTIME_ANY or any(
        node.type.startswith(stem) and one.name in names for stem, names in RUNTIME.items()
    ):
        return Access.SETTABLE, ""
    if one.name in NEVER or one.name.startswith(("child[", "legacy-")):
        return Access.READ_ONLY, ""
    if node.type in ("memory-region", "qemu:memory-region", "irq", "qemu:iommu-memory-region"):
        return Access.READ_ONLY, ""
    if node.value("realized") is True:
        known = info.properties.get(one.name) if info is not None else None
        fixed = one.type.startswith("link<") or (known is not None and known.has_default)
        if fixed:
            return Access.READ_ONLY, "fixed since the device was realized"
    return Access.UNKNOWN, ""


def harm(node: Node, one: Property) -> str:
    """The warning before a property is set; empty when it is designed to be set at runtime."""
    if one.name in HARM:
        return HARM[one.name]
    if access(node, one, None)[0] is Access.SETTABLE:
        return ""
    return "The effect on a running guest is unknown: QEMU may not support changing this at runtime."


def is_refusal(description: str) -> bool:
    """Whether an error from ``qom-set`` means that the property cannot be set at all."""
    return any(words in description for words in REFUSALS)


def _same(value: object, default: object) -> bool:
    """Whether a value equals the default, even if one is text and the other a boolean."""
    if isinstance(value, bool) or isinstance(default, bool):
        words = {True: {"on", "true"}, False: {"off", "false"}}
        if isinstance(value, bool) and isinstance(default, bool):
            return value is default
        word, truth = (default, value) if isinstance(value, bool) else (value, default)
        return isinstance(word, str) and word in words[truth is True]
    return value == default
