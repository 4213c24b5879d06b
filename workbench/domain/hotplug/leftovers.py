"""What stands behind devices in QEMU, and what of it is still there after its device has gone.

A device that the workbench makes, at the start or later, names what stands behind it after itself: ``net1`` has the
netdev ``net1-host``. QEMU removes none of it with the device.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from workbench.domain.devices.qom import Property


class Sort(Enum):
    """What devices stand on."""

    NETDEV = "netdev"
    CHARDEV = "chardev"
    NODE = "node"
    """A block node."""
    OBJECT = "object"

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {Sort.NETDEV: "netdev", Sort.CHARDEV: "chardev", Sort.NODE: "block node", Sort.OBJECT: "object"}
REMOVERS = {
    Sort.NETDEV: ("netdev_del", "id"),
    Sort.CHARDEV: ("chardev-remove", "id"),
    Sort.NODE: ("blockdev-del", "node-name"),
    Sort.OBJECT: ("object-del", "id"),
}
"""Sort -> the command that removes one, and its argument."""
ENDINGS = {Sort.NETDEV: "-host", Sort.CHARDEV: "-chardev", Sort.NODE: "-image", Sort.OBJECT: "-source"}
"""Sort -> how a name of that sort goes on after the device's id (``domain/devices``)."""
BACKENDS = (("netdev", "str"), ("chardev", "str"), ("drive", "str"), ("rng", "link<rng-backend>"))
"""Properties of a device that name what stands behind it, with their types."""
_SORTS = {"netdev": Sort.NETDEV, "chardev": Sort.CHARDEV, "drive": Sort.NODE, "rng": Sort.OBJECT}
_NETDEV = re.compile(r"^(?P<name>[^\s:]+): index=\d+,type=(?!nic,)", re.MULTILINE)
_ANY_NETDEV = re.compile(r"^(?: \\ )?(?P<name>[^\s:]+): index=\d+,type=(?!nic,)", re.MULTILINE)


class Behind(Struct, frozen=True):
    """What stands behind a device, and the command that removes it."""

    sort: Sort
    name: str

    @property
    def words(self) -> str:
        """Such as ``netdev net1-host``."""
        return f"{self.sort.words} {self.name}"

    @property
    def command(self) -> str:
        return REMOVERS[self.sort][0]

    @property
    def arguments(self) -> Mapping[str, object]:
        return {REMOVERS[self.sort][1]: self.name}


class Left(Struct, frozen=True):
    """What stood behind a device that is gone, and could not be removed."""

    what: Behind
    why: str

    @property
    def words(self) -> str:
        return f"{self.what.words}: {self.why}"


class Stake(Struct, frozen=True):
    """What goes with a device that is taken out."""

    type: str
    """The device's own QOM type."""
    devices: tuple[str, ...] = ()
    """Ids of those on its buses."""
    behind: tuple[Behind, ...] = ()
    """What stands behind it and behind those."""


def behind(properties: Iterable[Property]) -> tuple[Behind, ...]:
    """What stands behind a device, as its properties name it: removed after it."""
    named = ((_SORTS[one.name], one.value) for one in properties if isinstance(one.value, str) and one.name in _SORTS)
    return tuple(Behind(sort, name.rpartition("/")[2] if sort is Sort.OBJECT else name) for sort, name in named if name)


class Backends(Struct, frozen=True):
    """The names of what QEMU has for devices to stand on, by sort."""

    all: Mapping[Sort, Collection[str]] = field(default_factory=dict)
    unused: Mapping[Sort, Collection[str]] = field(default_factory=dict)
    """Those that no device is seen to use."""

    def of(self, name: str, *, unused: bool = True) -> tuple[Behind, ...]:
        """Those that are named after a device."""
        found = self.unused if unused else self.all
        return tuple(
            Behind(sort, f"{name}{end}") for sort, end in ENDINGS.items() if f"{name}{end}" in found.get(sort, ())
        )

    def leftovers(self, living: Collection[str], ours: Collection[Behind]) -> Mapping[str, tuple[Behind, ...]]:
        """Id of a device that is gone -> what it left.

        :param living: ids of the devices that are there.
        :param ours: those that the command line names, of devices that it did not make: the user's own.
        """
        found: dict[str, tuple[Behind, ...]] = {}
        for name in sorted(self.namesakes()):
            if name not in living and (left := tuple(one for one in self.of(name) if one not in ours)):
                found[name] = left
        return found

    def namesakes(self) -> set[str]:
        """Ids of devices that something is named after."""
        return {
            name.removesuffix(end)
            for sort, end in ENDINGS.items()
            for name in self.all.get(sort, ())
            if name.endswith(end) and name != end
        }


def backends(network: str, chardevs: Any, nodes: Any, drives: Any, objects: Iterable[str]) -> Backends:
    """What QEMU says of them.

    :param network: the text of HMP's ``info network``: what no card has stands at the left margin (net/net.c,
        hmp_info_network()).
    :param chardevs: of ``query-chardev``, which does not tell who has one.
    :param nodes: of ``query-named-block-nodes``.
    :param drives: of ``query-block``: the nodes that devices have.
    :param objects: the names in ``/objects``; QEMU removes none that is in use.
    """
    named = [name for one in _dicts(nodes) if (name := str(one.get("node-name", ""))) and not name.startswith("#")]
    used = {str(one["inserted"].get("node-name")) for one in _dicts(drives) if isinstance(one.get("inserted"), dict)}
    labels = [str(one.get("label", "")) for one in _dicts(chardevs)]
    rest = {Sort.CHARDEV: labels, Sort.OBJECT: list(objects)}
    return Backends(
        {Sort.NETDEV: _names(_ANY_NETDEV, network), Sort.NODE: named, **rest},
        {Sort.NETDEV: _names(_NETDEV, network), Sort.NODE: [name for name in named if name not in used], **rest},
    )


def _names(pattern: re.Pattern[str], text: str) -> list[str]:
    return [match["name"] for match in pattern.finditer(text.replace("\r", ""))]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
