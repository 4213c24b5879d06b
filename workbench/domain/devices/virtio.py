"""State of a virtio device: the driver's progress, and the names of the offered and negotiated features.

Bits and names are from the virtio specification 1.2 and the Linux headers ``linux/virtio_*.h``, without the
``VIRTIO_…_F_`` prefix.
"""

from __future__ import annotations

from enum import IntFlag, StrEnum
from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.domain.devices.virtio_config import ConfigField
    from workbench.domain.devices.virtqueue import Queue


class Status(IntFlag):
    """The device status field (virtio 1.2, 2.1)."""

    ACKNOWLEDGE = 1
    DRIVER = 2
    DRIVER_OK = 4
    FEATURES_OK = 8
    NEEDS_RESET = 64
    FAILED = 128


class DriverState(StrEnum):
    """Progress of the driver in the guest or in its firmware."""

    NO_DRIVER = "no driver"
    ACKNOWLEDGED = "acknowledged"
    """The guest has noticed the device."""
    DRIVER = "driver"
    """The guest has a driver for the device and has not initialised it yet."""
    FEATURES_OK = "features ok"
    OK = "ok"
    """DRIVER_OK: the driver is running."""
    NEEDS_RESET = "needs reset"
    FAILED = "failed"
    UNMAPPED = "not mapped"
    """Neither the firmware nor the guest has mapped the registers yet, so no driver is using the device."""
    UNKNOWN = "unknown"
    """The registers cannot be read."""


def virtio_status(byte: int) -> DriverState:
    """The state in a status byte: an error if there is one, otherwise the last step reached."""
    steps = (
        (Status.FAILED, DriverState.FAILED),
        (Status.NEEDS_RESET, DriverState.NEEDS_RESET),
        (Status.DRIVER_OK, DriverState.OK),
        (Status.FEATURES_OK, DriverState.FEATURES_OK),
        (Status.DRIVER, DriverState.DRIVER),
        (Status.ACKNOWLEDGE, DriverState.ACKNOWLEDGED),
    )
    return next((state for bit, state in steps if byte & bit), DriverState.NO_DRIVER)


def virtio_status_bits(byte: int) -> tuple[str, ...]:
    """The names of the set bits, lowest first; an unnamed bit as ``bit N``."""
    named = {int(bit): bit.name or "" for bit in Status}
    return tuple(named.get(1 << bit, f"bit {bit}") for bit in range(8) if byte & 1 << bit)


NAMES = {
    1: "virtio-net", 2: "virtio-blk", 3: "virtio-serial", 4: "virtio-rng", 5: "virtio-balloon", 8: "virtio-scsi",
    9: "virtio-9p", 16: "virtio-gpu", 18: "virtio-input", 19: "virtio-vsock", 20: "virtio-crypto", 22: "virtio-pstore",
    23: "virtio-iommu", 24: "virtio-mem", 25: "virtio-sound", 26: "virtio-fs", 27: "virtio-pmem", 32: "virtio-scmi",
    34: "virtio-i2c", 41: "virtio-gpio",
}  # fmt: skip
"""Virtio device id (virtio 1.2, section 5) -> name, spelled as in QEMU's device types."""

COMMON_FEATURES = {
    24: "NOTIFY_ON_EMPTY", 27: "ANY_LAYOUT", 28: "INDIRECT_DESC", 29: "EVENT_IDX", 32: "VERSION_1",
    33: "ACCESS_PLATFORM", 34: "RING_PACKED", 35: "IN_ORDER", 36: "ORDER_PLATFORM", 37: "SR_IOV",
    38: "NOTIFICATION_DATA", 39: "NOTIF_CONFIG_DATA", 40: "RING_RESET", 41: "ADMIN_VQ",
}  # fmt: skip
"""Bits 24 to 41, common to all devices (virtio 1.2, section 6; 24 and 27 are legacy)."""

FEATURES: Mapping[int, Mapping[int, str]] = {
    1: {
        0: "CSUM", 1: "GUEST_CSUM", 2: "CTRL_GUEST_OFFLOADS", 3: "MTU", 5: "MAC", 6: "GSO", 7: "GUEST_TSO4",
        8: "GUEST_TSO6", 9: "GUEST_ECN", 10: "GUEST_UFO", 11: "HOST_TSO4", 12: "HOST_TSO6", 13: "HOST_ECN",
        14: "HOST_UFO", 15: "MRG_RXBUF", 16: "STATUS", 17: "CTRL_VQ", 18: "CTRL_RX", 19: "CTRL_VLAN",
        20: "CTRL_RX_EXTRA", 21: "GUEST_ANNOUNCE", 22: "MQ", 23: "CTRL_MAC_ADDR", 52: "VQ_NOTF_COAL", 53: "NOTF_COAL",
        54: "GUEST_USO4", 55: "GUEST_USO6", 56: "HOST_USO", 57: "HASH_REPORT", 59: "GUEST_HDRLEN", 60: "RSS",
        61: "RSC_EXT", 62: "STANDBY", 63: "SPEED_DUPLEX",
    },
    2: {
        0: "BARRIER", 1: "SIZE_MAX", 2: "SEG_MAX", 4: "GEOMETRY", 5: "RO", 6: "BLK_SIZE", 7: "SCSI", 9: "FLUSH",
        10: "TOPOLOGY", 11: "CONFIG_WCE", 12: "MQ", 13: "DISCARD", 14: "WRITE_ZEROES", 15: "LIFETIME",
        16: "SECURE_ERASE", 17: "ZONED",
    },
    3: {0: "SIZE", 1: "MULTIPORT", 2: "EMERG_WRITE"},
    4: {},
    5: {
        0: "MUST_TELL_HOST", 1: "STATS_VQ", 2: "DEFLATE_ON_OOM", 3: "FREE_PAGE_HINT", 4: "PAGE_POISON", 5: "REPORTING",
    },
    8: {0: "INOUT", 1: "HOTPLUG", 2: "CHANGE", 3: "T10_PI"},
    9: {0: "MOUNT_TAG"},
    16: {0: "VIRGL", 1: "EDID", 2: "RESOURCE_UUID", 3: "RESOURCE_BLOB", 4: "CONTEXT_INIT"},
    19: {0: "STREAM", 1: "SEQPACKET", 2: "NO_IMPLIED_STREAM"},
    20: {
        0: "REVISION_1", 1: "CIPHER_STATELESS_MODE", 2: "HASH_STATELESS_MODE", 3: "MAC_STATELESS_MODE",
        4: "AEAD_STATELESS_MODE", 5: "AKCIPHER_STATELESS_MODE",
    },
    23: {
        0: "INPUT_RANGE", 1: "DOMAIN_RANGE", 2: "MAP_UNMAP", 3: "BYPASS", 4: "PROBE", 5: "MMIO", 6: "BYPASS_CONFIG",
    },
    24: {0: "ACPI_PXM", 1: "UNPLUGGED_INACCESSIBLE", 2: "PERSISTENT_SUSPEND"},
    25: {0: "CTLS"},
    26: {0: "NOTIFICATION"},
}  # fmt: skip
"""Virtio device id -> bit -> name, for the devices that the workbench creates and some others."""

BIT_30 = 30
"""Unused by the specification. QEMU offers it to detect broken drivers (include/hw/virtio/virtio.h, VIRTIO_F_BAD_FEATURE).
Its status query reports it as VHOST_USER_F_PROTOCOL_FEATURES, which is only correct for a vhost-user backend."""


class Bits(Struct, frozen=True):
    """Feature bits, possibly only partly known."""

    value: int = 0
    mask: int = 0
    """The bits that are known; the others are 0 in ``value``."""

    def knows(self, half: int) -> bool:
        """Whether bits 0 to 31 (half 0) or 32 to 63 (half 1) are known."""
        return bool(self.mask >> 32 * half & HALF)

    def with_half(self, half: int, value: int) -> Bits:
        return Bits(self.value & ~(HALF << 32 * half) | value << 32 * half, self.mask | HALF << 32 * half)


HALF = 0xFFFF_FFFF


def features_of(device_id: int, bits: int) -> tuple[str, ...]:
    """The names of feature bits, lowest first; an unnamed bit as ``bit N``."""
    known = {**FEATURES.get(device_id, {}), **COMMON_FEATURES}
    return tuple(known.get(bit, f"bit {bit}") for bit in range(bits.bit_length()) if bits >> bit & 1 and bit != BIT_30)


class Virtio(Struct, frozen=True):
    """What is known about one virtio device beyond its properties."""

    device_id: int
    status: int | None = None
    """The device status byte; None while it cannot be read."""
    driver: DriverState | None = None
    """The state in the status byte; None when unknown."""
    offered: tuple[str, ...] | None = None
    """Features offered by QEMU; None when they cannot be read."""
    negotiated: tuple[str, ...] | None = None
    """Features accepted by the driver; None when they cannot be read."""
    note: str = ""
    """Which features are missing here, and why."""
    config: tuple[ConfigField, ...] = ()
    queues: tuple[Queue, ...] | None = None
    """None when this QEMU cannot be queried safely."""
    queues_note: str = ""
    """Why queues are missing."""
    vhost: bool = False
    """Whether the host's kernel or another process serves the queues; QEMU's indices do not change then."""


def parse_features(device_id: int, reply: object) -> tuple[str, ...]:
    """One feature set in ``x-query-virtio-status``: names with descriptions, and a number with the unnamed bits.

    QEMU: hw/virtio/virtio-qmp.c, ``qmp_decode_features()``; each entry is ``VIRTIO_NET_F_MAC: Device has given …``.
    """
    sets = cast("Mapping[str, object]", reply) if isinstance(reply, dict) else {}
    bits_of = {name: bit for bit, name in {**FEATURES.get(device_id, {}), **COMMON_FEATURES}.items()}
    bits_of["IOMMU_PLATFORM"] = bits_of["ACCESS_PLATFORM"]
    unknown = sets.get("unknown-dev-features")
    bits = unknown if isinstance(unknown, int) else 0
    unnamed: list[str] = []
    for entry in (*_entries(sets, "dev-features"), *_entries(sets, "transports")):
        full_name = entry.partition(":")[0]
        if full_name.startswith("VHOST"):
            continue
        name = full_name.rpartition("_F_")[2]
        if name in bits_of:
            bits |= 1 << bits_of[name]
        else:
            unnamed.append(name)
    return (*features_of(device_id, bits), *unnamed)


def _entries(sets: Mapping[str, object], key: str) -> Sequence[str]:
    entries = sets.get(key)
    return [str(entry) for entry in entries] if isinstance(entries, list) else []
