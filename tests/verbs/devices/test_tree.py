"""``workbench tree`` against a real QEMU."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from click.testing import CliRunner

from tests.real import running_qemu, using
from workbench.domain.devices.qom import Child
from workbench.engine.devices.virtio_pci import virtio_bars
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.session.devices import SessionDevices
from workbench.verbs.devices import tree as verb
from workbench.verbs.devices.tree_text import qom_lines
from workbench.verbs.group import workbench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from workbench.engine.session.protocols import Parts
    from workbench.settings import Settings

PORT = (
    "-device", '{"driver":"pcie-root-port","id":"rp0","chassis":1,"addr":"6"}',
    "-device", '{"driver":"virtio-rng-pci","id":"far0","bus":"rp0"}',
)  # fmt: skip


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    """A QEMU whose firmware has mapped its six virtio devices."""
    with running_qemu(*PORT) as (_, path):
        asyncio.run(mapped(path))
        yield path


async def mapped(path: Path) -> None:
    monitor = await Monitor.connect(path)
    async with asyncio.timeout(30):
        while True:
            if len(virtio_bars(await monitor.execute("query-pci"))) == 6:
                break
            await asyncio.sleep(0.02)
    await monitor.close()


@pytest.fixture
def run(socket: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    @asynccontextmanager
    async def this_qemu(settings: Settings, _name: str) -> AsyncIterator[object]:
        monitor = await Monitor.connect(socket)
        yield SimpleNamespace(devices=SessionDevices(using(monitor), cast("Parts", None), settings))
        await monitor.close()

    monkeypatch.setattr(verb, "open_guest", this_qemu)

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(workbench, ["tree", "demo", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    return call


def test_pci_for_people(run: Any) -> None:
    lines = run().splitlines()
    assert lines[0].startswith("pc-q35-")
    assert lines[0].endswith(" pcie.0")
    balloon = next(line for line in lines if "00:03.0" in line)
    assert balloon.split() == [
        "├", "00:03.0", "virtio-balloon", "1af4:1002", "no", "driver", "Unclassified", "device", "balloon0",
    ]  # fmt: skip
    assert any(line.startswith("│ └ 01:00.0 virtio-rng") for line in lines), "behind the root port"
    assert any(line.split()[1:4] == ["BAR", "4", "memory"] and "16 KiB" in line for line in lines)


def test_pci_as_json(run: Any) -> None:
    tree = json.loads(run("--json"))
    devices = {device["address"]: device for device in tree["buses"][0]["devices"]}
    balloon = devices["00:03.0"]
    assert balloon["path"] == "/machine/peripheral/balloon0"
    assert (balloon["driver"], balloon["status"]) == ("no driver", 0)
    assert {"num_pages": 0, "actual": 0}.items() <= balloon["config"].items()
    assert devices["00:06.0"]["devices"][0]["id"] == "far0"
    assert "driver" not in devices["00:1f.2"]


def test_virtio(run: Any) -> None:
    text = run("--view", "virtio")
    assert "00:03.0 virtio-balloon balloon0" in text
    assert "offered" in text
    balloon = next(one for one in json.loads(run("--view", "virtio", "--json")) if one["id"] == "balloon0")
    assert {"num_pages": 0, "actual": 0}.items() <= balloon["config"].items()
    assert (balloon["driver"], balloon["status_bits"]) == ("no driver", [])


def test_buses_stand_as_in_info_qtree(run: Any, socket: Path) -> None:
    lines = [line.strip() for line in run("--view", "bus").splitlines()]
    qtree = [line.strip() for line in asyncio.run(hmp(socket, "info qtree")).splitlines()]
    buses = sorted(line.split()[1] for line in lines if line.startswith("bus: "))
    assert buses == sorted(line.split()[1] for line in qtree if line.startswith("bus: "))
    devices = sorted(" ".join(line.split()[1:]) for line in lines if line.startswith("dev: "))
    theirs = [line.partition(", id ") for line in qtree if line.startswith("dev: ")]
    assert devices == sorted(" ".join((name.split(" ", 1)[1], id_.strip('"'))).strip() for name, _, id_ in theirs)
    root = json.loads(run("--view", "bus", "--json"))
    host = next(device for device in root["devices"] if device["type"] == "q35-pcihost")
    (pcie,) = (bus for bus in host["buses"] if bus["name"] == "pcie.0")
    assert {"net0", "rp0"} <= {device["id"] for device in pcie["devices"]}
    assert len(run("--view", "bus", "--depth", "2").splitlines()) == 1 + len(root["devices"])


def test_windows_and_queues(run: Any) -> None:
    tree = json.loads(run("--json"))
    port = next(device for device in tree["buses"][0]["devices"] if device["id"] == "rp0")
    assert [window["kind"] for window in port["bridge"]["windows"]] == ["io", "memory", "prefetchable"]
    assert any(line.strip("│├└ ").startswith("window memory") for line in run().splitlines())
    net = next(one for one in json.loads(run("--view", "virtio", "--json")) if one["id"] == "net0")
    if net["queues_note"]:
        assert net["queues"] is None
    else:
        assert [(queue["name"], queue["in_flight"]) for queue in net["queues"]] == [
            ("receive 0", 0), ("transmit 0", 0), ("control", 0),
        ]  # fmt: skip
        # Without a driver QEMU 10.0 tells the largest size that a queue can have, those before it the usual one.
        assert [queue["size"] for queue in net["queues"]] in ([256, 256, 64], [1024, 1024, 1024])
        assert "not set up" in run("--view", "virtio"), "no driver"


async def hmp(path: Path, line: str) -> str:
    monitor = await Monitor.connect(path)
    try:
        return await monitor.hmp(line)
    finally:
        await monitor.close()


def test_qom(run: Any) -> None:
    lines = run("--view", "qom").splitlines()
    assert "      balloon0 (virtio-balloon-pci)" in lines
    assert not any(line.startswith("        ") for line in lines), "three levels"
    assert len(run("--view", "qom", "--depth", "1").splitlines()) < 8
    roots = json.loads(run("--view", "qom", "--json"))
    machine = next(root for root in roots if root["name"] == "machine")
    peripheral = next(child for child in machine["children"] if child["name"] == "peripheral")
    assert "/machine/peripheral/far0" in [child["path"] for child in peripheral["children"]]


def test_every_view_has_as_many_levels_as_are_asked_for(run: Any) -> None:
    """In text and in JSON alike; what was left out is null there, and not empty."""

    def both(view: str, depth: int) -> tuple[list[str], Any]:
        options = ("--view", view, "--depth", str(depth))
        return run(*options).splitlines(), json.loads(run(*options, "--json"))

    lines, tree = both("pci", 1)
    assert not any("01:00.0" in line for line in lines)
    port = next(device for device in tree["buses"][0]["devices"] if device["id"] == "rp0")
    assert port["devices"] is None
    lines, tree = both("pci", 2)
    assert any("01:00.0" in line for line in lines)
    port = next(device for device in tree["buses"][0]["devices"] if device["id"] == "rp0")
    assert [device["id"] for device in port["devices"]] == ["far0"]

    lines, root = both("bus", 1)
    assert (len(lines), root["devices"]) == (1, None)
    lines, root = both("bus", 2)
    assert len(lines) == 1 + len(root["devices"])
    assert {device["buses"] for device in root["devices"]} == {None}
    lines, root = both("bus", 3)
    host = next(device for device in root["devices"] if device["type"] == "q35-pcihost")
    assert [(bus["name"], bus["devices"]) for bus in host["buses"]] == [("pcie.0", None)]
    assert "    bus: pcie.0 (PCIE)" in lines
    assert not any(line.startswith("      dev:") for line in lines)

    lines, roots = both("qom", 1)
    assert {root["children"] for root in roots} == {None}
    assert len(lines) == 1 + len(roots)
    _, roots = both("qom", 2)
    machine = next(root for root in roots if root["name"] == "machine")
    assert {child["children"] for child in machine["children"]} == {None}

    lines, devices = both("virtio", 1)
    assert len([line for line in lines if not line.startswith(" ")]) == len(devices)
    assert not any("offered" in line or "queue" in line for line in lines)
    assert {(one["offered"], one["queues"]) for one in devices} == {(None, None)}


def test_names_of_the_guest_move_no_terminal() -> None:
    """The text goes to a terminal as it is printed; JSON escapes by itself."""
    child = Child("a\x1b[2J[red]\u202e", "thing\r", "/a")
    runner = CliRunner()
    with runner.isolation() as (out, *_):
        verb.print_lines(qom_lines([(1, child)]))
        assert out.getvalue().decode() == "/\n  a\\x1b[2J[red]\\u202e (thing\\x0d)\n"


def test_wrong_usage() -> None:
    runner = CliRunner()
    assert runner.invoke(workbench, ["tree", "demo", "--view", "isa"]).exit_code == 2
    assert runner.invoke(workbench, ["tree", "demo", "--depth", "2", "--diff"]).exit_code == 2
    assert runner.invoke(workbench, ["tree", "demo", "--view", "qom", "--depth", "0"]).exit_code == 2
    assert runner.invoke(workbench, ["tree"]).exit_code == 2
