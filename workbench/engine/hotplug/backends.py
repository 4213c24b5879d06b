"""List QEMU's backends, and remove those left behind by a device."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from workbench.domain.hotplug.leftovers import Backends, Left, backends
from workbench.errors import CommandFailed, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.domain.hotplug.leftovers import Behind
    from workbench.engine.devices.virtio_pci import Execute

GONE = ("not found", "Failed to find node", "Cannot find node")
"""QEMU's errors for a missing netdev, chardev, object (``not found``) or block node (5.2: ``Cannot find``)."""


async def read_backends(execute: Execute) -> Backends:
    """The current backends; kinds that this QEMU cannot list are left out.

    :raise workbench.errors.MonitorError: when QEMU does not reply.
    """

    async def ask(command: str, arguments: dict[str, object] | None = None) -> Any:
        try:
            return await execute(command, arguments)
        except CommandFailed:
            return None

    network, chardevs, nodes, drives, objects = await asyncio.gather(
        ask("human-monitor-command", {"command-line": "info network"}),
        ask("query-chardev"),
        ask("query-named-block-nodes", {"flat": True}),
        ask("query-block"),
        ask("qom-list", {"path": "/objects"}),
    )
    names = [str(one.get("name")) for one in objects or () if str(one.get("type", "")).startswith("child<")]
    return backends(network if isinstance(network, str) else "", chardevs, nodes, drives, names)


async def remove_behind(execute: Execute, rest: Iterable[Behind]) -> tuple[Left, ...]:
    """Remove a device's backends, and return those that could not be removed, each with the reason."""
    left = []
    for one in rest:
        try:
            await execute(one.command, one.arguments)
        except CommandFailed as error:
            if not any(words in error.description for words in GONE):  # removed already
                left.append(Left(one, error.message))
        except WorkbenchError as error:
            left.append(Left(one, error.message))
    return tuple(left)
