"""``[[serial]]``: ports of the virtio serial controller. The board's own ISA serial port is always there beside them."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import File, Id, Option, Part, Path, comma, device, json_option, named, words

SERIAL_ID = "virtio-serial0"
"""The id of the one controller that all ports stand on; its bus is ``virtio-serial0.0``."""
AGENT = "org.qemu.guest_agent.0"
"""The port on which QEMU's guest agent speaks (QEMU: docs/interop/qemu-ga.rst)."""
PORTS_MAX = 31
"""Ports of one controller (QEMU: hw/char/virtio-serial-bus.c, max_ports)."""


class SerialPort(Part, frozen=True, kw_only=True):
    """A ``virtconsole`` (hvc0, hvc1, … in a Linux guest) or a ``virtserialport`` (/dev/virtio-ports/NAME)."""

    kind: Literal["console", "port", "agent"] = "console"
    """What the guest gets: a terminal, a channel with a name, or the channel of QEMU's guest agent."""
    id: Id | None = None
    """Names the port in QEMU; ``port0``, ``port1``, … when not given."""
    name: Annotated[
        str | None,
        Meta(min_length=1, max_length=128),
        words("a name of 1 to 128 characters"),
        device("name"),
    ] = None
    """What the guest calls a ``port``, such as ``com.example.metrics``. A console has none; an ``agent`` has its own."""
    backend: Literal["socket", "file", "pty", "null"] = "socket"
    """Where it leads on the host: a unix socket that QEMU listens on, a file that the output is appended to, a new
    pseudo-terminal, or nowhere."""
    path: File | None = None
    """The socket or the file; a socket stands in the guest's state directory as ``port-ID.sock`` when not given."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.kind == "port" and self.name is None:
            yield ("kind",), 'a port needs a name, such as name = "com.example.metrics"'
        if self.kind == "console" and self.name is not None:
            yield ("name",), 'a console has no name: kind = "port" has'
        if self.kind == "agent" and self.name is not None:
            yield ("name",), f"the guest agent's port has the name {AGENT}"
        if self.backend == "file" and self.path is None:
            yield ("backend",), 'backend = "file" needs a path'
        if self.path is not None and self.backend not in ("socket", "file"):
            yield ("path",), f'backend = "{self.backend}" has no path'

    def options(self, path: str) -> Iterator[Option]:
        """:param path: the absolute path of the socket or file; not looked at for the other backends."""
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
