"""What is known of the line under the cursor, as labels and texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.pci import Bar
from workbench.domain.qom import Child, Property
from workbench.domain.sources import source_file
from workbench.domain.virtio import Virtio, virtio_status_bits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.domain.tree import PciDevice
    from workbench.ui.widgets.device_rows import Row

VALUE_MAX = 400
"""Characters of a value in the detail area."""


def details(row: Row, profile_lines: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Label and text for the detail area.

    :param profile_lines: qdev id -> ``demo.toml:14``, the line of the profile that made the device.
    """
    what = row.source
    if isinstance(what, Property):
        yield "name", f"{what.name} ({what.type})"
        yield "value", _shortened(what.text or "empty")
    elif isinstance(what, Bar):
        kind = what.kind + (" prefetchable" if what.prefetchable else "") + (" 64-bit" if what.wide else "")
        yield "BAR", f"{row.value}, {what.size:,} bytes, {kind}"
    elif isinstance(what, Child):
        yield "type", what.type
        yield "QOM", what.path
        if source_file(what.type):
            yield "source", source_file(what.type)
        return
    elif isinstance(what, Virtio) and what.note:
        yield "features", what.note
    elif what is None and row.value:
        yield row.text, row.value
    if row.owner is not None:
        yield from _device_details(row.owner, profile_lines)


def _device_details(device: PciDevice, profile_lines: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if device.type:
        yield "type", device.type
    yield "QOM", device.path or "not known"
    if source_file(device.type):
        yield "source", source_file(device.type)
    if device.qdev_id in profile_lines:
        yield "profile", profile_lines[device.qdev_id]
    if device.driver is not None:
        bits = ", ".join(virtio_status_bits(device.status or 0))
        yield "driver", f"{device.driver}{f': {bits}' if bits else ''}"
    yield "ids", f"{device.vendor:04x}:{device.device:04x} class {device.class_code:04x}"


def _shortened(text: str) -> str:
    if len(text) <= VALUE_MAX:
        return text
    return f"{text[:VALUE_MAX]}… ({len(text):,} characters)"
