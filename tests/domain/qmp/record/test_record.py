from __future__ import annotations

from workbench.domain.qmp.record.record import BEGINNING, LARGEST, NAMES, ROOM, Kind, Message, Origin, Record


def test_polling_does_not_push_out_what_the_user_did() -> None:
    record = Record(limit=3)
    record.add(0.0, Kind.COMMAND, Origin.USER, "query-status", {})
    for _ in range(10):
        record.add(0.0, Kind.COMMAND, Origin.SCREEN, "qom-get", {})
        record.add(0.0, Kind.REPLY, Origin.SCREEN, "qom-get", 1, 0.1)
    record.add(0.0, Kind.EVENT, Origin.SCREEN, "RESET", {})
    record.add(0.0, Kind.NOTE, Origin.SCREEN, "", "closed")
    assert [message.serial for message in record] == [1, 19, 20, 21, 22, 23]
    assert len(record) == 6
    record.add(0.0, Kind.REPLY, Origin.USER, "query-status", {})
    assert [message.serial for message in record if not message.is_polling] == [22, 23, 24]


def test_listeners_hear_until_they_forget() -> None:
    record = Record()
    heard: list[Message] = []
    forget = record.listen(heard.append)
    record.add(1.0, Kind.NOTE, Origin.USER, "", "a")
    forget()
    forget()
    record.add(1.0, Kind.NOTE, Origin.USER, "", "b")
    assert [message.payload for message in heard] == ["a"]


def test_payloads_come_back_as_they_were() -> None:
    payloads: list[object] = [
        {},
        {"a": [1, 2.5, None, True, "\ud800", "\x00\u202e\n"]},
        2**70,
        "",
        [],
        {"value": 2**64 - 1},
    ]
    for payload in payloads:
        message = Message.of(1, 1.0, Kind.REPLY, Origin.USER, "x", payload)
        assert message.payload == payload
        assert b"\n" not in message.body


def test_a_record_is_bounded_by_number_and_by_size() -> None:
    record = Record(limit=1000)
    for index in range(5000):
        record.add(0.0, Kind.EVENT, Origin.SCREEN, "X", {"n": index})
    assert 980 <= len(record) <= 1000
    assert [message.payload for message in record][-1] == {"n": 4999}
    assert record.events == {"X": 5000}
    assert record.first == next(iter(record)).serial

    large = "x" * (1 << 20)
    for _ in range(200):
        record.add(0.0, Kind.REPLY, Origin.USER, "x", large)
    assert sum(len(message.body) for message in record) <= ROOM
    assert len(record) > 40


def test_of_what_is_too_large_the_beginning_is_kept() -> None:
    message = Message.of(1, 1.0, Kind.REPLY, Origin.USER, "x", ["é"] * LARGEST)
    assert message.cut > LARGEST
    assert len(message.body) == BEGINNING
    assert str(message.payload).startswith('["é","é"')


def test_the_names_of_events_are_bounded() -> None:
    record = Record()
    for index in range(NAMES + 50):
        record.add(0.0, Kind.EVENT, Origin.SCREEN, f"X{index}", {})
    assert len(record.events) == NAMES + 1
    assert record.events["…"] == 50


def test_before_and_after_with_and_without_polling() -> None:
    record = Record()
    for index in range(10):
        origin = Origin.SCREEN if index % 2 else Origin.USER
        record.add(0.0, Kind.COMMAND, origin, "x", {})
    assert [m.serial for m in record.after(3, polling=True)] == [4, 5, 6, 7, 8, 9, 10]
    assert [m.serial for m in record.after(3, polling=False)] == [5, 7, 9]
    assert [m.serial for m in record.before(5, polling=True)] == [4, 3, 2, 1]
    assert [m.serial for m in record.before(5, polling=False)] == [3, 1]
