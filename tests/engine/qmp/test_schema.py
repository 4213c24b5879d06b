"""The schema of real QEMUs, and its cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.real import each_qemu, running_qemu
from workbench.domain.qmp.checking import check
from workbench.domain.qmp.completion.complete import complete
from workbench.domain.qmp.record.record import Kind
from workbench.domain.qmp.typed_line import checked, parse_line
from workbench.engine.qmp import schema as module
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.schema import read_schema

if TYPE_CHECKING:
    from pathlib import Path


def asked(monitor: Monitor) -> int:
    return sum(message.name == "query-qmp-schema" for message in monitor.record if message.kind is Kind.COMMAND)


@each_qemu()
async def test_each_qemus_schema_serves_what_the_console_does(qemu: str, tmp_path: Path) -> None:
    with running_qemu(binary=qemu) as (_process, path):
        monitor = await Monitor.connect(path)
        schema = await read_schema(monitor, tmp_path)

        assert {"balloon", "qom-get", "human-monitor-command", "query-qmp-schema"} <= schema.commands.keys()
        assert {"BALLOON_CHANGE", "RESET", "DEVICE_DELETED"} <= schema.events.keys()
        assert [member.name for member in schema.arguments("balloon")] == ["value"]
        assert checked(parse_line("balloon value=64M", schema), schema).arguments == {"value": 64 << 20}
        # Every type that a command or event leads to has words, and every name completes to itself.
        for command in schema.commands:
            for member in schema.arguments(command):
                assert schema.words(member.type) not in {"", "any value"} or schema.kind(member.type) == "value"
            assert complete(schema, command, len(command))[0].label == command
        # What QEMU takes, the check lets pass; what QEMU refuses, it refuses.
        good = parse_line("qom-get path=/machine property=type", schema)
        assert check(schema, good.command, good.arguments) == []
        await monitor.execute(good.command, good.arguments)
        await monitor.close()


async def test_a_build_is_asked_once(tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "cache"
    with running_qemu() as (_process, path):
        monitor = await Monitor.connect(path)
        first = await read_schema(monitor, cache)
        again = await read_schema(monitor, cache)
        assert asked(monitor) == 1
        assert first.commands == again.commands
        assert first.events == again.events
        await monitor.close()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'[{"name": "x"}]', b"\xff\xfe", b"[" * 100_000, b"5"])
async def test_a_corrupt_cache_is_queried_again_and_repaired(damage: bytes, tmp_path: Path) -> None:
    with running_qemu() as (_process, path):
        monitor = await Monitor.connect(path)
        await read_schema(monitor, tmp_path)
        file = tmp_path / next(iter(os.listdir(tmp_path)))
        whole = file.read_bytes()
        file.write_bytes(damage)
        schema = await read_schema(monitor, tmp_path)
        assert "balloon" in schema.commands
        assert asked(monitor) == 2
        assert file.read_bytes() == whole
        await monitor.close()


async def test_a_cache_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with running_qemu() as (_process, path):
        monitor = await Monitor.connect(path)
        schema = await read_schema(monitor, tmp_path / "file" / "cache")
        assert "balloon" in schema.commands
        await monitor.close()


async def test_another_build_of_the_same_version_is_asked_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_qemu() as (_process, path):
        monitor = await Monitor.connect(path)
        await read_schema(monitor, tmp_path)
        # A program other than QEMU (a loader, a debugger) is in /proc/PID/exe: nothing identifies the build.
        monkeypatch.setattr(os, "readlink", lambda _path: "/usr/bin/gdb")
        await read_schema(monitor, tmp_path)
        monkeypatch.undo()
        assert asked(monitor) == 2
        # Another executable behind the same version and package.
        monkeypatch.setattr(Monitor, "peer_pid", os.getpid())
        monkeypatch.setattr(os, "readlink", lambda _path: "/usr/bin/qemu-system-x86_64")
        await read_schema(monitor, tmp_path)
        assert asked(monitor) == 3
        assert len(os.listdir(tmp_path)) == 2
        await monitor.close()


async def test_only_the_newest_schemas_are_kept(tmp_path: Path) -> None:
    for index in range(module.KEPT + 5):
        file = tmp_path / f"qmp-schema-{index:03}.json"
        file.write_text("[]")
        os.utime(file, (index, index))
    (tmp_path / "other.json").touch()
    with running_qemu() as (_process, path):
        monitor = await Monitor.connect(path)
        await read_schema(monitor, tmp_path)
        await monitor.close()
    names = set(os.listdir(tmp_path))
    assert len(names) == module.KEPT + 1
    assert "other.json" in names
    assert "qmp-schema-005.json" not in names
    assert f"qmp-schema-{module.KEPT + 4:03}.json" in names
