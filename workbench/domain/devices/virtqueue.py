"""Virtqueues: their indices as QEMU's device model has them, and what each is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Queue(Struct, frozen=True):
    """One virtqueue (virtio 1.2, 2.6), as QEMU's device model has it. Indices count modulo 65,536."""

    index: int
    size: int
    """Descriptors in it."""
    size_max: int
    """Descriptors that the device offers; a driver may take fewer."""
    available: int
    """How far the device has taken what the driver made available (``last_avail_idx``)."""
    seen: int
    """How far the driver has made buffers available when the device last looked (``shadow_avail_idx``)."""
    used: int
    """How far the device has given buffers back (``used_idx``)."""
    signalled: int | None
    """``used`` at the last interrupt; None when there was none."""
    in_flight: int
    """Buffers that the device holds: taken and not given back."""
    desc: int
    """Guest physical address of the descriptors; 0 while no driver has set the queue up."""
    avail_ring: int
    used_ring: int

    @property
    def ready(self) -> bool:
        """Whether a driver has set it up."""
        return self.desc != 0


def parse_queue(reply: object) -> Queue | None:
    """A reply of ``x-query-virtio-queue-status`` (QEMU: qapi/virtio.json, VirtQueueStatus); None for anything else."""
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
    """What a queue is for (virtio 1.2, section 5), in the order in which QEMU makes them; empty when not known.

    :param device_id: the virtio device id.
    :param count: how many queues the device has.
    :param offered: the features that it offers; None when they are not known.
    """
    names = _QUEUES.get(device_id, ())
    match device_id:
        case 1:
            return (
                "control" if count % 2 and index == count - 1 else f"{('receive', 'transmit')[index % 2]} {index // 2}"
            )
        case 3:
            pair = ("receive", "transmit")[index % 2]
            # Port 0, the two of the multiport control, port 1 and so on (virtio 1.2, 5.3.2).
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
