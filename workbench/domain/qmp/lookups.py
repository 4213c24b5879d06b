"""Which arguments of which commands name something in the guest: device ids, QOM paths, block nodes and so on.

The schema declares all of them as strings; only QEMU's documentation says what they name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """A kind of thing in the guest, and the command that lists it."""

    DEVICE = "device"
    """Ids of devices: ``qom-list /machine/peripheral``."""
    OBJECT = "object"
    """Ids of objects: ``qom-list /objects``."""
    CHILD = "child"
    """QOM paths one level below a path: ``qom-list``."""
    PROPERTY = "property"
    """Properties at a QOM path: ``qom-list``."""
    NODE = "node"
    """``query-named-block-nodes``."""
    DRIVE = "drive"
    """Names of block backends: ``query-block``."""
    CHARDEV = "chardev"
    """``query-chardev``."""
    CPU = "cpu"
    """``query-cpus-fast``."""
    TRACE = "trace"
    """Trace events: ``trace-event-get-state``."""
    JOB = "job"
    """``query-jobs``."""
    DRIVER = "driver"
    """Devices that this QEMU can create: ``-device help``, run in a second process of the same program."""
    DRIVER_PROPERTY = "driver-property"
    """Properties of a driver: ``device-list-properties``, run in that second process."""
    HMP = "hmp"
    """Commands of the human monitor: HMP ``help``; those below ``info``: ``help info``."""
    NET = "net"
    """Network backends and devices: HMP ``info network``."""
    NETDEV = "netdev"
    """Network backends only."""
    BUS = "bus"
    """Buses, those that can take the device first: HMP ``info qtree``."""


class Lookup(Struct, frozen=True):
    """One query to the guest."""

    kind: Kind
    of: str = ""
    """The QOM path, for :attr:`Kind.CHILD` and :attr:`Kind.PROPERTY`; the driver, for :attr:`Kind.DRIVER_PROPERTY` and
    :attr:`Kind.BUS`; ``info`` or nothing, for :attr:`Kind.HMP`."""


class Known(Struct, frozen=True):
    """One value known to the guest."""

    value: str | int
    detail: str = ""
    """What it is, in a few words: a type, a driver, a file."""
    type: str = ""
    """For a driver's property: its QAPI type, ``bool``, ``int`` or ``str``."""
    choices: tuple[str, ...] = ()
    """For a driver's property: its valid values, where QEMU lists them."""
    bus: str = ""
    """For a driver: the type of bus it plugs into; for a bus: its own type. As QEMU writes it."""
    empty: bool = False
    """For a bus: whether it has no device."""
    arguments: str = ""
    """For a command of the human monitor: its arguments, as ``help`` prints them."""


_NODES = (Kind.NODE, Kind.DRIVE)
_EXACT: Mapping[tuple[str, str], tuple[Kind, ...]] = {
    ("device_del", "id"): (Kind.DEVICE,),
    ("device-sync-config", "id"): (Kind.DEVICE,),
    ("object-del", "id"): (Kind.OBJECT,),
    ("chardev-remove", "id"): (Kind.CHARDEV,),
    ("chardev-change", "id"): (Kind.CHARDEV,),
    ("chardev-send-break", "id"): (Kind.CHARDEV,),
    ("ringbuf-read", "device"): (Kind.CHARDEV,),
    ("ringbuf-write", "device"): (Kind.CHARDEV,),
    ("netdev_del", "id"): (Kind.NETDEV,),
    ("set_link", "name"): (Kind.NET,),
    ("query-rx-filter", "name"): (Kind.NET,),
    ("trace-event-get-state", "name"): (Kind.TRACE,),
    ("trace-event-set-state", "name"): (Kind.TRACE,),
    ("screendump", "device"): (Kind.DEVICE,),
    ("input-send-event", "device"): (Kind.DEVICE,),
    ("device_add", "driver"): (Kind.DRIVER,),
    ("device_add", "drive"): _NODES,
    ("device_add", "bus"): (Kind.BUS,),
    ("device_add", "rng"): (Kind.OBJECT,),
    ("device-list-properties", "typename"): (Kind.DRIVER,),
    ("qom-list-properties", "typename"): (Kind.DRIVER,),
    # New names, not existing ones.
    ("blockdev-add", "node-name"): (),
    ("blockdev-snapshot-sync", "snapshot-node-name"): (),
    ("drive-mirror", "target"): (),
    ("drive-backup", "target"): (),
}
_BLOCK_DEVICE_IDS = {"eject", "blockdev-open-tray", "blockdev-close-tray", "blockdev-remove-medium",
                     "blockdev-insert-medium", "blockdev-change-medium", "block_set_io_throttle",
                     "block-latency-histogram-set"}  # fmt: skip
_PATHS = (("path",), ("paths",), ("vcpus",))
_ON_PATHS = ("qom-", "x-query-virtio", "cxl-", "query-stats")
"""In other commands ``path`` is a file on the host."""
_BY_NAME: Mapping[str, Kind] = {
    "chardev": Kind.CHARDEV,
    "netdev": Kind.NETDEV,
    "iothread": Kind.OBJECT,
    "memdev": Kind.OBJECT,
    "tls-creds": Kind.OBJECT,
    "tls-authz": Kind.OBJECT,
    "interfaces": Kind.NET,
}
"""Arguments, and properties of devices and objects, that mean the same in every command."""
_NODE_NAMES = {"node-name", "image-node-name", "node", "device", "base-node", "top-node", "source", "target",
               "replaces", "overlay", "backing", "file", "parent"}  # fmt: skip
_ON_BLOCKS = {"transaction", "nbd-server-add", "drive-mirror", "drive-backup", "change-backing-file", "eject",
              "migrate-set-parameters"}  # fmt: skip


def lookups(command: str, path: tuple[str, ...], arguments: Mapping[str, object], word: str) -> tuple[Lookup, ...]:
    """The queries that list the values of one argument; none for a value that the guest cannot know.

    :param path: the argument and the members below it.
    :param arguments: the arguments typed so far.
    :param word: the value typed so far: QOM paths are listed level by level.
    """
    name = path[-1] if path else ""
    if name.isdecimal() and len(path) > 1:  # an element of a list
        name = path[-2]
    exact = _EXACT.get((command, ".".join(path)))
    if exact == (Kind.BUS,):
        return (Lookup(Kind.BUS, str(arguments.get("driver", ""))),)
    if exact is not None:
        return tuple(Lookup(kind) for kind in exact)
    if name == "property" and command in {"qom-get", "qom-set"}:
        at = arguments.get("path")
        return (Lookup(Kind.PROPERTY, at),) if isinstance(at, str) and at else ()
    if name == "qom-path" or (path[:1] in _PATHS and command.startswith(_ON_PATHS)):
        return levels(word)
    if name in _BY_NAME:
        return (Lookup(_BY_NAME[name]),)
    if name in {"cpu-index", "cpu", "vcpu"}:
        return (Lookup(Kind.CPU),)
    if name == "id" and command in _BLOCK_DEVICE_IDS:
        return (Lookup(Kind.DEVICE),)
    if name == "id" and command.startswith("job-"):
        return (Lookup(Kind.JOB),)
    if command.startswith("block-job-"):
        return (Lookup(Kind.JOB),) if name in {"device", "id"} else ()
    if name in _NODE_NAMES and ("block" in command or command in _ON_BLOCKS):
        return tuple(Lookup(kind) for kind in _NODES)
    return ()


def levels(word: str) -> tuple[Lookup, ...]:
    """The level of the QOM path that a word is in, and the level below it, in case the word is a complete path."""
    if not word.startswith("/"):
        return (Lookup(Kind.CHILD, "/"),)
    above = word.rpartition("/")[0] or "/"
    return tuple(Lookup(Kind.CHILD, path) for path in dict.fromkeys((above, word.rstrip("/") or "/")))
