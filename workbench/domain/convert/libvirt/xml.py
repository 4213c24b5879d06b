"""A libvirt domain while it is read: what was made of it, and which elements that has ticked off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class Domain(Struct):
    root: Element
    document: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    args: list[str] = field(default_factory=list)
    """What goes to ``[qemu] args``."""
    units: int = 0
    """Places of SATA disks that are taken."""
    slots: int = 0
    """PCI slots that those want."""
    places: list[tuple[int, str, int | None]] = field(default_factory=list)
    """The devices that have a place in the order of booting: that place, the kind, and for those in arguments the index of
    the argument."""
    named: set[int] = field(default_factory=set)
    """The slots that arguments name."""
    wanted: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    """The tables of devices that had a slot of the root bus, and which."""
    done: set[int] = field(default_factory=set)

    def find(self, path: str) -> Element | None:
        """The element at a path, ticked off with those above it."""
        element = self.root
        for step in path.split("/"):
            found = element.find(step)
            if found is None:
                return None
            self.done.add(id(found))
            element = found
        return element

    def tick(self, element: Element, *below: str) -> None:
        """This element is said, and these below it with all that is in them."""
        self.done.add(id(element))
        for name in below:
            for one in element.findall(name):
                self.done |= {id(inner) for inner in one.iter()}

    def boots(self, element: Element, kind: str, argument: int | None = None) -> None:
        boot = element.find("boot")
        if boot is not None and number(boot.get("order")):
            self.places.append((number(boot.get("order")), kind, argument))
            self.tick(boot)

    def stands(self, element: Element, entry: dict[str, Any]) -> None:
        """Note a device's slot on the root bus."""
        slot = root_slot(element)
        if slot:
            self.wanted.append((entry, slot))

    def rest(self, element: Element, where: str, *said: str) -> None:
        """Tell of the attributes of an element that is said otherwise, but for these."""
        left = [f'{name}="{value}"' for name, value in element.attrib.items() if name not in said]
        if left:
            self.notes.append(f"not carried: {where} {' '.join(left)}")

    def table(self, *path: str) -> dict[str, Any]:
        table = self.document
        for step in path:
            table = table.setdefault(step, {})
        return table

    def text(self, path: str) -> str | None:
        element = self.find(path)
        return None if element is None else (element.text or "").strip()


def root_slot(element: Element) -> int:
    """A device's slot on the root bus; 0 where it has none, or stands in another function of one."""
    address = element.find("address")
    if address is None or address.get("type") != "pci":
        return 0
    try:
        bus, slot, function = (int(address.get(name, "0"), 0) for name in ("bus", "slot", "function"))
    except ValueError:
        return 0
    return slot if bus == function == 0 else 0


def number(text: str | None, otherwise: int = 0) -> int:
    """A number; ``otherwise`` for what is none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else otherwise
