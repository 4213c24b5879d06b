"""Elements and text of a libvirt domain."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement

QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"
"""libvirt: docs/drvqemu.rst, pass-through of arbitrary command-line arguments."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that are not allowed in XML, escaped or not (XML 1.0, 2.2)."""


def clean(text: str) -> str:
    """Replace characters that are not allowed in XML."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def add_text(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = clean(text)
    return element


def add_address(device: Element, slot: str, *, more: bool = False) -> None:
    """Add a device's address on the root bus.

    :param slot: as QEMU's ``SLOT.FUNCTION``, hexadecimal.
    :param more: whether the slot has other functions.
    """
    number, _, function = slot.partition(".")
    several = {"multifunction": "on"} if more else {}
    place = {"domain": "0x0000", "bus": "0x00", "slot": f"0x{number}", "function": f"0x{function}"}
    SubElement(device, "address", {"type": "pci", **place, **several})
