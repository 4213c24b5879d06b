"""Queues and configuration words of virtio devices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.devices.virtio_config import balloon_config
from workbench.domain.devices.virtqueue import parse_queue, queue_name

REPLY = {
    "signalled-used": 4, "inuse": 2, "name": "virtio-net", "vring-align": 4096, "vring-desc": 478281728,
    "signalled-used-valid": True, "vring-num-default": 256, "vring-avail": 478285824, "queue-index": 0,
    "last-avail-idx": 6, "vring-used": 478286400, "used-idx": 4, "shadow-avail-idx": 260, "vring-num": 128,
}  # fmt: skip


def test_a_queue_as_qemu_reports_it() -> None:
    queue = parse_queue(REPLY)
    assert queue is not None
    assert (queue.size, queue.size_max, queue.in_flight, queue.ready) == (128, 256, 2, True)
    assert (queue.available, queue.seen, queue.used, queue.signalled) == (6, 260, 4, 4)
    idle = parse_queue({**REPLY, "vring-desc": 0, "signalled-used-valid": False})
    assert idle is not None
    assert (idle.ready, idle.signalled) == (False, None)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_anything_else_is_not_a_queue(reply: object) -> None:
    assert parse_queue(reply) is None


def test_queues_are_named_in_qemu_s_order() -> None:
    assert [queue_name(1, i, 5, None) for i in range(5)] == [
        "receive 0", "transmit 0", "receive 1", "transmit 1", "control",
    ]  # fmt: skip
    assert [queue_name(5, i, 5, ("FREE_PAGE_HINT", "REPORTING")) for i in range(5)] == [
        "inflate", "deflate", "statistics", "free page hints", "free page reports",
    ]  # fmt: skip
    assert queue_name(5, 3, 4, ("REPORTING",)) == "free page reports"
    assert [queue_name(16, i, 2, None) for i in range(3)] == ["control", "cursor", ""]
    assert queue_name(5, 3, 4, None) == "", "it depends on what is offered, and that is not known"
    assert [queue_name(3, i, 6, None) for i in range(6)] == [
        "port 0 receive", "port 0 transmit", "control receive", "control transmit", "port 1 receive", "port 1 transmit",
    ]  # fmt: skip
    assert [queue_name(8, i, 4, None) for i in range(4)] == ["control", "events", "requests 0", "requests 1"]
    assert queue_name(99, 0, 1, None) == ""


def test_the_balloon_s_words_are_decoded() -> None:
    fields = balloon_config((65536, 256, 0x80000001, 0xFFFFFFFF))
    assert [(one.name, one.value) for one in fields] == [
        ("num_pages", 65536), ("actual", 256), ("free_page_hint_cmd_id", 0x80000001),
    ]  # fmt: skip
    assert "256 MiB" in fields[0].words
    assert "1 MiB" in fields[1].words
    assert "0x80000001" in fields[2].words
    assert balloon_config(()) == ()
