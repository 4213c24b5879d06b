"""``[[net]]``: a virtio network card and what stands behind it."""

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
"""Where a forwarding listens that names no address of the host."""


def forward_trouble(text: str) -> str:
    """What is wrong with a forwarding as QEMU takes it (net/slirp.c, slirp_hostfwd()); empty when nothing is."""
    match = _FORWARD.fullmatch(text)
    if match is None:
        return f"{text!r} is not a forwarding: write tcp:127.0.0.1:2222-:22"
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
    """A ``virtio-net-pci`` card. Without any ``[[net]]`` a guest has one, on the user network; with ``net = false`` none."""

    id: Id | None = None
    """Names the card in QEMU; ``net0``, ``net1``, … when not given."""
    slot: Slot | None = None
    """Its PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. By its place in the profile when not given."""
    backend: Literal["user", "tap", "bridge", "socket", "none"] = "user"
    """``user``: QEMU's own network (10.0.2.0/24, needs no rights); ``tap``: an interface of the host that is there
    already; ``bridge``: a bridge of the host, through QEMU's helper; ``socket``: a cable to another QEMU, by a unix
    socket; ``none``: a card with its cable pulled."""
    mac: Annotated[
        str | None,
        # An odd first octet is a group's address, which no card can have (IEEE 802).
        Meta(pattern=r"^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}\Z"),
        words("a card's address such as 52:54:00:12:34:56, its second digit even"),
        device("mac"),
    ] = None
    """The card's address; QEMU's 52:54:00:12:34:56 and following when not given."""
    forward: tuple[Annotated[str, judged(forward_trouble)], ...] = ()
    """Ports of the host that lead to ports of the guest, as ``tcp:127.0.0.1:2222-:22``: protocol, host address and
    port, guest address and port. Without a host address every interface of the host listens."""
    interface: Annotated[str | None, Meta(pattern=f"^{INTERFACE}"), words("an interface's name such as tap0")] = None
    """The host's interface for ``tap`` (such as ``tap0``) or the bridge for ``bridge`` (``br0`` when not given)."""
    path: File | None = None
    """The unix socket for ``socket``."""
    listen: bool = False
    """For ``socket``: make the socket and wait for the other QEMU there, which does not listen."""
    queues: Annotated[int, Meta(ge=1, le=QUEUES_MAX)] = 1
    """Pairs of queues, for ``tap`` only: as many virtual CPUs can send at once."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.forward and self.backend != "user":
            yield ("forward",), f'ports are forwarded by backend = "user" only, and this is "{self.backend}"'
        if self.backend == "tap" and self.interface is None:
            yield ("backend",), 'backend = "tap" needs the interface\'s name, such as interface = "tap0"'
        if self.interface is not None and self.backend not in ("tap", "bridge"):
            yield ("interface",), f'backend = "{self.backend}" has no interface'
        if self.backend == "socket" and self.path is None:
            yield ("backend",), 'backend = "socket" needs the path of the socket'
        for key in ("path", "listen"):
            if getattr(self, key) and self.backend != "socket":
                yield (key,), f'backend = "{self.backend}" has no socket'
        if self.queues > 1 and self.backend != "tap":
            yield ("queues",), f'backend = "{self.backend}" has one pair of queues; "tap" can have more'

    def options(self, slot: str, path: str, *, rom: bool = False, boot: int | None = None) -> Iterator[Option]:
        """
        :param path: the absolute path of the socket; not looked at for the other backends.
        :param rom: the card has its option ROM, from which it can boot.
        :param boot: its place in the order of booting.
        """
        card: dict[str, object] = {"driver": "virtio-net-pci", "id": self.id, "addr": slot}
        if not rom:
            # iPXE costs start-up time, and comes in a package of its own without which QEMU would not start.
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
        """Type and members of what is behind the card; None where there is nothing."""
        match self.backend:
            case "user":
                return "user", {"hostfwd": [{"str": text} for text in self.forward]} if self.forward else {}
            case "tap":
                # No scripts: the sandbox lets QEMU start no other program, and the interface is set up already.
                queues: dict[str, object] = {"queues": self.queues} if self.queues > 1 else {}
                return "tap", {"ifname": self.interface, "script": "no", "downscript": "no", **queues}
            case "bridge":
                return "bridge", {"br": self.interface or "br0"}
            case "socket":
                return "stream", {"server": self.listen, "addr": {"type": "unix", "path": path}}
            case "none":
                return None


def host_end(text: str) -> tuple[str, str, int]:
    """Protocol, address and port of the host that a forwarding listens at."""
    match = _FORWARD.fullmatch(text)
    assert match is not None, text  # the decoder lets no other one through
    return match["protocol"], match["host"] or EVERY_ADDRESS, int(match["port"])
