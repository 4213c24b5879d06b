"""The commands that need confirmation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.qmp.effects import effects_of


@pytest.mark.parametrize("command", ["quit", "system_reset", "blockdev-del", "device_del", "object-del", "migrate"])
def test_what_ends_or_loses_something_is_named(command: str) -> None:
    [effect] = effects_of(command, {"id": "x"})
    assert effect.command == command
    assert effect.words.endswith(".")
    assert not effect.file


@pytest.mark.parametrize("command", ["query-status", "balloon", "stop", "cont", "device_add", "qom-set", "no-such"])
def test_what_loses_nothing_asks_nothing(command: str) -> None:
    assert effects_of(command) == ()


@pytest.mark.parametrize(
    ("command", "arguments", "file"),
    [
        ("memsave", {"val": 0, "size": 1, "filename": "/tmp/x"}, "/tmp/x"),
        ("dump-guest-memory", {"paging": False, "protocol": "file:/tmp/core"}, "/tmp/core"),
        ("blockdev-create", {"job-id": "j", "options": {"driver": "file", "filename": "a.img"}}, "a.img"),
        ("human-monitor-command", {"command-line": "pmemsave 0 0x1000 /tmp/ram"}, "/tmp/ram"),
        ("human-monitor-command", {"command-line": "screendump '/tmp/a b.ppm' -f png"}, "/tmp/a b.ppm"),
        ("human-monitor-command", {"command-line": "dump-guest-memory -p /tmp/core"}, "/tmp/core"),
        ("chardev-add", {"backend": {"type": "file", "data": {"out": "/tmp/x"}}}, "/tmp/x"),
        ("chardev-add", {"backend": {"type": "null", "data": {"logfile": "/tmp/l"}}}, "/tmp/l"),
        ("object-add", {"qom-type": "filter-dump", "file": "/tmp/d"}, "/tmp/d"),
        ("human-monitor-command", {"command-line": "chardev-add file,id=c,path=/tmp/x"}, "/tmp/x"),
        ("human-monitor-command", {"command-line": "chardev-add socket,path=/s,logfile=/tmp/l"}, "/tmp/l"),
        ("human-monitor-command", {"command-line": "object_add filter-dump,id=d,file=/tmp/d"}, "/tmp/d"),
    ],
)
def test_a_file_that_would_be_overwritten(command: str, arguments: dict[str, object], file: str) -> None:
    [effect] = effects_of(command, arguments)
    assert effect.file == file
    assert file in effect.words


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("chardev-add", {"backend": {"type": "file", "data": {"out": "/tmp/x", "append": True}}}),
        ("chardev-add", {"backend": {"type": "null", "data": {"logfile": "/tmp/l", "logappend": True}}}),
        ("chardev-add", {"backend": 3}),
        ("object-add", {"qom-type": "secret", "file": "/tmp/password"}),
        ("human-monitor-command", {"command-line": "chardev-add file,id=c,path=/tmp/x,append=on"}),
        ("human-monitor-command", {"command-line": "chardev-add socket,id=c,path=/tmp/s"}),
        ("human-monitor-command", {"command-line": "chardev-add"}),
    ],
)
def test_a_file_that_is_read_or_written_on_at_its_end(command: str, arguments: dict[str, object]) -> None:
    assert effects_of(command, arguments) == ()


def test_commands_inside_others_count() -> None:
    inner = [
        {"type": "block-dirty-bitmap-add", "data": {"node": "n", "name": "b"}},
        {"type": "blockdev-backup", "data": {"device": "d"}},
        {"type": "blockdev-snapshot-sync", "data": {"snapshot-file": "/tmp/snap.qcow2"}},
    ]
    assert [effect.command for effect in effects_of("transaction", {"actions": inner})] == [
        "blockdev-backup",
        "blockdev-snapshot-sync",
    ]
    [effect] = effects_of("human-monitor-command", {"command-line": "  drive_del disk0"})
    assert effect.command == "drive_del"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "data", "actions", "filename"]), inner),
)


@given(
    st.sampled_from(["transaction", "human-monitor-command", "memsave", "blockdev-create", "quit"]),
    st.dictionaries(st.sampled_from(["actions", "command-line", "filename", "options", "type"]), values),
)
def test_no_arguments_break_it(command: str, arguments: dict[str, object]) -> None:
    json.dumps([effect.words for effect in effects_of(command, arguments)])


@pytest.mark.parametrize("version", ["11.1.3", "11.2.0", "", "nonsense"])
@pytest.mark.parametrize("command", ["x-query-virtio-status", "info virtio-status"])
def test_a_query_that_a_qemu_dies_of_is_named(command: str, version: str) -> None:
    hmp = {"command-line": f"{command}  /machine/peripheral/net0"}
    given = ("human-monitor-command", hmp) if command.startswith("info") else (command, {"path": "/x"})
    [effect] = effects_of(*given, version)
    assert effect.command == command
    assert effect.is_defect
    assert ("is untested on" in effect.words) == (version != "11.1.3")


@pytest.mark.parametrize("version", ["7.2.22", "8.2.2", "10.0.13", "5.2.0"])
def test_where_it_is_safe_it_is_sent_as_any_other(version: str) -> None:
    assert effects_of("x-query-virtio-status", {"path": "/x"}, version) == ()
    assert effects_of("human-monitor-command", {"command-line": "info virtio-status /x"}, version) == ()


@pytest.mark.parametrize("version", ["7.2.22", "11.1.3", ""])
def test_its_neighbours_ask_nothing(version: str) -> None:
    assert effects_of("x-query-virtio-queue-status", {"path": "/x", "queue": 0}, version) == ()
    assert effects_of("human-monitor-command", {"command-line": "info virtio"}, version) == ()
