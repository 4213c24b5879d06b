"""The pane of devices in a small app, on a recorded tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on
from textual.app import App

from workbench.domain.devices.buses import ROOT, Bus, BusDevice
from workbench.domain.devices.pci import PciAddress
from workbench.domain.devices.qom import Child, Node, Property
from workbench.domain.devices.tree import DeviceTree, Place, Registers, build_tree
from workbench.domain.devices.virtio import Virtio
from workbench.domain.devices.virtio_config import ConfigField
from workbench.domain.devices.virtqueue import Queue
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.devices.store import Question, Want

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.pilot import Pilot

RECORDED = json.loads((Path(__file__).parents[2] / "domain/devices/recorded/devices-7.2.json").read_text())
BALLOON = "/machine/peripheral/balloon0"
CHILD = f"{BALLOON}/virtio-backend"
WORDS = (ConfigField("num_pages", 65536), ConfigField("actual", 51456))
STATES = {
    PciAddress(0, 1, 0): Registers(0x0F),
    PciAddress(0, 3, 0): Registers(0x0F, WORDS),
    PciAddress(0, 5, 0): Registers(0),
}
NODE = Node(
    BALLOON,
    "virtio-balloon-pci",
    (
        Property("free-page-reporting", "bool", True),
        Property("deflate-on-oom", "bool", True),
        Property("iothread", "link<iothread>", ""),
        Property("[/b]name", "str", "[red]\x1b[31m\nvalue[/nothing]"),
        Property("long", "str", "x" * 3000),
        Property("broken", "int", error="Property 'broken' is not readable"),
        Property("romfile", "str", ""),
    ),
    (Child("virtio-backend", "virtio-balloon-device", CHILD),),
    Virtio(5, 0x0F, None, ("STATS_VQ", "DEFLATE_ON_OOM"), ("STATS_VQ",), config=WORDS),
)


def recorded_tree() -> DeviceTree:
    places = [Place(*place) for place in RECORDED["places"]]
    return build_tree(RECORDED["query-pci"], machine=RECORDED["machine"], places=places).with_registers(STATES)


TREE = recorded_tree()


class Bench(App[None]):
    CSS: ClassVar[str] = ".pane { border: round $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        """QOM paths that were to be read."""
        self.questions: list[Question] = []
        self.refreshed = 0

    def compose(self) -> ComposeResult:
        yield DeviceTreePane(id="devices")

    @on(DeviceTreePane.Wanted)
    def note(self, message: DeviceTreePane.Wanted) -> None:
        self.questions.append(message.question)
        if message.question.want is Want.NODE:
            self.asked.append(message.question.path)
        self.answer(message.question)

    def answer(self, question: Question) -> None:
        """Nothing answers here by itself."""

    @on(DeviceTreePane.RefreshRequested)
    def note_refresh(self) -> None:
        self.refreshed += 1

    @property
    def pane(self) -> DeviceTreePane:
        return self.query_one(DeviceTreePane)

    @property
    def lines(self) -> DeviceLines:
        return self.query_one(DeviceLines)

    def text(self) -> list[str]:
        """The lines as they stand on the screen."""
        return [self.lines.render_line(y).text for y in range(self.lines.size.height)]

    def line(self, word: str) -> str:
        return next(line for line in self.text() if word in line)

    async def open_on(self, key: str) -> None:
        """Show the tree with the cursor on a line."""
        self.pane.trouble = ""
        self.pane.tree = TREE
        self.lines.focus()
        number = self.lines.number_of(key)
        assert number is not None
        self.lines.cursor = number


async def press_on(app: Bench, pilot: Pilot[None], key: str) -> None:
    """Press enter on a line."""
    number = app.lines.number_of(key)
    assert number is not None, key
    app.lines.cursor = number
    await pilot.press("enter")
    await pilot.pause()


PCI_BUS = "/machine/q35/pcie.0"
DISK = "/machine/peripheral/disk0"
CONTROLLER = "/machine/peripheral/scsi0"
SCSI_BUS = "/machine/peripheral/scsi0/virtio-backend/scsi0.0"
BUSES = Bus(
    "main-system-bus", "System", ROOT,
    (
        BusDevice(
            "q35-pcihost", "/machine/q35",
            (
                Bus(
                    "pcie.0", "PCIE", PCI_BUS,
                    (
                        BusDevice(
                            "virtio-scsi-pci", CONTROLLER,
                            (Bus("scsi0.0", "SCSI", SCSI_BUS, (BusDevice("scsi-hd", DISK),)),),
                        ),
                        BusDevice("virtio-balloon-pci", BALLOON, (Bus("ide.0", "IDE", "/machine/x/ide.0"),)),
                    ),
                ),
            ),
        ),
    ),
)  # fmt: skip


def node(path: str, *names: str, kind: str = "container") -> Node:
    children = (Child(name, "container", f"{path.rstrip('/')}/{name}") for name in names)
    return Node(path, kind, (Property("size", "int", 7),), tuple(children))


QOM: Mapping[str, Node] = {
    one.path: one
    for one in (
        node("/", "machine", "objects"),
        node("/objects"),
        node("/machine", "peripheral", "q35"),
        node("/machine/q35"),
        node("/machine/peripheral", "balloon0"),
        replace(NODE, children=(Child("virtio-backend", "virtio-balloon-device", CHILD),)),
        Node(CHILD, "virtio-balloon-device"),
    )
}
QUEUE = Queue(0, 128, 128, 7, 9, 6, 5, 1, 0x1000, 0x2000, 0x3000)


class Answering(Bench):
    """Answers from a made-up QOM."""

    def answer(self, question: Question) -> None:
        if question.want is Want.BUSES:
            self.pane.set_buses(BUSES)
        elif question.want is Want.WALK:
            self.pane.set_walk(QOM)
        elif question.want is Want.NODE and question.path in QOM:
            self.pane.set_node(QOM[question.path])
        elif question.want is Want.NODE:
            self.pane.set_failure(question, "gone")

    @property
    def key(self) -> str:
        row = self.lines.row
        return row.key if row is not None else ""


SECRET = Node(CHILD, "virtio-balloon-device", (Property("serial", "str", "needle[/b]"),))


class Finding(Answering):
    def answer(self, question: Question) -> None:
        super().answer(question)
        if question.want is Want.EVERYTHING:
            self.pane.set_walk({**QOM, CHILD: SECRET}, values=True)
