from __future__ import annotations

from workbench.domain.traffic import Kind, Message, Origin, Record


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
