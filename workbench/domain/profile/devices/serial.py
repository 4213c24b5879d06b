"""``[[serial]]``: ports of the virtio serial controller, in addition to the board's ISA serial port."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import File, Id, Option, Part, Path, comma, device, json_option, named, words

SERIAL_ID = "virtio-serial0"
"""The id of the controller of all ports; its bus is ``virtio-serial0.0``."""
AGENT = "org.qemu.guest_agent.0"
"""The port of QEMU's guest agent (QEMU: docs/interop/qemu-ga.rst)."""
PORTS_MAX = 31
"""Ports of one controller (QEMU: hw/char/virtio-serial-bus.c, max_ports)."""


class SerialPort(Part, frozen=True, kw_only=True):
    """A ``virtconsole`` (hvc0, hvc1, … in a Linux guest) or a ``virtserialport`` (/dev/virtio-ports/NAME)."""

    kind: Literal["console", "port", "agent"] = "console"
    """What the guest gets: a terminal, a named channel, or the channel of QEMU's guest agent."""
    id: Id | None = None
    """Its id in QEMU. Default: ``port0``, ``port1``, …"""
    name: Annotated[
        str | None,
        Meta(min_length=1, max_length=128),
        words("a name of 1 to 128 characters"),
        device("name"),
    ] = None
    """The name of a ``port`` in the guest, such as ``com.example.metrics``. A console has none, an ``agent`` a fixed one."""
    backend: Literal["socket", "file", "pty", "null"] = "socket"
    """Its other end on the host: a unix socket that QEMU listens on, a file that output is appended to, a new
    pseudo-terminal, or nothing."""
    path: File | None = None
    """The socket or file. Default for a socket: ``port-ID.sock`` in the guest's state directory."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.kind == "port" and self.name is None:
            yield ("kind",), 'a port needs a name, such as name = "com.example.metrics"'
        if self.kind == "console" and self.name is not None:
            yield ("name",), 'a console has no name; only kind = "port" has one'
        if self.kind == "agent" and self.name is not None:
            yield ("name",), f"the guest agent's port is always named {AGENT}"
        if self.backend == "file" and self.path is None:
            yield ("backend",), 'backend = "file" needs a path'
        if self.path is not None and self.backend not in ("socket", "file"):
            yield ("path",), f'backend = "{self.backend}" has no path'

    def options(self, path: str) -> Iterator[Option]:
        """:param path: the absolute path of the socket or file; unused by the other backends."""
        chardev = f"{self.id}-chardev"
        place = {"socket": f",path={comma(path)},server=on,wait=off", "file": f",path={comma(path)},append=on"}
        yield "-chardev", f"{self.backend},id={chardev}{place.get(self.backend, '')}"
        driver = "virtconsole" if self.kind == "console" else "virtserialport"
        port = {"driver": driver, "id": self.id, "bus": f"{SERIAL_ID}.0", "chardev": chardev}
        if self.kind == "agent":
            port["name"] = AGENT
        yield json_option("-device", {**port, **named(self, "device")})


def controller(slot: str) -> Option:
    return json_option("-device", {"driver": "virtio-serial-pci", "id": SERIAL_ID, "addr": slot})
