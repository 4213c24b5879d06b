"""Plugging devices into a guest that runs, and taking them out.

What stands behind a device (netdev, block node, chardev, object) is made before it and removed after it. Taking a device
out is a request: the guest decides, and one without an operating system never answers::

    device_del ──► PENDING ──── DEVICE_DELETED with its id ─────────► GONE: what stood behind it is removed
       │             │  ▲
       │             │  └────── device_del again: "already in the process of unplug"
       │             ├───────── DEVICE_UNPLUG_GUEST_ERROR ──────────► REFUSED: it stays
       │             ├───────── ACPI_DEVICE_OST: "busy" ────────────► REFUSED: so a Linux on a PC says it of memory
       │             └───────── the time runs out ──► OVERDUE: the request stands, and either event may still come
       └─ QEMU refuses: nothing was asked of the guest

``DEVICE_DELETED`` comes twice for a virtio device: first for ``…/virtio-backend``, without ``device`` (hw/core/qdev.c,
``device_unparent()``). Other events of that name mean nothing here.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from workbench.domain.hotplug.leftovers import Behind, Left
    from workbench.domain.profile.devices.part import Option, Part

PERIPHERAL = "/machine/peripheral"
ALREADY = "already in the process of unplug"
"""What QEMU says to a second request (system/qdev-monitor.c, ``qmp_device_del()``)."""


NO_HOTPLUG = "does not support hotplugging"
"""What it says of a device on a bus whose devices stay (``qdev_unplug()`` there)."""


class Kind(StrEnum):
    """What can be plugged in."""

    NET = "net"
    DISK = "disk"
    SERIAL = "serial"
    RNG = "rng"


class Step(Struct, frozen=True):
    """One QMP command, and what takes it back."""

    command: str
    arguments: Mapping[str, object]
    undo: str = ""
    """The command that removes what it made; empty for the device itself."""
    undo_arguments: Mapping[str, object] | None = None

    @property
    def words(self) -> str:
        """As one would send it."""
        return f"{self.command} {json.dumps(self.arguments, ensure_ascii=False)}"


class Plan(Struct, frozen=True):
    """A device to be plugged in: what is behind it first, the device last."""

    kind: Kind
    id: str
    bus: str
    steps: tuple[Step, ...]
    part: Part
    """The device as a profile would have it."""
    document: Mapping[str, object]
    """The keys of its table in a profile, as they were given."""
    extra: tuple[str, ...] = ()
    """Properties of the device that a profile has no key for."""
    controller: str = ""
    """Id of the controller that is plugged in first; empty when there is one."""

    @property
    def driver(self) -> str:
        return str(self.steps[-1].arguments["driver"])

    @property
    def plugged(self) -> Plugged:
        return Plugged(self.kind, self.id, self.bus, self.document, self.extra, bool(self.controller))


class Plugged(Struct, frozen=True):
    """A device that was plugged in, as far as a profile can have it."""

    kind: Kind
    id: str
    bus: str
    document: Mapping[str, object]
    extra: tuple[str, ...] = ()
    controller: bool = False
    """Whether its controller was plugged in for it."""


class Keeping(Struct, frozen=True):
    """A change of a profile that keeps a device, not yet written."""

    name: str
    """The guest's."""
    id: str
    """The device's."""
    path: str
    before: str
    """The file's text that the change was made from."""
    after: str
    table: str
    """The lines that are added."""
    removed: str
    """Those that they take the place of; mostly none."""
    line: int
    """Where its table begins."""
    left_out: tuple[str, ...] = ()
    """Properties that a profile has no key for."""

    @property
    def place(self) -> str:
        """File and line, such as ``demo.toml:14``."""
        return f"{self.path.rpartition('/')[2]}:{self.line}"


class State(StrEnum):
    PENDING = "unplug pending"
    OVERDUE = "unplug pending, no answer"
    REFUSED = "unplug refused"
    GONE = "unplugged"


class Unplug(Struct, frozen=True):
    """A device that was asked to go."""

    id: str
    state: State = State.PENDING
    again: bool = False
    """Whether it was asked before, and QEMU said so."""
    left: tuple[Left, ...] = ()
    """What stood behind it and could not be removed."""
    rest: tuple[Behind, ...] = ()
    """What stands behind it."""
    waited: bool = False
    """Whether the time had run out before it was known how it ends."""
    late_removal: bool = False
    """Whether the device was gone already, and only what it left was to be removed."""
    run_state: str = ""
    """QEMU's ``RunState`` as the time ran out; empty before, and when it was not told."""

    @property
    def waiting(self) -> bool:
        """Whether it may still go, or the guest still refuse."""
        return self.state in (State.PENDING, State.OVERDUE)

    def after(self, event: str, data: Mapping[str, object]) -> Unplug:
        """What it is after an event of QEMU."""
        if not self.waiting or not self._mine(data):
            return self
        if event == "DEVICE_DELETED":
            return replace(self, state=State.GONE)
        refused = event == "DEVICE_UNPLUG_GUEST_ERROR" or (event == "ACPI_DEVICE_OST" and _is_refusal(data))
        return replace(self, state=State.REFUSED) if refused else self

    def late(self, run_state: str = "") -> Unplug:
        """What it is when the time has run out."""
        if self.state is not State.PENDING:
            return self
        return replace(self, state=State.OVERDUE, run_state=run_state, waited=True)

    def _mine(self, data: Mapping[str, object]) -> bool:
        info = data.get("info")
        return self.id in (data.get("device"), info.get("device") if isinstance(info, dict) else None)


EJECTION = (0x3, 0x103)
"""``source`` of an ``ACPI_DEVICE_OST`` that is about taking a device out (ACPI 6.5, 6.3.5 _OST; Linux: include/linux/acpi.h)."""
UNDER_WAY = (0x0, 0x84)
"""``status`` of one that is done, or in progress; any other one is a refusal, such as 0x82, busy."""


def _is_refusal(data: Mapping[str, object]) -> bool:
    info = data.get("info")
    return isinstance(info, dict) and info.get("source") in EJECTION and info.get("status") not in UNDER_WAY


def steps_of(options: Iterable[Option], chardev: Mapping[str, object] | None = None, **more: object) -> Iterator[Step]:
    """The QMP commands that do what options of a command line do.

    :param chardev: the ``backend`` of a ``chardev-add``: ``-chardev`` has no JSON.
    :param more: what the device has besides; its slot is the bus's to say.
    """
    for name, value in options:
        if name == "-chardev":
            id_ = value.partition("id=")[2].partition(",")[0]
            yield Step("chardev-add", {"id": id_, "backend": chardev}, "chardev-remove", {"id": id_})
            continue
        values: dict[str, object] = json.loads(value)
        if name == "-netdev":
            yield Step("netdev_add", values, "netdev_del", {"id": values["id"]})
        elif name == "-object":
            yield Step("object-add", values, "object-del", {"id": values["id"]})
        elif name == "-blockdev":
            yield Step("blockdev-add", values, "blockdev-del", {"node-name": values["node-name"]})
        else:
            values.pop("addr", None)
            yield Step("device_add", {**values, **more})


def overdue_hint(end: Unplug) -> str:
    """What to know of a device that the guest did not let go in time."""
    asked = "it was asked for before, and " if end.again else ""
    lines = [f"{asked}the request stands: the device goes when the guest lets it go, or at its next reset"]
    if end.run_state in ("", "running"):
        lines.append(
            "a guest without an operating system, or without ACPI, never answers; one that was still starting did not hear "
            "it: ask again then"
        )
    else:
        lines.insert(0, f"the guest does not run, its state is {end.run_state}: it answers nothing until it runs on")
    if end.rest:
        rest = ", ".join(one.words for one in end.rest)
        lines.append(f"{rest} stays until then; an open screen removes it, or unplugging {end.id} once more")
    return "\n".join(lines)
