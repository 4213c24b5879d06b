"""The backends of devices in QEMU, and those left over after their device is unplugged.

The workbench names a device's backends after the device: ``net1`` has the netdev ``net1-host``. QEMU does not remove them
with the device.
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
    """The sorts of backends."""

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
"""Sort -> the command that removes a backend, and its argument."""
ENDINGS = {Sort.NETDEV: "-host", Sort.CHARDEV: "-chardev", Sort.NODE: "-image", Sort.OBJECT: "-source"}
"""Sort -> the suffix after the device's id (``domain/profile/devices``)."""
BACKENDS = (("netdev", "str"), ("chardev", "str"), ("drive", "str"), ("rng", "link<rng-backend>"))
"""Properties of a device that name its backends, with their types."""
_SORTS = {"netdev": Sort.NETDEV, "chardev": Sort.CHARDEV, "drive": Sort.NODE, "rng": Sort.OBJECT}
_NETDEV = re.compile(r"^(?P<name>[^\s:]+): index=\d+,type=(?!nic,)", re.MULTILINE)
_ANY_NETDEV = re.compile(r"^(?: \\ )?(?P<name>[^\s:]+): index=\d+,type=(?!nic,)", re.MULTILINE)


class Behind(Struct, frozen=True):
    """A device's backend and the command that removes it."""

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
    """A backend of an unplugged device that could not be removed."""

    what: Behind
    why: str

    @property
    def words(self) -> str:
        return f"{self.what.words}: {self.why}"


class Stake(Struct, frozen=True):
    """What is removed with a device."""

    type: str
    """The device's QOM type."""
    devices: tuple[str, ...] = ()
    """Ids of the devices on its buses."""
    behind: tuple[Behind, ...] = ()
    """The backends of all of them."""


def behind(properties: Iterable[Property]) -> tuple[Behind, ...]:
    """A device's backends, from its properties; they are removed after it."""
    named = ((_SORTS[one.name], one.value) for one in properties if isinstance(one.value, str) and one.name in _SORTS)
    return tuple(Behind(sort, name.rpartition("/")[2] if sort is Sort.OBJECT else name) for sort, name in named if name)


class Backends(Struct, frozen=True):
    """The names of the backends in QEMU, by sort."""

    all: Mapping[Sort, Collection[str]] = field(default_factory=dict)
    unused: Mapping[Sort, Collection[str]] = field(default_factory=dict)
    """Those without a known user."""

    def of(self, name: str, *, unused: bool = True) -> tuple[Behind, ...]:
        """The backends named after a device."""
        found = self.unused if unused else self.all
        return tuple(
            Behind(sort, f"{name}{end}") for sort, end in ENDINGS.items() if f"{name}{end}" in found.get(sort, ())
        )

    def leftovers(self, living: Collection[str], ours: Collection[Behind]) -> Mapping[str, tuple[Behind, ...]]:
        """Id of each missing device -> the backends named after it.

        :param living: ids of the devices that exist.
        :param ours: backends on the command line whose device is not on it: they belong to the user.
        """
        found: dict[str, tuple[Behind, ...]] = {}
        for name in sorted(self.namesakes()):
            if name not in living and (left := tuple(one for one in self.of(name) if one not in ours)):
                found[name] = left
        return found

    def namesakes(self) -> set[str]:
        """Ids of devices that backends are named after."""
        return {
            name.removesuffix(end)
            for sort, end in ENDINGS.items()
            for name in self.all.get(sort, ())
            if name.endswith(end) and name != end
        }


def backends(network: str, chardevs: Any, nodes: Any, drives: Any, objects: Iterable[str]) -> Backends:
    """The backends that QEMU reports.

    :param network: the output of HMP's ``info network``: netdevs without a card are not indented (net/net.c,
        hmp_info_network()).
    :param chardevs: from ``query-chardev``, which does not report the users of a chardev.
    :param nodes: from ``query-named-block-nodes``.
    :param drives: from ``query-block``: the nodes that devices use.
    :param objects: the names in ``/objects``; QEMU refuses to remove one that is in use.
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
