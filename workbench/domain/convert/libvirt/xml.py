"""A libvirt domain during its import: the result so far, and which elements are done."""

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
    """The arguments for ``[qemu] args``."""
    units: int = 0
    """The number of SATA units in use."""
    slots: int = 0
    """The number of PCI slots that the arguments need."""
    places: list[tuple[int, str, int | None]] = field(default_factory=list)
    """The devices in the boot order: their place, their kind, and for those in arguments the argument's index."""
    named: set[int] = field(default_factory=set)
    """The slots that are named in arguments."""
    wanted: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    """The tables of devices with a slot on the root bus, and the slot."""
    done: set[int] = field(default_factory=set)
    """The ids, by id(), of the elements that are imported or deliberately ignored."""

    def find(self, path: str) -> Element | None:
        """The element at a path; marks it and those above it as done."""
        element = self.root
        for step in path.split("/"):
            found = element.find(step)
            if found is None:
                return None
            self.done.add(id(found))
            element = found
        return element

    def tick(self, element: Element, *below: str) -> None:
        """Mark an element as done, and these elements below it with everything in them."""
        self.done.add(id(element))
        for name in below:
            for one in element.findall(name):
                self.done |= {id(inner) for inner in one.iter()}

    def boots(self, element: Element, kind: str, argument: int | None = None) -> None:
        boot = element.find("boot")
        if boot is not None and number(boot.get("order")):
            self.places.append((number(boot.get("order")), kind, argument))
            self.tick(boot)

    def note_slot(self, element: Element, entry: dict[str, Any]) -> None:
        """Note a device's slot on the root bus."""
        slot = root_slot(element)
        if slot:
            self.wanted.append((entry, slot))

    def rest(self, element: Element, where: str, *known: str) -> None:
        """Report the attributes of an imported element other than those listed."""
        left = [f'{name}="{value}"' for name, value in element.attrib.items() if name not in known]
        if left:
            self.notes.append(f"not imported: {where} {' '.join(left)}")

    def table(self, *path: str) -> dict[str, Any]:
        table = self.document
        for step in path:
            table = table.setdefault(step, {})
        return table

    def text(self, path: str) -> str | None:
        element = self.find(path)
        return None if element is None else (element.text or "").strip()


def root_slot(element: Element) -> int:
    """A device's slot on the root bus; 0 if it has none, or another function than 0."""
    address = element.find("address")
    if address is None or address.get("type") != "pci":
        return 0
    try:
        bus, slot, function = (int(address.get(name, "0"), 0) for name in ("bus", "slot", "function"))
    except ValueError:
        return 0
    return slot if bus == function == 0 else 0


def number(text: str | None, otherwise: int = 0) -> int:
    """The number, or ``otherwise`` if it is not one."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else otherwise
