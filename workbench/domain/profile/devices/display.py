"""``[display]``: a graphics card for the guest, shown over VNC to this host only."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import Option, Part, Path, comma, json_option

DISPLAY_ID = "vga0"
"""The id of the graphics card."""
VNC_SOCKET = "vnc.sock"
"""VNC's socket in the guest's state directory."""
LOOPBACK = "127.0.0.1"
"""The address that VNC listens on for ``vnc = "loopback"``."""
VNC_PORT = 5900
"""The port of VNC's display 0 (RFC 6143, 7.1)."""


class Display(Part, frozen=True, kw_only=True):
    """``[display]``: a graphics card and a VNC server that is not reachable from the network."""

    card: Literal["std", "virtio"] = "std"
    """``std``: a VGA that every system supports; ``virtio``: faster if the guest has a driver for it."""
    vnc: Literal["socket", "loopback"] = "socket"
    """Where VNC listens: on ``vnc.sock`` in the guest's state directory, or on 127.0.0.1, which every user of this host
    can reach."""
    port: Annotated[int | None, Meta(ge=VNC_PORT, le=65535)] = None
    """The port for ``loopback``."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.vnc == "loopback" and self.port is None:
            yield ("vnc",), 'vnc = "loopback" needs a port, such as port = 5901'
        if self.vnc == "socket" and self.port is not None:
            yield ("port",), 'a socket has no port: set vnc = "loopback" or remove port'

    def options(self, slot: str, directory: str) -> Iterator[Option]:
        """:param directory: the guest's state directory."""
        where = f"{LOOPBACK}:{(self.port or VNC_PORT) - VNC_PORT}"
        if self.vnc == "socket":
            # Written as vnc=: without it, QEMU's search for an id ends at a doubled comma (util/qemu-option.c,
            # opts_parse_id()).
            where = f"vnc=unix:{comma(f'{directory}/{VNC_SOCKET}')}"
        yield "-vnc", where
        driver = {"std": "VGA", "virtio": "virtio-vga"}[self.card]
        card: dict[str, Any] = {"driver": driver, "id": DISPLAY_ID, "addr": slot}
        yield json_option("-device", card)
