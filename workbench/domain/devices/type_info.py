"""What QEMU says of a QOM type: its parents, and for each property a description and a default; and what may be set.

QMP does not tell which properties can be set. What is known of it:

- A device's static properties are fixed once it is realized (hw/core/qdev-properties.c, ``field_prop_set()``). Those are
  the ones with a default value (``object_class_property_set_default()`` is called for them alone), and its links.
- Some are known by name to be made for setting in a running guest: :data:`MADE_FOR_IT`.
- What QEMU refused once, it refuses again.
- Of everything else it is not known; whoever tries hears it from QEMU.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.devices.qom import Node, Property


class PropertyInfo(Struct, frozen=True):
    """What a type says of one property."""

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
    """From the nearest to ``object``; None when they could not be found out."""

    def changed_default(self, one: Property) -> PropertyInfo | None:
        """What is known of a property whose value is another than its default; None for any other."""
        info = self.properties.get(one.name)
        if info is None or not info.has_default or one.error or one.unread:
            return None
        return None if _same(one.value, info.default) else info


class Access(StrEnum):
    """Whether a property can be set in the running guest."""

    SETTABLE = "can be set"
    READ_ONLY = "read-only"
    UNKNOWN = "not known whether it can be set"


MADE_FOR_IT = {
    "virtio-balloon": {"guest-stats-polling-interval"},
    "virtio-mem": {"requested-size"},
    "iothread": {"poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch", "thread-pool-min", "thread-pool-max"},
    "main-loop": {"aio-max-batch", "thread-pool-min", "thread-pool-max"},
    "memory-backend-": {"merge", "dump"},
}
"""Beginning of a type's name -> properties whose setters are for a running guest (QEMU: hw/virtio/virtio-balloon.c,
virtio-mem.c; iothread.c, util/main-loop.c; backends/hostmem.c)."""
OF_ANY = frozenset({"bootindex"})
"""The same for every device (system/bootdevice.c): it counts at the guest's next reset."""
NEVER = frozenset({"type", "parent_bus", "hotpluggable", "guest-stats", "start-kvmclock"})
"""Properties without a setter (hw/core/qdev.c, hw/virtio/virtio-balloon.c)."""
HARM = {
    "realized": "It takes the device away from the guest without asking it, or plugs it in: the guest's driver may fail.",
    "hotplugged": "It changes what QEMU believes of how the device came, and mends nothing.",
}
"""What setting a property by hand does, for those where it is known to hurt."""
REFUSALS = ("is not writable", "Insufficient permission", "after it was realized", "cannot change property")
"""What QEMU says of a property that cannot be set, whatever the value (qom/object.c; hw/core/qdev-properties.c;
backends/hostmem.c)."""


def access(node: Node, one: Property, info: TypeInfo | None) -> tuple[Access, str]:
    """Whether a property can be set, and why not."""
    if one.name in OF_ANY or any(
        node.type.startswith(stem) and one.name in names for stem, names in MADE_FOR_IT.items()
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
    """What to ask before it is set; empty when setting it is what it is made for."""
    if one.name in HARM:
        return HARM[one.name]
    if access(node, one, None)[0] is Access.SETTABLE:
        return ""
    return "QEMU does not say what this does to a running guest: the setter may not be made for it."


def is_refusal(description: str) -> bool:
    """Whether an error of ``qom-set`` means that the property cannot be set at all."""
    return any(words in description for words in REFUSALS)


def _same(value: object, default: object) -> bool:
    """Whether a value is the default, where one of the two may be text and the other a number or a boolean."""
    if isinstance(value, bool) or isinstance(default, bool):
        words = {True: {"on", "true"}, False: {"off", "false"}}
        if isinstance(value, bool) and isinstance(default, bool):
            return value is default
        word, truth = (default, value) if isinstance(value, bool) else (value, default)
        return isinstance(word, str) and word in words[truth is True]
    return value == default
