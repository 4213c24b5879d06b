"""The pane on a real QEMU of every version at hand, 5.2 too: each view shows what this version can report, and names the rest."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
from textual import work

from tests.real import each_qemu, running_qemu, using
from tests.ui.devices.bench import BALLOON, Bench
from workbench.engine.devices.qom import parse_version
from workbench.engine.devices.virtio_state import QUEUE_QUERY_SAFE
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.session.devices import SessionDevices
from workbench.errors import CommandFailed
from workbench.settings import Settings
from workbench.ui.devices.detail_area import DetailArea
from workbench.ui.main.controllers.devices import read_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

    from workbench.domain.devices.tree import DeviceTree
    from workbench.engine.session.protocols import Parts
    from workbench.ui.devices.store import Question

DEVICES = (
    "-device", "virtio-net-pci,id=net0,addr=1", "-device", "virtio-scsi-pci,id=scsi0,addr=2",
    "-device", "virtio-balloon-pci,id=balloon0,addr=3,deflate-on-oom=on",
    "-device", "pcie-root-port,id=rp0,chassis=1,addr=6", "-device", "virtio-rng-pci,id=far0,bus=rp0",
)  # fmt: skip
FAR = "/machine/peripheral/far0"


class Real(Bench):
    """Answers the pane from a QEMU, as the screen does."""

    def __init__(self, monitor: Monitor) -> None:
        super().__init__()
        self.monitor = monitor
        self.devices = SessionDevices(using(monitor), cast("Parts", None), Settings())
        self.failures: list[str] = []

    def answer(self, question: Question) -> None:
        self.read(question)

    @work(group="node")
    async def read(self, question: Question) -> None:
        try:
            give = await read_answer(self.devices, question, self.pane)
        except CommandFailed as error:
            self.failures.append(f"{question}: {error}")
            give = partial(self.pane.set_failure, question, error.message)
        give()

    async def begin(self, pilot: Pilot[None]) -> DeviceTree:
        """Show the tree as soon as the firmware has given every device its place."""
        async with asyncio.timeout(60):
            while True:
                tree = await self.devices.tree()
                far = tree.device(FAR)
                if far is not None and far.status is not None:
                    break
                await asyncio.sleep(0.05)
        self.pane.trouble, self.pane.version, self.pane.tree = "", self.monitor.version, tree
        self.lines.focus()
        await pilot.pause()
        return tree

    async def until(self, pilot: Pilot[None], found: Callable[[], object], what: str) -> None:
        for _ in range(600):
            if found():
                return
            await pilot.pause(0.02)
        raise AssertionError((what, self.text()))

    async def go_to(self, pilot: Pilot[None], key: str) -> None:
        await self.until(pilot, lambda: self.lines.number_of(key) is not None, key)
        self.lines.cursor = cast("int", self.lines.number_of(key))
        await pilot.pause()

    def value(self, key: str) -> str:
        number = self.lines.number_of(key)
        return self.lines.rows[number].value if number is not None else ""

    @property
    def details(self) -> dict[str, str]:
        return dict(self.query_one(DetailArea).parts)


@pytest.fixture
async def real(qemu: str) -> AsyncIterator[Real]:
    with running_qemu(binary=qemu, devices=DEVICES) as (process, socket):
        monitor = await Monitor.connect(socket)
        yield Real(monitor)
        assert process.poll() is None, "no view ends a QEMU"
        await monitor.close()


@each_qemu()
async def test_four_views_of_every_version(real: Real) -> None:
    app = real
    version = parse_version(app.monitor.version)
    async with app.run_test(size=(150, 70)) as pilot:
        tree = await app.begin(pilot)
        # PCI: ids, interrupt, BARs and windows; the balloon's words; each property with its type.
        assert [device.path for device in tree if not device.path] == []
        await app.go_to(pilot, BALLOON)
        await pilot.press("enter")
        await app.until(pilot, lambda: app.value(f"{BALLOON}#property:deflate-on-oom") == "on", "properties")
        assert app.value(f"{BALLOON}#num_pages") == "0"
        await app.until(pilot, lambda: "default off" in app.line("deflate-on-oom"), "the default")
        assert {"source", "PCI", "ids", "driver"} <= set(app.details)
        assert app.details["source"] == "hw/virtio/virtio-balloon-pci.c"
        await app.go_to(pilot, f"{BALLOON}#bars")
        await pilot.press("enter")
        await pilot.pause()
        assert app.value(f"{BALLOON}#bar:4").startswith("0x")
        await app.go_to(pilot, "/machine/peripheral/rp0")
        assert "IRQ" in app.details["PCI"]
        assert app.details["behind"].startswith("buses 01 to 01; ")
        assert app.line("01:00.0 virtio-rng")

        # virtio: features by the names of the specification, from registers where no command is safe.
        await app.go_to(pilot, BALLOON)
        await pilot.press("4")
        row = app.lines.row
        assert row is not None
        assert row.key == BALLOON, "the cursor keeps its device"
        await pilot.press("enter", "*")
        await app.until(pilot, lambda: app.value(f"{BALLOON}#feature:DEFLATE_ON_OOM") == "off", "features")
        await app.until(pilot, lambda: app.value(f"{BALLOON}#queues"), "queues")
        if version in QUEUE_QUERY_SAFE:
            assert app.value(f"{BALLOON}#queues") == "0 of 3"
            assert app.value(f"{BALLOON}#queue:2") == "not set up"
        else:
            why = f"QEMU {app.monitor.version} cannot list queues (needs 7.2)"
            assert app.value(f"{BALLOON}#queues") == f"3: {why}"

        # The buses, and QOM, with the cursor on the same device.
        await pilot.press("2")
        await app.until(pilot, lambda: app.lines.row is not None and app.lines.row.key == BALLOON, "the bus view")
        assert app.line("rp0").split()[-1] == "00:06.0"
        await pilot.press("3")
        await app.until(pilot, lambda: app.lines.row is not None and app.lines.row.key == BALLOON, "the QOM view")
        await pilot.press("enter")
        await app.until(pilot, lambda: app.lines.number_of(f"{BALLOON}/virtio-backend") is not None, "children")
        assert app.failures == []


@each_qemu()
async def test_search_and_set_on_every_version(real: Real) -> None:
    app = real
    async with app.run_test(size=(150, 70)) as pilot:
        await app.begin(pilot)
        await pilot.press("slash", *"polling")
        key = f"{BALLOON}#property:guest-stats-polling-interval"
        await app.until(pilot, lambda: any("polling-interval" in line for line in app.text()), "a value to be found")
        await pilot.press("enter")
        await app.until(pilot, lambda: app.lines.row is not None and app.lines.row.key == key, "the property")
        await app.until(pilot, lambda: app.value(key) == "0", "its value")
        # Somebody else sets it: the line follows by itself.
        other = {"path": BALLOON, "property": "guest-stats-polling-interval", "value": 7}
        await app.monitor.execute("qom-set", other)
        await app.until(pilot, lambda: app.value(key) == "7", "the value that lives")
