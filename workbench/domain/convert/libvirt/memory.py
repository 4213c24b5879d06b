"""Import the memory of a libvirt domain: its RAM, its maximum and its backing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.convert.libvirt.xml import number
from workbench.domain.units import MIB, format_size

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from workbench.domain.convert.libvirt.xml import Domain

UNITS = {
    "b": 1, "bytes": 1, "KB": 1000, "k": 1024, "KiB": 1024, "MB": 10**6, "M": MIB, "MiB": MIB,
    "GB": 10**9, "G": 1 << 30, "GiB": 1 << 30, "TB": 10**12, "T": 1 << 40, "TiB": 1 << 40,
}  # fmt: skip
"""libvirt: src/util/virutil.c, virScaleInteger()."""


def _size(element: Element | None) -> int | None:
    if element is None or not (element.text or "").strip().isdigit():
        return None
    scale = UNITS.get(element.get("unit", "KiB"))
    return int(str(element.text)) * scale if scale else None


def memory(domain: Domain) -> None:
    """``<memory>`` includes the size of memory devices (libvirt: src/conf/domain_conf.c, virDomainDefGetMemoryTotal())."""
    total, most = _size(domain.find("memory")), domain.find("maxMemory")
    plugged = [device for device in domain.root.findall("devices/memory") if device.find("target") is not None]
    size = total and total - sum(_size(device.find("target/size")) or 0 for device in plugged)
    memory = domain.table("memory")
    memory["size"] = format_size(max((size or 512 * MIB) + MIB - 1, MIB) // MIB * MIB)
    if len(plugged) == 1:
        _virtio_mem(domain, plugged[0])
    current = _size(domain.find("currentMemory"))
    if current is not None and size is not None and current < size:
        domain.notes.append(
            f"currentMemory {format_size(current)}: the guest starts with all its memory; use the balloon to reduce it"
        )
    cells = domain.root.findall("cpu/numa/cell")
    if (
        len(cells) == 1
        and most is not None
        and set(cells[0].attrib) <= {"id", "cpus", "memory", "unit"}
        and not len(cells[0])
    ):
        domain.find("cpu/numa/cell")  # required by libvirt for maxMemory
        domain.notes.append("cpu/numa: the guest's only NUMA node is left out")
    if most is not None:
        memory["maximum"] = format_size(_size(most) or 0)
        memory["slots"] = number(most.get("slots"))
    if domain.find("memoryBacking/locked") is not None:
        memory["lock"] = True
    if domain.find("memoryBacking/hugepages") is not None:
        page = domain.find("memoryBacking/hugepages/page")
        found = _size_of(page) if page is not None else 2 * MIB
        memory["hugepages"] = {"size": format_size(found)}
    access = domain.find("memoryBacking/access")
    source = domain.find("memoryBacking/source")
    if access is not None and access.get("mode") == "shared" and (source is None or source.get("type") == "memfd"):
        memory["share"] = True


def _size_of(page: Element) -> int:
    return number(page.get("size"), 2048) * UNITS.get(page.get("unit", "KiB"), 1024)


def _virtio_mem(domain: Domain, device: Element) -> None:
    """Import the one virtio-mem that a profile can have, if its memory has the same backing as the RAM."""
    target = device.find("target")
    assert target is not None
    sizes = {
        key: _size(target.find(tag)) for key, tag in (("size", "size"), ("requested", "requested"), ("block", "block"))
    }
    known = {"size", "requested", "block", "node", "current"}
    plain = device.get("model") == "virtio-mem" and device.find("source") is None and not target.attrib
    if (
        not plain
        or sizes["size"] is None
        or {str(one.tag) for one in target} - known
        or (target.findtext("node") or "0") != "0"
    ):
        return
    domain.table("memory", "virtio-mem").update(
        {key: format_size(value) for key, value in sizes.items() if value is not None}
    )
    domain.find("devices")
    domain.tick(device, "target")
