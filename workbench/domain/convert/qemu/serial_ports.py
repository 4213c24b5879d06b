"""Import the virtio serial controller of a command line with all its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import is_on
from workbench.domain.convert.qemu.placement import name_of, place
from workbench.domain.convert.qemu.positions import SERIAL
from workbench.domain.profile.devices.serial import AGENT

if TYPE_CHECKING:
    from workbench.domain.command_line.options import Keys
    from workbench.domain.convert.qemu.draft import Draft


def serial(found: Draft, index: int, keys: Keys) -> bool:
    """Import the controller with all its ports, or nothing."""
    bus = keys.take("id")
    controllers = [
        one
        for one in found.named("device")
        if found.options[one].keys.implied in ("virtio-serial-pci", "virtio-serial")
    ]
    if len(controllers) != 1 or not place(found, keys, SERIAL) or keys:
        return False
    ports: list[dict[str, Any]] = []
    indexes = [index]
    for device in found.named("device"):
        port = found.options[device].keys
        if port.implied not in ("virtserialport", "virtconsole"):
            continue
        made = _port(found, port, bus)
        if made is None:
            return False
        ports.append(made[0])
        indexes += [device, made[1]]
    if not ports:
        return False
    found.document["serial"] = ports
    found.record(("serial",), *indexes)
    return True


def _port(found: Draft, keys: Keys, bus: object) -> tuple[dict[str, Any], int] | None:
    behind = found.backend("chardev", keys.take("chardev"))
    if behind is None or keys.take("bus") not in (None, f"{bus}.0"):
        return None
    entry: dict[str, Any] = {"kind": "port" if keys.implied == "virtserialport" else "console"}
    name_of(found, keys, entry, "a serial port")
    name = keys.take("name")
    if name == AGENT and entry["kind"] == "port":
        entry["kind"] = "agent"
    elif name is not None:
        entry["name"] = name
    chardev = found.options[behind].keys
    chardev.take("id")
    entry["backend"] = chardev.implied
    path = chardev.take("path")
    if chardev.implied == "socket":
        if not is_on(chardev.take("server") or "off") or is_on(chardev.take("wait") or "on"):
            return None
    elif chardev.implied == "file":
        if not is_on(chardev.take("append") or "off"):
            return None
    elif chardev.implied not in ("pty", "null"):
        return None
    if keys or chardev:
        return None
    if path is not None:
        entry["path"] = path
    return entry, behind
