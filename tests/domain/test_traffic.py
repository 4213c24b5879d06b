"""The record of what passed on a monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.traffic import Kind, Origin, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.traffic import Message


def note(record: Record, text: str) -> None:
    record.add(1.5, Kind.NOTE, Origin.SCREEN, "", text)


def test_a_message_keeps_what_passed() -> None:
    record = Record()
    record.add(2.0, Kind.REPLY, Origin.USER, "query-status", {"status": "running"}, 0.25)
    (message,) = record
    assert (message.serial, message.time, message.kind, message.origin) == (1, 2.0, Kind.REPLY, Origin.USER)
    assert (message.name, message.payload, message.latency) == ("query-status", {"status": "running"}, 0.25)


@given(st.integers(1, 20), st.integers(0, 60))
def test_the_last_messages_stay_and_serials_are_never_reused(limit: int, count: int) -> None:
    record = Record(limit)
    for index in range(count):
        note(record, str(index))
    assert len(record) == min(limit, count)
    assert [message.serial for message in record] == list(range(max(0, count - limit) + 1, count + 1))


def test_a_listener_hears_until_it_is_forgotten() -> None:
    record, heard = Record(), list[str]()
    note(record, "before")
    forget = record.listen(lambda message: heard.append(str(message.payload)))
    note(record, "meanwhile")
    forget()
    forget()
    note(record, "after")
    assert heard == ["meanwhile"]


def test_a_listener_may_leave_while_it_is_called() -> None:
    record, heard = Record(), list[str]()
    leave: list[Callable[[], None]] = []

    def once(message: Message) -> None:
        heard.append(f"once {message.payload}")
        leave[0]()

    leave.append(record.listen(once))
    record.listen(lambda message: heard.append(f"always {message.payload}"))
    note(record, "1")
    note(record, "2")
    assert heard == ["once 1", "always 1", "always 2"]


def test_messages_may_come_while_it_is_read() -> None:
    record = Record()
    note(record, "1")
    for _ in record:
        note(record, "more")
    assert len(record) == 2
