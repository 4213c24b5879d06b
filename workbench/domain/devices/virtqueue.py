"""Virtqueues: their indices in QEMU's device model, and their purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Queue(Struct, frozen=True):
    """One virtqueue (virtio 1.2, 2.6) in QEMU's device model. Indices count modulo 65,536."""

    index: int
    size: int
    """Descriptors in use."""
    size_max: int
    """Descriptors offered by the device; a driver may use fewer."""
    available: int
    """Index of the next available buffer that the device will take (``last_avail_idx``)."""
    seen: int
    """The driver's available index when the device last read it (``shadow_avail_idx``)."""
    used: int
    """Index of the next buffer that the device will return (``used_idx``)."""
    signalled: int | None
    """``used`` at the last interrupt; None when there was none."""
    in_flight: int
    """Buffers held by the device: taken and not returned yet."""
    desc: int
    """Guest physical address of the descriptors; 0 until a driver sets up the queue."""
    avail_ring: int
    used_ring: int

    @property
    def ready(self) -> bool:
        """Whether a driver has set it up."""
        return self.desc != 0


def parse_queue(reply: object) -> Queue | None:
    """Parse a reply to ``x-query-virtio-queue-status`` (QEMU: qapi/virtio.json, VirtQueueStatus); None if it is invalid."""
    status = cast("Mapping[str, object]", reply) if isinstance(reply, dict) else {}

    def number(key: str) -> int:
        value = status.get(key)
        return value if isinstance(value, int) else 0

    if "queue-index" not in status:
        return None
    return Queue(
        number("queue-index"),
        number("vring-num"),
        number("vring-num-default"),
        number("last-avail-idx"),
        number("shadow-avail-idx"),
        number("used-idx"),
        number("signalled-used") if status.get("signalled-used-valid") is True else None,
        number("inuse"),
        number("vring-desc"),
        number("vring-avail"),
        number("vring-used"),
    )


_QUEUES = {
    4: ("requests",), 5: ("inflate", "deflate", "statistics"), 8: ("control", "events"), 9: ("requests",),
    16: ("control", "cursor"), 18: ("events", "status"), 19: ("receive", "transmit", "events"), 23: ("requests", "events"),
    24: ("requests",), 25: ("control", "events", "transmit", "receive"), 27: ("requests",),
}  # fmt: skip
"""Virtio device id -> names of its first queues."""


def queue_name(device_id: int, index: int, count: int, offered: Sequence[str] | None) -> str:
    """The purpose of a queue (virtio 1.2, section 5), in the order QEMU creates them; empty when unknown.

    :param device_id: the virtio device id.
    :param count: number of queues of the device.
    :param offered: the features it offers; None when unknown.
    """
    names = _QUEUES.get(device_id, ())
    match device_id:
        case 1:
            return (
                "control" if count % 2 and index == count - 1 else f"{('receive', 'transmit')[index % 2]} {index // 2}"
            )
        case 3:
            pair = ("receive", "transmit")[index % 2]
            # Port 0, the two control queues of a multiport device, port 1 and so on (virtio 1.2, 5.3.2).
            return f"control {pair}" if index in (2, 3) else f"port {max(0, index // 2 - 1)} {pair}"
        case 5 if index >= len(names):
            features = offered or ()
            more = [word for name, word in _BALLOON_MORE if name in features]
            return more[index - len(names)] if index - len(names) < len(more) else ""
        case 8 if index >= len(names):
            return f"requests {index - len(names)}"
        case 2:
            return f"requests {index}"
    return names[index] if index < len(names) else ""


_BALLOON_MORE = (("FREE_PAGE_HINT", "free page hints"), ("REPORTING", "free page reports"))
"""QEMU: hw/virtio/virtio-balloon.c, ``virtio_balloon_device_realize()`` adds these after the first three."""
