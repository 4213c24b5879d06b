"""The device tree from replies recorded on QEMU 7.2 (after the firmware ran) and 11.1 (before it)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.devices.recorded_tree import recorded, tree_of
from workbench.domain.devices.pci import PciAddress, virtio_device_id
from workbench.domain.devices.qom import Property, parse_children, value_text
from workbench.domain.devices.sources import source_file
from workbench.domain.devices.tree import DeviceTree, Place, Registers, build_tree
from workbench.domain.devices.virtio import (
    DriverState,
    features_of,
    parse_features,
    virtio_status,
    virtio_status_bits,
)
from workbench.domain.devices.virtio_config import ConfigField

BALLOON = "/machine/peripheral/balloon0"


@pytest.fixture
def tree() -> DeviceTree:
    return tree_of(recorded("7.2"))


def test_every_function_has_its_name_and_qom_path(tree: DeviceTree) -> None:
    assert (tree.machine, [bus.name for bus in tree.buses]) == ("pc-q35-7.2", ["pcie.0"])
    assert [(str(device.address), device.name, device.type, device.path) for device in tree] == [
        ("00:00.0", "host bridge", "mch", "/machine/q35/mch"),
        ("00:01.0", "virtio-net", "virtio-net-pci", "/machine/peripheral/net0"),
        ("00:02.0", "virtio-scsi", "virtio-scsi-pci", "/machine/peripheral/scsi0"),
        ("00:03.0", "virtio-balloon", "virtio-balloon-pci", BALLOON),
        ("00:04.0", "virtio-serial", "virtio-serial-pci", "/machine/peripheral/serial0"),
        ("00:05.0", "virtio-rng", "virtio-rng-pci", "/machine/peripheral/rng0"),
        ("00:06.0", "root port", "pcie-root-port", "/machine/peripheral/rp0"),
        ("01:00.0", "virtio-rng", "virtio-rng-pci", "/machine/peripheral-anon/device[1]"),
        ("00:07.0", "virtio-rng", "virtio-rng-pci", "/machine/peripheral-anon/device[0]"),
        ("00:1f.0", "ISA bridge", "ICH9-LPC", "/machine/unattached/device[2]"),
        ("00:1f.2", "AHCI", "ich9-ahci", "/machine/unattached/device[15]"),
        ("00:1f.3", "SMBus", "ICH9-SMB", "/machine/unattached/device[16]"),
    ]


def test_a_device_is_found_by_path_id_and_address(tree: DeviceTree) -> None:
    balloon = tree.device(BALLOON)
    assert balloon is not None
    assert balloon is tree.device("balloon0") is tree.device("00:03.0") is tree.device("0000:00:03.0")
    assert balloon.virtio_id == 5
    assert (balloon.vendor, balloon.device, balloon.class_code) == (0x1AF4, 0x1002, 0x00FF)
    assert tree.device("") is None
    assert tree.device("balloon1") is None


def test_bars_and_bridge_windows(tree: DeviceTree) -> None:
    net, port = tree.device("net0"), tree.device("rp0")
    assert net is not None
    assert port is not None
    assert [(bar.index, bar.kind, bar.size, bar.address is None) for bar in net.bars] == [
        (0, "io", 32, False), (1, "memory", 4096, False), (4, "memory", 16384, False), (6, "memory", 262144, True),
    ]  # fmt: skip
    assert net.bars[2].wide
    assert net.bars[2].prefetchable
    assert port.bridge is not None
    assert (port.bridge.secondary, port.bridge.subordinate) == (1, 1)
    assert [(window.kind, window.is_open) for window in port.bridge.windows] == [
        ("io", False), ("memory", True), ("prefetchable", True),
    ]  # fmt: skip


def test_subsystem_pin_and_attributes_match_qemu(tree: DeviceTree) -> None:
    balloon, port = tree.device("00:03.0"), tree.device("pcie-port0") or tree.device("rp0")
    assert balloon is not None
    assert (balloon.subsystem_ids, balloon.interrupt) == ("1af4:0005", f"IRQ {balloon.irq}, pin A")
    assert [bar.manner for bar in balloon.bars if bar.index == 4] == ["64-bit prefetchable"]
    assert [bar.manner for bar in balloon.bars if bar.kind == "io"] == [""]
    assert port is not None
    assert port.subsystem_ids == "", "a bridge has none"


def test_driver_states_come_from_the_status_bytes(tree: DeviceTree) -> None:
    words = (ConfigField("num_pages", 65536, "pages"),)
    tree = tree.with_registers(
        {
            PciAddress(0, 3, 0): Registers(0x0F, words),
            PciAddress(0, 1, 0): Registers(0),
            PciAddress(1, 0, 0): Registers(0x8F),
        }
    )
    states = {str(device.address): device.driver for device in tree}
    assert states["00:03.0"] is DriverState.OK
    assert states["00:01.0"] is DriverState.NO_DRIVER
    assert states["01:00.0"] is DriverState.FAILED, "behind a bridge"
    assert states["00:02.0"] is DriverState.UNKNOWN, "mapped, and not read"
    assert states["00:1f.2"] is None, "no virtio"
    balloon = tree.device("balloon0")
    assert balloon is not None
    assert (balloon.status, balloon.config) == (0x0F, words)


def test_before_the_firmware_virtio_is_not_mapped() -> None:
    tree = tree_of(recorded("11.1-unmapped")).with_registers({})
    states = {device.qdev_id: device.driver for device in tree if device.virtio_id and device.qdev_id}
    assert set(states.values()) == {DriverState.UNMAPPED}
    balloon = tree.device("balloon0")
    assert balloon is not None
    assert balloon.path == BALLOON


def test_ambiguous_devices_get_no_path() -> None:
    pci = recorded("7.2")["query-pci"]
    twice = [
        Place(f"/machine/peripheral-anon/device[{n}]", "virtio-rng-pci", 7 << 3, "/machine/q35/pcie.0") for n in (0, 1)
    ]
    device = build_tree(pci, places=twice).device("00:07.0")
    assert device is not None
    assert device.path == ""
    assert device.key == "pci:00:07.0"
    elsewhere = Place("/machine/peripheral-anon/device[0]", "virtio-rng-pci", 7 << 3, "/machine/peripheral/pxb0/pcie.1")
    other = build_tree(pci, places=[elsewhere]).device("00:07.0")
    assert other is not None
    assert other.path == "", "on a bus whose number is not known"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["bus", "devices", "id", "regions", "pci_bridge", "class_info", "slot", "address", "vendor"]),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_a_tree_of_anything_never_raises(reply: object) -> None:
    assert build_tree(reply).with_registers({}).device("nothing") is None


@pytest.mark.parametrize(
    ("byte", "state", "bits"),
    [
        (0, "no driver", ()),
        (1, "acknowledged", ("ACKNOWLEDGE",)),
        (3, "driver", ("ACKNOWLEDGE", "DRIVER")),
        (0x0B, "features ok", ("ACKNOWLEDGE", "DRIVER", "FEATURES_OK")),
        (0x0F, "ok", ("ACKNOWLEDGE", "DRIVER", "DRIVER_OK", "FEATURES_OK")),
        (0x07, "ok", ("ACKNOWLEDGE", "DRIVER", "DRIVER_OK")),
        (0x4F, "needs reset", ("ACKNOWLEDGE", "DRIVER", "DRIVER_OK", "FEATURES_OK", "NEEDS_RESET")),
        (0xCF, "failed", ("ACKNOWLEDGE", "DRIVER", "DRIVER_OK", "FEATURES_OK", "NEEDS_RESET", "FAILED")),
        (0x10, "no driver", ("bit 4",)),
    ],
)
def test_the_status_byte_in_words(byte: int, state: str, bits: tuple[str, ...]) -> None:
    assert virtio_status(byte) == state
    assert virtio_status_bits(byte) == bits


def test_features_by_name() -> None:
    assert features_of(5, 1 << 2 | 1 << 5 | 1 << 32) == ("DEFLATE_ON_OOM", "REPORTING", "VERSION_1")
    assert features_of(1, 1 << 2 | 1 << 62) == ("CTRL_GUEST_OFFLOADS", "STANDBY"), "bit 2 of a net is another"
    assert features_of(99, 1 | 1 << 29) == ("bit 0", "EVENT_IDX")
    assert features_of(5, 1 << 30) == (), "bit 30 is not a feature"


def test_features_of_devices_besides_the_common_five() -> None:
    assert features_of(16, 0b11) == ("VIRGL", "EDID")
    assert features_of(24, 0b11) == ("ACPI_PXM", "UNPLUGGED_INACCESSIBLE")
    reply = {"dev-features": ["VIRTIO_GPU_F_EDID: EDID requests"], "transports": ["VIRTIO_F_VERSION_1: v1"]}
    assert parse_features(16, reply) == ("EDID", "VERSION_1"), "lowest bit first"


def test_root_buses_stand_in_the_order_of_their_numbers() -> None:
    assert [bus.number for bus in build_tree([{"bus": 64, "devices": []}, {"bus": 0, "devices": []}]).buses] == [0, 64]


def test_features_of_a_recorded_reply() -> None:
    reply = recorded("7.2")["x-query-virtio-status"]
    assert parse_features(5, reply["host-features"]) == (
        "STATS_VQ", "DEFLATE_ON_OOM", "PAGE_POISON", "NOTIFY_ON_EMPTY", "ANY_LAYOUT", "INDIRECT_DESC", "EVENT_IDX",
        "VERSION_1", "RING_RESET",
    )  # fmt: skip
    assert parse_features(5, reply["guest-features"]) == ()
    assert parse_features(5, {"dev-features": ["VIRTIO_BALLOON_F_NEW: some day"]}) == ("NEW",)


@given(json_values)
def test_features_of_anything_never_raise(reply: object) -> None:
    parse_features(5, reply)


def test_virtio_ids_of_both_kinds() -> None:
    assert virtio_device_id(0x1AF4, 0x1002) == virtio_device_id(0x1AF4, 0x1045) == 5
    assert virtio_device_id(0x1AF4, 0x1110) is None, "ivshmem"
    assert virtio_device_id(0x8086, 0x1045) is None


def test_children_in_their_order() -> None:
    listing = [
        {"name": "device[10]", "type": "child<irq>"},
        {"name": "device[9]", "type": "child<irq>"},
        {"name": "type", "type": "string"},
        {"name": "a", "type": "link<x>"},
    ]
    assert [child.path for child in parse_children("/machine", listing)] == [
        "/machine/device[9]",
        "/machine/device[10]",
    ]
    assert [child.path for child in parse_children("/", [{"name": "m", "type": "child<c>"}])] == ["/m"]
    assert parse_children("/", None) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "on"), (False, "off"), (None, ""), (0, "0"), ("", ""), ({"a": [1]}, '{"a": [1]}'), ("[/x]", "[/x]")],
)
def test_values_in_words(value: object, text: str) -> None:
    assert value_text(value) == text


def test_common_properties_and_sources() -> None:
    names = [entry["name"] for entry in recorded("7.2")["qom-list"] if not entry["type"].startswith("child<")]
    own = {name for name in names if not Property(name, "").is_common} - {"type"}
    assert own == {
        "deflate-on-oom", "free-page-hint", "free-page-reporting", "guest-stats", "guest-stats-polling-interval",
        "iothread", "page-poison", "qemu-4-0-config-size",
    }  # fmt: skip
    assert source_file("virtio-balloon-pci") == "hw/virtio/virtio-balloon-pci.c"
    assert source_file("virtio-net-pci-non-transitional") == "hw/virtio/virtio-net-pci.c"
    assert source_file("no-such-type") == ""
