"""Where to connect to a running guest's serial ports and display, as reported by QEMU."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import settings_of, split_argv
from workbench.domain.devices.endpoints import Endpoints, Port
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.engine.devices.virtio_pci import Execute

ENDING = "-chardev"
"""Suffix of the chardev's id after the port's id."""


async def read_endpoints(execute: Execute, argv: Sequence[str]) -> Endpoints:
    """Query QEMU for its serial ports and display.

    :param argv: QEMU's arguments: it does not report the path of a file.
    :raise workbench.errors.MonitorError: when QEMU does not reply.
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
    return Endpoints(tuple(ports), await _vnc(execute))


async def _name(execute: Execute, port: str) -> str:
    try:
        return str(await execute("qom-get", {"path": f"/machine/peripheral/{port}", "property": "name"}))
    except CommandFailed:
        return ""


async def _vnc(execute: Execute) -> str:
    try:
        reply: Any = await execute("query-vnc", None)
    except CommandFailed:  # QEMU was built without VNC
        return ""
    if not reply.get("enabled"):
        return ""
    service = str(reply.get("service", ""))
    return service if reply.get("family") == "unix" else f"{reply.get('host')}:{service}"


def _where(filename: str) -> str:
    """The path in a chardev's file name (QEMU: chardev/char-socket.c, qemu_chr_compute_filename(); chardev/char-pty.c)."""
    for kind in ("disconnected:unix:", "unix:", "pty:"):
        if filename.startswith(kind):
            return filename.removeprefix(kind).removesuffix(",server=on")
    return "" if filename == "null" else filename


def _files(argv: Sequence[str]) -> dict[str, str]:
    """The path of each file chardev, by id."""
    chardevs = [settings_of(option) for option in split_argv(argv) if option[0] == ENDING]
    return {str(one.get("id")): str(one.get("path")) for one in chardevs if one.get("type") == "file"}
