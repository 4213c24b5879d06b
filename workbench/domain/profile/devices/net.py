"""``[[net]]``: a virtio network card and its backend."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address
from typing import Annotated, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import (
    File,
    Id,
    Option,
    Part,
    Path,
    Slot,
    device,
    json_option,
    judged,
    named,
    words,
)

_FORWARD = re.compile(
    r"(?P<protocol>tcp|udp):(?P<host>[^:]*):(?P<port>\d{1,5})-(?P<guest>[^:]*):(?P<guest_port>\d{1,5})", re.ASCII
)
EVERY_ADDRESS = "0.0.0.0"
"""Where a port forward without a host address listens."""


def forward_trouble(text: str) -> str:
    """What is wrong with a port forward in QEMU's syntax (net/slirp.c, slirp_hostfwd()); empty if nothing."""
    match = _FORWARD.fullmatch(text)
    if match is None:
        return f"{text!r} is not a valid port forward: write tcp:127.0.0.1:2222-:22"
    for side in ("host", "guest"):
        try:
            IPv4Address(match[side] or EVERY_ADDRESS)
        except AddressValueError:
            return f"{match[side]!r} is not an IPv4 address such as 127.0.0.1"
    for side in ("port", "guest_port"):
        if not 1 <= int(match[side]) <= 65535:
            return f"{match[side]} is not a port: 1 to 65535"
    return ""


INTERFACE = r"[^\s/:,]{1,15}\Z"
"""A network interface's name (Linux: IFNAMSIZ, dev_valid_name)."""
QUEUES_MAX = 64


class Net(Part, frozen=True, kw_only=True):
    """A ``virtio-net-pci`` card. Without a ``[[net]]`` the guest has one on the user network; ``net = false`` removes it."""

    id: Id | None = None
    """Its id in QEMU. Default: ``net0``, ``net1``, …"""
    slot: Slot | None = None
    """PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. Default: from its place in the profile."""
    backend: Literal["user", "tap", "bridge", "socket", "none"] = "user"
    """``user``: QEMU's user-mode network (10.0.2.0/24, needs no privileges); ``tap``: an existing tap interface of the
    host; ``bridge``: a bridge of the host, through qemu-bridge-helper; ``socket``: a link to another QEMU over a unix
    socket; ``none``: not connected."""
    mac: Annotated[
        str | None,
        # An odd first octet is a multicast address, which is not valid for a card (IEEE 802).
        Meta(pattern=r"^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}\Z"),
        words("a MAC address such as 52:54:00:12:34:56, its second digit even"),
        device("mac"),
    ] = None
    """The card's MAC address. Default: QEMU's, 52:54:00:12:34:56 and following."""
    forward: tuple[Annotated[str, judged(forward_trouble)], ...] = ()
    """Host ports to forward to guest ports, such as ``tcp:127.0.0.1:2222-:22``: protocol, host address and port, guest
    address and port. Without a host address it listens on every interface of the host."""
    interface: Annotated[str | None, Meta(pattern=f"^{INTERFACE}"), words("an interface name such as tap0")] = None
    """The host's interface for ``tap`` (such as ``tap0``), or its bridge for ``bridge`` (default: ``br0``)."""
    path: File | None = None
    """The unix socket for ``socket``."""
    listen: bool = False
    """For ``socket``: listen, and let the other QEMU connect. Exactly one of the two listens."""
    queues: Annotated[int, Meta(ge=1, le=QUEUES_MAX)] = 1
    """Queue pairs, for ``tap`` only: the number of virtual CPUs that can send at once."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.forward and self.backend != "user":
            yield ("forward",), f'backend = "{self.backend}" cannot forward ports; only "user" can'
        if self.backend == "tap" and self.interface is None:
            yield ("backend",), 'backend = "tap" needs an interface, such as interface = "tap0"'
        if self.interface is not None and self.backend not in ("tap", "bridge"):
            yield ("interface",), f'backend = "{self.backend}" has no interface'
        if self.backend == "socket" and self.path is None:
            yield ("backend",), 'backend = "socket" needs the path of its socket'
        for key in ("path", "listen"):
            if getattr(self, key) and self.backend != "socket":
                yield (key,), f'backend = "{self.backend}" has no socket'
        if self.queues > 1 and self.backend != "tap":
            yield ("queues",), f'backend = "{self.backend}" has one queue pair; only "tap" can have more'

    def options(self, slot: str, path: str, *, rom: bool = False, boot: int | None = None) -> Iterator[Option]:
        """
        :param path: the absolute path of the socket; unused by the other backends.
        :param rom: whether the card has an option ROM to boot from.
        :param boot: its place in the boot order.
        """
        card: dict[str, object] = {"driver": "virtio-net-pci", "id": self.id, "addr": slot}
        if not rom:
            # iPXE slows the start, and QEMU would not start if its separate package is not installed.
            card["romfile"] = ""
        card |= named(self, "device")
        if self.queues > 1:
            card |= {"mq": True, "vectors": 2 * self.queues + 2}  # one for each queue, control and config
        netdev = self._netdev(path)
        if netdev is not None:
            yield json_option("-netdev", {"type": netdev[0], "id": f"{self.id}-host", **netdev[1]})
            card["netdev"] = f"{self.id}-host"
        if boot is not None:
            card["bootindex"] = boot
        yield json_option("-device", card)

    def _netdev(self, path: str) -> tuple[str, dict[str, object]] | None:
        """Type and members of the card's netdev; None for ``none``."""
        match self.backend:
            case "user":
                return "user", {"hostfwd": [{"str": text} for text in self.forward]} if self.forward else {}
            case "tap":
                # No scripts: the interface is already set up, and the sandbox does not let QEMU start other programs.
                queues: dict[str, object] = {"queues": self.queues} if self.queues > 1 else {}
                return "tap", {"ifname": self.interface, "script": "no", "downscript": "no", **queues}
            case "bridge":
                return "bridge", {"br": self.interface or "br0"}
            case "socket":
                return "stream", {"server": self.listen, "addr": {"type": "unix", "path": path}}
            case "none":
                return None


def host_end(text: str) -> tuple[str, str, int]:
    """Protocol, host address and host port that a port forward listens on."""
    match = _FORWARD.fullmatch(text)
    assert match is not None, text  # checked by the decoder
    return match["protocol"], match["host"] or EVERY_ADDRESS, int(match["port"])
