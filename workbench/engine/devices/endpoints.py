"""Where on this host a running guest's serial ports and its display are reached, as QEMU itself tells."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from workbench.domain.command_line.options import settings_of, split_argv
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.engine.devices.virtio_pci import Execute

ENDING = "-chardev"
"""What the chardev behind a port is called after the port's id."""


class Port(Struct, frozen=True):
    """One serial port."""

    id: str
    name: str
    """What the guest calls it; empty for a console."""
    where: str
    """A socket, a pseudo-terminal or a file; empty for a port that leads nowhere."""


class Outlets(Struct, frozen=True):
    ports: tuple[Port, ...] = ()
    vnc: str = ""
    """A socket, or an address with a port; empty without a display."""


async def read_outlets(execute: Execute, argv: Sequence[str]) -> Outlets:
    """
    :param argv: what QEMU was started with: of a file it tells no path.
    :raise workbench.errors.MonitorError: when QEMU does not answer.
    """
    chardevs: Any = await execute("query-chardev", None)
    found = {str(one["label"]): str(one["filename"]) for one in chardevs}
    labels = sorted(label for label in found if label.endswith(ENDING))
    ids = [label.removesuffix(ENDING) for label in labels]
    names = await asyncio.gather(*(_name(execute, port) for port in ids))
    files = _files(argv)
    ports = (
        Port(port, name, files.get(label, "a file") if found[label] == "file" else _where(found[label]))
        for port, label, name in zip(ids, labels, names, strict=True)
    )
    return Outlets(tuple(ports), await _vnc(execute))


async def _name(execute: Execute, port: str) -> str:
    try:
        return str(await execute("qom-get", {"path": f"/machine/peripheral/{port}", "property": "name"}))
    except CommandFailed:
        return ""


async def _vnc(execute: Execute) -> str:
    try:
        told: Any = await execute("query-vnc", None)
    except CommandFailed:  # a QEMU that was built without it
        return ""
    if not told.get("enabled"):
        return ""
    service = str(told.get("service", ""))
    return service if told.get("family") == "unix" else f"{told.get('host')}:{service}"


def _where(filename: str) -> str:
    """What a chardev's name says (QEMU: chardev/char-socket.c, qemu_chr_compute_filename(); chardev/char-pty.c)."""
    for kind in ("disconnected:unix:", "unix:", "pty:"):
        if filename.startswith(kind):
            return filename.removeprefix(kind).removesuffix(",server=on")
    return "" if filename == "null" else filename


def _files(argv: Sequence[str]) -> dict[str, str]:
    """The path of each chardev that is a file."""
    said = [settings_of(option) for option in split_argv(argv) if option[0] == ENDING]
    return {str(one.get("id")): str(one.get("path")) for one in said if one.get("type") == "file"}
