"""``[[net]]``: a virtio network card and what stands behind it."""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address
from typing import Annotated, Literal

from msgspec import Meta

from workbench.domain.devices.part import Id, Option, Part, Path, device, json_option, judged, named, words

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


class Net(Part, frozen=True, kw_only=True):
    """A ``virtio-net-pci`` card. Without any ``[[net]]`` a guest has one, on the user network; with ``net = false`` none."""

    id: Id | None = None
    """Names the card in QEMU; ``net0``, ``net1``, … when not given."""
    backend: Literal["user", "none"] = "user"
    """``user``: QEMU's own network (10.0.2.0/24, needs no rights); ``none``: a card with its cable pulled."""
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

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.forward and self.backend != "user":
            yield ("forward",), f'ports are forwarded by backend = "user" only, and this is "{self.backend}"'

    def options(self, slot: str) -> Iterator[Option]:
        if self.backend == "user":
            netdev: dict[str, object] = {"type": "user", "id": f"{self.id}-host"}
            if self.forward:
                netdev["hostfwd"] = [{"str": text} for text in self.forward]
            yield json_option("-netdev", netdev)
        # No option ROM: iPXE costs start-up time, and comes in a package of its own without which QEMU would not start.
        card = {"driver": "virtio-net-pci", "id": self.id, "addr": slot, "romfile": "", **named(self, "device")}
        if self.backend == "user":
            card["netdev"] = f"{self.id}-host"
        yield json_option("-device", card)


def host_end(text: str) -> tuple[str, str, int]:
    """Protocol, address and port of the host that a forwarding listens at."""
    match = _FORWARD.fullmatch(text)
    assert match is not None, text  # the decoder lets no other one through
    return match["protocol"], match["host"] or EVERY_ADDRESS, int(match["port"])
