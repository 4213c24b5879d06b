"""Plugging devices into a running guest, and unplugging them.

The backends of a device (netdev, block node, chardev, object) are created before it and removed after it. Unplugging is a
request: the guest decides, and a guest without an operating system never answers::

    device_del ──► PENDING ──── DEVICE_DELETED with its id ─────────► GONE: its backends are removed
       │             │  ▲
       │             │  └────── device_del again: "already in the process of unplug"
       │             ├───────── DEVICE_UNPLUG_GUEST_ERROR ──────────► REFUSED: the device stays
       │             ├───────── ACPI_DEVICE_OST: "busy" ────────────► REFUSED: what Linux on a PC sends for memory
       │             └───────── timeout ──► OVERDUE: the request is still pending, and either event may follow
       └─ QEMU refuses: no request reaches the guest

A virtio device sends ``DEVICE_DELETED`` twice: first for ``…/virtio-backend``, without ``device`` (hw/core/qdev.c,
``device_unparent()``). Events without the device's id are ignored.
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
"""QEMU's error for a second request (system/qdev-monitor.c, ``qmp_device_del()``)."""


NO_HOTPLUG = "does not support hotplugging"
"""QEMU's error for a device on a bus without hotplug (``qdev_unplug()``, same file)."""


class Kind(StrEnum):
    """The kinds of devices that can be plugged in."""

    NET = "net"
    DISK = "disk"
    SERIAL = "serial"
    RNG = "rng"


class Step(Struct, frozen=True):
    """One QMP command and how to undo it."""

    command: str
    arguments: Mapping[str, object]
    undo: str = ""
    """The command that removes what it created; empty for the device itself."""
    undo_arguments: Mapping[str, object] | None = None

    @property
    def words(self) -> str:
        """The command as typed."""
        return f"{self.command} {json.dumps(self.arguments, ensure_ascii=False)}"


class Plan(Struct, frozen=True):
    """A device to plug in: its backends first, the device last."""

    kind: Kind
    id: str
    bus: str
    steps: tuple[Step, ...]
    part: Part
    """The device as a profile would have it."""
    document: Mapping[str, object]
    """The keys of its table in a profile, as given."""
    extra: tuple[str, ...] = ()
    """Properties of the device without a key in a profile."""
    controller: str = ""
    """Id of the controller to plug in first; empty if one exists."""

    @property
    def driver(self) -> str:
        return str(self.steps[-1].arguments["driver"])

    @property
    def plugged(self) -> Plugged:
        return Plugged(self.kind, self.id, self.bus, self.document, self.extra, bool(self.controller))


class Plugged(Struct, frozen=True):
    """A device that was plugged in, as far as a profile can describe it."""

    kind: Kind
    id: str
    bus: str
    document: Mapping[str, object]
    extra: tuple[str, ...] = ()
    controller: bool = False
    """Whether its controller was plugged in with it."""


class Keeping(Struct, frozen=True):
    """A change that saves a plugged device to its profile, not yet written."""

    name: str
    """The guest's name."""
    id: str
    """The device's id."""
    path: str
    before: str
    """The file's text before the change."""
    after: str
    table: str
    """The lines to add."""
    removed: str
    """The lines that they replace; usually none."""
    line: int
    """The first line of its table."""
    left_out: tuple[str, ...] = ()
    """Properties without a key in a profile."""

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
    """An unplug request for a device."""

    id: str
    state: State = State.PENDING
    again: bool = False
    """Whether QEMU reported an earlier request."""
    left: tuple[Left, ...] = ()
    """Backends that could not be removed."""
    rest: tuple[Behind, ...] = ()
    """The device's backends."""
    waited: bool = False
    """Whether it timed out before the outcome was known."""
    late_removal: bool = False
    """Whether the device was already gone and only its leftovers were to be removed."""
    run_state: str = ""
    """QEMU's ``RunState`` at the timeout; empty before, and if unknown."""

    @property
    def waiting(self) -> bool:
        """Whether the guest may still release or refuse it."""
        return self.state in (State.PENDING, State.OVERDUE)

    def after(self, event: str, data: Mapping[str, object]) -> Unplug:
        """The request after an event from QEMU."""
        if not self.waiting or not self._mine(data):
            return self
        if event == "DEVICE_DELETED":
            return replace(self, state=State.GONE)
        refused = event == "DEVICE_UNPLUG_GUEST_ERROR" or (event == "ACPI_DEVICE_OST" and _is_refusal(data))
        return replace(self, state=State.REFUSED) if refused else self

    def late(self, run_state: str = "") -> Unplug:
        """The request after a timeout."""
        if self.state is not State.PENDING:
            return self
        return replace(self, state=State.OVERDUE, run_state=run_state, waited=True)

    def _mine(self, data: Mapping[str, object]) -> bool:
        info = data.get("info")
        return self.id in (data.get("device"), info.get("device") if isinstance(info, dict) else None)


EJECTION = (0x3, 0x103)
"""``source`` of an ``ACPI_DEVICE_OST`` for an ejection (ACPI 6.5, 6.3.5 _OST; Linux: include/linux/acpi.h)."""
UNDER_WAY = (0x0, 0x84)
"""``status`` for done or in progress; any other is a refusal, such as 0x82, busy."""


def _is_refusal(data: Mapping[str, object]) -> bool:
    info = data.get("info")
    return isinstance(info, dict) and info.get("source") in EJECTION and info.get("status") not in UNDER_WAY


def steps_of(options: Iterable[Option], chardev: Mapping[str, object] | None = None, **more: object) -> Iterator[Step]:
    """The QMP commands equivalent to options of a command line.

    :param chardev: the ``backend`` of a ``chardev-add``, since ``-chardev`` is not in JSON.
    :param more: additional properties of the device, whose slot is given by its bus.
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
    """A hint for an unplug request that the guest did not answer in time."""
    asked = "it was already requested, and " if end.again else ""
    lines = [
        f"{asked}the request is still pending: the device is removed when the guest releases it, or at its next reset"
    ]
    if end.run_state in ("", "running"):
        lines.append(
            "a guest without an operating system or without ACPI never answers; if the guest was still booting, it missed "
            "the request: unplug again"
        )
    else:
        lines.insert(0, f"the guest is not running (state {end.run_state}): it cannot answer until it continues")
    if end.rest:
        rest = ", ".join(one.words for one in end.rest)
        lines.append(f"{rest} stays until then; an open screen removes it, or unplug {end.id} again")
    return "\n".join(lines)
