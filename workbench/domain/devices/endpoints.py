"""Where to connect to a running guest's serial ports and display."""

from __future__ import annotations

from msgspec import Struct


class Port(Struct, frozen=True):
    """One serial port."""

    id: str
    name: str
    """Its name in the guest; empty for a console."""
    where: str
    """A socket, a pseudo-terminal or a file; empty when not connected."""


class Endpoints(Struct, frozen=True):
    ports: tuple[Port, ...] = ()
    vnc: str = ""
    """A socket, or an address with a port; empty without a display."""
