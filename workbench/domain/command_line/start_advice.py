"""Advice for a failed start, from QEMU's last output and the profile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.guest import GuestProfile

_TAP = re.compile(r"could not configure /dev/net/tun \((?P<name>[^)]+)\): (?P<why>[^\n]+)")
"""QEMU: net/tap-linux.c, tap_open()."""
_ACL = re.compile(r"failed to parse default acl file `(?P<missing>[^'\n]+)'|access denied by acl file")
"""QEMU: qemu-bridge-helper.c, main()."""


def start_advice(output: str, profile: GuestProfile) -> Iterator[str]:
    """What to do about errors in QEMU's output with a known cause in the profile or on the host.

    It matches QEMU's messages, since QEMU has no error codes for them: hw/pci/pci.c, system/vl.c, net/slirp.c,
    util/qemu-sockets.c, net/tap.c.

    :param output: what QEMU wrote to stderr.
    """
    if profile.qemu.args and "PCI: slot" in output:
        yield "a device in qemu.args uses a slot of the profile: set reserve = 4 under [qemu] to keep four slots free for args"
    yield from _tap(output, profile)
    yield from _bridge(output, profile)
    if profile.memory.lock and "locking memory failed" in output:
        yield "memory.lock needs a higher limit for locked memory: ulimit -l, or LimitMEMLOCK= of the service"
    if "Could not set up host forwarding rule" in output or "Failed to find an available port" in output:
        yield "another process took a host port after the check: run workbench check to see which"


def _tap(output: str, profile: GuestProfile) -> Iterator[str]:
    found = _TAP.search(output)
    if found is None:
        return
    name, why = found["name"], found["why"]
    queues = next((net.queues for net in profile.net if net.interface == name), 1)
    more = " multi_queue" if queues > 1 else ""
    make = f"sudo ip tuntap del {name} mode tap; sudo ip tuntap add {name} mode tap user $USER{more}"
    match why.strip():
        case "Invalid argument":
            yield f"{name} was not created for queues = {queues}: {make}"
        case "Operation not permitted" | "Permission denied":
            yield f"you have no access to {name}: {make}"
        case "Device or resource busy":
            yield f"another process uses {name}: a tap has one user, unless created with multi_queue"


def _bridge(output: str, profile: GuestProfile) -> Iterator[str]:
    acl = _ACL.search(output)
    names = [net.interface or "br0" for net in profile.net if net.backend == "bridge"]
    if acl is not None and names:
        lines = "; ".join(f"allow {name}" for name in dict.fromkeys(names))
        yield f"QEMU's bridge helper does not allow this bridge: write {lines} into {acl['missing'] or '/etc/qemu/bridge.conf'}"
    elif names and "bridge helper failed" in output and "Operation not permitted" in output:
        yield "QEMU's bridge helper must be setuid root: sudo chmod u+s /usr/lib/qemu/qemu-bridge-helper"
