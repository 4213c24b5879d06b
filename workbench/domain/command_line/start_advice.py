"""What QEMU's last words before it gave up mean for the profile, and what mends it."""

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
    """What to do, for what of QEMU's output has a known cause in the profile or on the host.

    The texts that are looked for are QEMU's own, and it gives no error code beside them: hw/pci/pci.c, system/vl.c,
    net/slirp.c, util/qemu-sockets.c, net/tap.c.

    :param output: what QEMU wrote to stderr.
    """
    if profile.qemu.args and "PCI: slot" in output:
        yield "a device of qemu.args took a slot of the profile's: reserve = 4 under [qemu] leaves it four of its own"
    yield from _tap(output, profile)
    yield from _bridge(output, profile)
    if profile.memory.lock and "locking memory failed" in output:
        yield "memory.lock wants a higher limit of locked memory: ulimit -l, or LimitMEMLOCK= of the service"
    if "Could not set up host forwarding rule" in output or "Failed to find an available port" in output:
        yield "a port of the host was taken after it was looked at: workbench check tells which"


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
            yield f"{name} was not made for queues = {queues}: {make}"
        case "Operation not permitted" | "Permission denied":
            yield f"{name} is not yours to use: {make}"
        case "Device or resource busy":
            yield f"another process has {name}: a tap has one user, unless it was made with multi_queue"


def _bridge(output: str, profile: GuestProfile) -> Iterator[str]:
    acl = _ACL.search(output)
    names = [net.interface or "br0" for net in profile.net if net.backend == "bridge"]
    if acl is not None and names:
        lines = "; ".join(f"allow {name}" for name in dict.fromkeys(names))
        yield f"QEMU's bridge helper takes what its list allows: write {lines} into {acl['missing'] or '/etc/qemu/bridge.conf'}"
    elif names and "bridge helper failed" in output and "Operation not permitted" in output:
        yield "QEMU's bridge helper must be set-uid root: sudo chmod u+s /usr/lib/qemu/qemu-bridge-helper"
