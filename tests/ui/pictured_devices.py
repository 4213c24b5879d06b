"""The devices of a guest for the pictures: a PCI tree, a part of QOM, and the balloon's virtio device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.ui.fake_engine import RAM, FakeDevices
from workbench.domain.devices.buses import ROOT, Bus, BusDevice
from workbench.domain.devices.pci import PciAddress
from workbench.domain.devices.qom import Child, Node, Property
from workbench.domain.devices.tree import Place, Registers, build_tree
from workbench.domain.devices.type_info import TypeInfo
from workbench.domain.devices.virtio import DriverState, Virtio
from workbench.domain.devices.virtio_config import balloon_config
from workbench.domain.devices.virtqueue import Queue
from workbench.domain.units import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.tree import DeviceTree

NAMES = {
    "net0": ("virtio-net-pci", 0x1000),
    "scsi0": ("virtio-scsi-pci", 0x1004),
    "balloon0": ("virtio-balloon-pci", 0x1002),
    "serial0": ("virtio-serial-pci", 0x1003),
    "rng0": ("virtio-rng-pci", 0x1005),
}
"""Id -> type and PCI id of the devices in slots 1 to 5."""
BALLOON = "/machine/peripheral/balloon0"
BACKEND = f"{BALLOON}/virtio-backend"
PCI_BUS = "/machine/q35/pcie.0"
OK = 0x0F
CONFIG = balloon_config(((RAM - 448 * MIB) // 4096, (RAM - 448 * MIB) // 4096))


def _function(slot: int, vendor: int, device: int, kind: int, name: str = "", function: int = 0) -> dict[str, object]:
    """One function, as ``query-pci`` has it."""
    ids = {"vendor": vendor, "device": device, "subsystem-vendor": vendor, "subsystem": 1}
    region = {"bar": 4, "type": "memory", "size": 16384, "address": 0xFEA0_0000 + slot * 16384}
    return {
        "bus": 0,
        "slot": slot,
        "function": function,
        "qdev_id": name,
        "class_info": {"class": kind},
        "id": ids,
        **({"irq": 10, "irq_pin": 1} if name else {}),
        "regions": [region | {"prefetch": True, "mem_type_64": True}] if name else [],
    }


def pictured_tree() -> DeviceTree:
    """A q35 machine with five virtio devices; the entropy source has no driver yet."""
    virtio = [
        _function(slot, 0x1AF4, device, 0x00FF, name) for slot, (name, (_, device)) in enumerate(NAMES.items(), 1)
    ]
    board = [
        _function(0x1F, 0x8086, 0x2918, 0x0601, function=0),
        _function(0x1F, 0x8086, 0x2922, 0x0106, function=2),
        _function(0x1F, 0x8086, 0x2930, 0x0C05, function=3),
    ]
    places = [
        Place(f"/machine/peripheral/{name}", kind, 8 * slot) for slot, (name, (kind, _)) in enumerate(NAMES.items(), 1)
    ]
    devices = [_function(0, 0x8086, 0x29C0, 0x0600), *virtio, *board]
    tree = build_tree([{"bus": 0, "devices": devices}], machine="pc-q35-7.2-machine", places=places)
    read = {PciAddress(0, slot, 0): Registers(OK) for slot in (1, 2, 4)}
    return tree.with_registers(read | {PciAddress(0, 3, 0): Registers(OK, CONFIG), PciAddress(0, 5, 0): Registers(0)})


QUEUES = tuple(
    Queue(index, 128, 128, seen, seen, seen - held, seen - held, held, 0x1E00_0000 + index * 4096, 1, 1)
    for index, (seen, held) in enumerate(((64, 0), (12, 0), (97, 1)))
)
VIRTIO = Virtio(
    5,
    OK,
    DriverState.OK,
    ("STATS_VQ", "DEFLATE_ON_OOM", "PAGE_REPORTING", "INDIRECT_DESC", "EVENT_IDX", "VERSION_1"),
    ("STATS_VQ", "DEFLATE_ON_OOM", "INDIRECT_DESC", "EVENT_IDX", "VERSION_1"),
    config=CONFIG,
    queues=QUEUES,
)


def _container(path: str, *names: str) -> Node:
    kinds = {"q35": "q35-pcihost", **{name: kind for name, (kind, _) in NAMES.items()}}
    children = (Child(name, kinds.get(name, "container"), f"{path.rstrip('/')}/{name}") for name in names)
    return Node(path, "container", (), tuple(children))


def _device(name: str, kind: str) -> Node:
    path = f"/machine/peripheral/{name}"
    backend = Child("virtio-backend", kind.replace("-pci", "-device"), f"{path}/virtio-backend")
    properties = (
        Property("deflate-on-oom", "bool", True),
        Property("free-page-reporting", "bool", False),
        Property("guest-stats-polling-interval", "int", 2),
        Property("romfile", "str", ""),
        Property("vectors", "uint32", 2),
    )
    return Node(
        path,
        kind,
        properties if name == "balloon0" else properties[-2:],
        (backend,),
        VIRTIO if name == "balloon0" else None,
    )


QOM: Mapping[str, Node] = {
    one.path: one
    for one in (
        _container("/", "chardevs", "machine", "objects"),
        _container("/chardevs"),
        _container("/objects"),
        _container("/machine", "peripheral", "q35", "unattached"),
        _container("/machine/peripheral", *NAMES),
        Node("/machine/q35", "q35-pcihost"),
        _container("/machine/unattached"),
        *(_device(name, kind) for name, (kind, _) in NAMES.items()),
        Node(BACKEND, "virtio-balloon-device", (Property("guest-stats", "struct"),)),
    )
}


class PicturedDevices(FakeDevices):
    """Always the same devices."""

    async def tree(self) -> DeviceTree:
        return pictured_tree()

    async def node(self, path: str) -> Node:
        return QOM.get(path, Node(path, "container"))

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        wanted = {name for name, _ in kinds}
        return tuple(one for one in QOM[path].properties if one.name in wanted)

    async def virtio(self, path: str) -> Virtio | None:
        return VIRTIO if path == BALLOON else None

    async def buses(self) -> Bus:
        devices = tuple(BusDevice(kind, f"/machine/peripheral/{name}") for name, (kind, _) in NAMES.items())
        host = BusDevice("q35-pcihost", "/machine/q35", (Bus("pcie.0", "PCIE", PCI_BUS, devices),))
        return Bus("main-system-bus", "System", ROOT, (host,))

    async def walk(self, *, values: bool = False, depth: int | None = None) -> Mapping[str, Node]:
        return QOM

    async def describe(self, type_name: str) -> TypeInfo:
        return TypeInfo(type_name, parents=("virtio-pci", "pci-device", "device", "object"))

    async def drift(self) -> tuple[Difference, ...]:
        return ()

    async def places(self) -> Mapping[str, str]:
        return {name: f"demo.toml:{12 + 4 * index}" for index, name in enumerate(NAMES)}
