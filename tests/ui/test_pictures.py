"""Pictures of the screens: each as text and as SVG, in three sizes of the terminal.

A changed picture fails here, and the difference shows in the lines of its text. When the change was meant, accept it, look
at the files that changed in ``__snapshots__/test_pictures`` (a browser shows the SVG files), and commit them:

    pytest tests/ui/test_pictures.py --snapshot-update

The clock stands at one moment in UTC and no cursor blinks, so the same code gives the same files everywhere.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest
from msgspec.structs import replace
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tests.ui.fake_engine import NOW, RAM, FakeEngine, balloon, running
from tests.ui.pictured_devices import BALLOON, PicturedDevices
from tests.ui.pictures import SvgFile, TextFile, still, until
from workbench.domain.balloon.backing import Backing
from workbench.domain.balloon.diagnosis.causes import Cause, State, Verdict
from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.ledger import Ledger, Moment
from workbench.domain.balloon.path.changes import follow, sent
from workbench.domain.balloon.path.timeline import PathView, Timeline
from workbench.domain.balloon.path.trace_log import COMMAND, READ, TARGET, WRITTEN, TraceLine
from workbench.domain.balloon.reading import Sample
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.host.hugepages import HugepageHolder, HugepagePool
from workbench.domain.host.snapshot import HostSnapshot
from workbench.domain.qmp.record.record import Kind, Origin
from workbench.domain.qmp.schema import Schema
from workbench.domain.units import GIB, MIB
from workbench.ui.app import WorkbenchApp
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.path.view import PathPane
from workbench.ui.common.completion_list import CompletionList
from workbench.ui.common.dialogs import Dialog
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.editor.form import FormList
from workbench.ui.editor.problem_list import ProblemList
from workbench.ui.editor.screen import EditorScreen
from workbench.ui.hotplug.form import KindDialog, PlugForm
from workbench.ui.main.help import HelpScreen
from workbench.ui.qmp.record.log import TrafficLog
from workbench.ui.rebalance.screen import RebalanceScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from syrupy.assertion import SnapshotAssertion
    from textual.pilot import Pilot

    from workbench.domain.balloon.balloon import Balloon

W = TypeVar("W", bound=Widget)

SIZES = ((80, 24), (120, 40), (200, 60))
OTHERS = (
    GuestSnapshot("alpine", memory=2 * GIB, profile_path="/profiles/alpine.toml"),
    GuestSnapshot("windows", memory=8 * GIB, profile_path="/profiles/windows.toml", problems=2),
    running("db", memory=4 * GIB, pid=4712, accelerator="kvm", backing="2M pages", started=NOW - 90_000),
)
GUESTS = (running(), *OTHERS)


# Making a screen.


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One moment, one time zone, colours, and cursors that do not blink."""
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda _: None)
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def engine_of(*snapshots: GuestSnapshot) -> FakeEngine:
    """An engine with these guests, which have devices and commands."""
    engine = FakeEngine(*snapshots)
    for snapshot in snapshots:
        guest = engine.guest(snapshot.name)
        guest.devices = PicturedDevices()
        guest.schema = schema  # type: ignore[method-assign]
    return engine


@asynccontextmanager
async def opened(engine: FakeEngine, size: tuple[int, int]) -> AsyncIterator[Pilot[None]]:
    app = WorkbenchApp(engine, choose=next((guest.name for guest in engine.guests()), ""))
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        yield pilot


async def compare(pilot: Pilot[None], snapshot: SnapshotAssertion) -> None:
    """The screen against its two files."""
    taken = await still(pilot)
    assert taken.text == snapshot.use_extension(TextFile)
    assert taken.svg == snapshot.use_extension(SvgFile)


async def shown(pilot: Pilot[None], kind: type[W]) -> W:
    """The widget of a kind, once it is on the screen."""
    await until(pilot, lambda: any(widget.region for widget in pilot.app.screen.query(kind)))
    return pilot.app.screen.query_one(kind)


# What is on them.


def with_history(target: int, actual: int, **changes: object) -> Balloon:
    """A balloon that was sent a target 40 seconds ago and moves since."""
    start, low = NOW - 40, min(target, actual)
    samples = []
    for second in range(120):
        moment = NOW - 119 + second
        share = min(1.0, max(0.0, (moment - start) / 40))
        now = int(RAM + (actual - RAM) * share) // 4096 * 4096
        samples.append(Sample(moment, target if moment >= start else RAM, now, now - 150 * MIB, now - 90 * MIB))
    marks = (
        Mark(start, MarkKind.REQUEST, f"target {target // MIB} MiB", target),
        Mark(NOW - 90, MarkKind.RESET, "reset"),
    )
    ledger = Ledger(
        RAM,
        Moment(NOW, target, actual, actual - 150 * MIB, low - 90 * MIB),
        Moment(start, RAM, RAM, RAM - 150 * MIB, RAM - 90 * MIB),
        backing=Backing(reporting=True),
    )
    return replace(balloon(target, actual), history=tuple(samples), marks=marks, ledger=ledger, **changes)


STALLED = Verdict(
    State.STALLED,
    "the guest took 55 MiB back on OOM",
    "lower the load in the guest, then send the target again",
    ("actual rose from 256 to 311 MiB while the target was 256 MiB", "the driver agreed to deflate-on-oom"),
    Cause.TAKEN_BACK,
)


def _object(name: str, **members: str) -> dict[str, object]:
    return {"name": name, "meta-type": "object", "members": [{"name": one, "type": of} for one, of in members.items()]}


async def schema() -> Schema:
    """A few of QEMU's commands."""
    commands = (
        "block-commit", "block-dirty-bitmap-add", "block-job-cancel", "block-job-pause", "block_resize", "blockdev-add",
        "blockdev-backup", "blockdev-del", "blockdev-mirror", "cont", "device_add", "query-balloon", "query-block",
        "query-status", "stop", "system_reset",
    )  # fmt: skip
    return Schema.from_query(
        [
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {"name": "int", "meta-type": "builtin", "json-type": "int"},
            _object("0"),
            _object("1", value="int"),
            _object("2", device="str", size="int"),
            {"name": "balloon", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            *(
                {"name": name, "meta-type": "command", "arg-type": "2" if "_resize" in name else "0", "ret-type": "0"}
                for name in commands
            ),
        ]
    )


def path() -> PathView:
    """A target 2 MiB lower on its way through QEMU and the guest, a line of its trace log each 100 µs."""
    begun = int(NOW * 1e6)
    timeline: Timeline = sent(begun, RAM - 2 * MIB, held=0, traced=True)
    lines = [(COMMAND, (RAM - 2 * MIB,)), (TARGET, (RAM - 2 * MIB, 512))]
    for piece in (0, 256):
        lines += [(READ, (512, piece)), (WRITTEN, (piece + 256, piece))]
    for number, (event, values) in enumerate(lines, 1):
        timeline = follow(timeline, TraceLine(event, begun + 100 * number, 2, values), now=0)
    return PathView("7.2.22", timeline, traced=True)


def record(engine: FakeEngine) -> None:
    """Commands and replies, an error, and events of which some repeat."""
    add = engine.guest("demo").record.add
    add(NOW - 60, Kind.COMMAND, Origin.USER, "query-status", {})
    add(NOW - 60, Kind.REPLY, Origin.USER, "query-status", {"running": True, "status": "running"}, 0.0021)
    add(NOW - 50, Kind.COMMAND, Origin.ACTION, "balloon", {"value": 256 * MIB})
    add(NOW - 50, Kind.REPLY, Origin.ACTION, "balloon", {}, 0.0008)
    for step in range(40):
        add(NOW - 49 + step / 10, Kind.EVENT, Origin.SCREEN, "BALLOON_CHANGE", {"actual": RAM - step * 4 * MIB})
    add(NOW - 30, Kind.COMMAND, Origin.USER, "device_del", {"id": "net7"})
    add(
        NOW - 30,
        Kind.ERROR,
        Origin.USER,
        "device_del",
        {"class": "DeviceNotFound", "desc": "Device 'net7' not found"},
        0.0004,
    )
    add(NOW - 20, Kind.EVENT, Origin.SCREEN, "RESET", {"guest": True, "reason": "guest-reset"})
    add(NOW - 10, Kind.COMMAND, Origin.USER, "query-block", {})
    add(
        NOW - 10,
        Kind.REPLY,
        Origin.USER,
        "query-block",
        [{"device": "disk0", "inserted": {"ro": False, "file": "/images/demo.qcow2"}}],
        1.25,
    )


def needing(name: str, used: int, **changes: object) -> GuestSnapshot:
    """A guest with a known use of its memory, in MiB."""
    found = balloon(RAM, RAM, available=RAM - used * MIB)
    assert found.stats is not None
    return running(name, balloon=replace(found, stats=replace(found.stats, last_update=NOW - 1)), **changes)


PROFILE = """\
# The demo guest.
[memory]
size = "512M"

[balloon]
guard = true
floor = "96M"

[[scsi]]
[[scsi.disk]]
file = "demo.qcow2"

[[net]]
mac = "52:54:00:12:34:56"
"""


# The pictures.


async def test_settled(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await compare(pilot, snapshot)


async def test_inflating(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    moving = running(balloon=with_history(256 * MIB, 311 * MIB, rate=-5.5 * MIB))
    async with opened(engine_of(moving, *OTHERS), size) as pilot:
        await compare(pilot, snapshot)


async def test_stalled(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    stalled = running(balloon=with_history(256 * MIB, 311 * MIB, verdict=STALLED))
    async with opened(engine_of(stalled, *OTHERS), size) as pilot:
        await compare(pilot, snapshot)


async def test_staged_below_the_floor(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(running(balloon=balloon(available=100 * MIB)), *OTHERS), size) as pilot:
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: pilot.app.screen.query_one(BalloonPanel).staged == RAM - 128 * MIB)
        await compare(pilot, snapshot)


async def test_question_below_the_floor(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(running(balloon=balloon(available=100 * MIB)), *OTHERS), size) as pilot:
        await pilot.press("left_square_bracket", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Dialog))
        await compare(pilot, snapshot)


async def test_path(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    engine = engine_of(running(balloon=balloon(RAM - 2 * MIB, RAM - 2 * MIB)), *OTHERS)
    async with opened(engine, size) as pilot:
        await pilot.press("v")
        await shown(pilot, PathPane)
        engine.guest("demo").show_path(path())
        await compare(pilot, snapshot)


async def test_qmp_completion(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await pilot.press("colon", *"block", "tab")
        await shown(pilot, CompletionList)
        await compare(pilot, snapshot)


async def test_qmp_mistake(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await pilot.press("colon", *"balloon size=1", "enter")
        log = await shown(pilot, TrafficLog)
        await until(pilot, lambda: "size" in log.text)
        await compare(pilot, snapshot)


async def test_record(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    engine = engine_of(*GUESTS)
    record(engine)
    async with opened(engine, size) as pilot:
        await pilot.press("colon", "escape")
        log = await shown(pilot, TrafficLog)
        log.focus()
        await until(pilot, lambda: "query-block" in log.text and log.has_focus)
        await compare(pilot, snapshot)


async def on_balloon_device(pilot: Pilot[None], *keys: str) -> None:
    """The devices with the cursor on the balloon, and these keys pressed there."""
    await pilot.press("d")
    lines = await shown(pilot, DeviceLines)
    await until(pilot, lambda: lines.has_focus and lines.number_of(BALLOON) is not None)
    pilot.app.screen.query_one(DeviceTreePane).reveal("balloon0")
    await until(pilot, lambda: lines.row is not None and lines.row.key == BALLOON)
    for key in keys:
        await pilot.press(key)
        await pilot.app.workers.wait_for_complete()


async def open_balloon_device(pilot: Pilot[None], last: str) -> None:
    """Open the line of the balloon device, wait for its last line inside, and scroll to the top.

    A scrollbar that appears keeps its thumb at the top until the next scroll, and which of the two comes first is a matter
    of time: so scroll once it is there.
    """
    lines = pilot.app.screen.query_one(DeviceLines)
    await pilot.press("enter")
    await until(pilot, lambda: lines.number_of(f"{BALLOON}#{last}") is not None)
    await until(pilot, lambda: lines.show_vertical_scrollbar == (len(lines.rows) > lines.size.height))
    await pilot.press("end", "home", *["down"] * (lines.number_of(BALLOON) or 0))
    await until(pilot, lambda: lines.row is not None and lines.row.key == BALLOON)


async def test_devices_pci(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await on_balloon_device(pilot)
        await open_balloon_device(pilot, "children")
        await compare(pilot, snapshot)


async def test_devices_qom(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await on_balloon_device(pilot, "z", "3")
        await compare(pilot, snapshot)


async def test_devices_virtio(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await on_balloon_device(pilot, "4")
        await open_balloon_device(pilot, "queues")
        await compare(pilot, snapshot)


async def test_help(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await compare(pilot, snapshot)


@asynccontextmanager
async def editing(text: str, size: tuple[int, int]) -> AsyncIterator[Pilot[None]]:
    """The editor on a profile."""
    engine = engine_of(*GUESTS)
    engine.profiles.write("demo", text)
    async with opened(engine, size) as pilot:
        await pilot.press("g", "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, EditorScreen))
        yield pilot


async def test_editor_problems(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    wrong = PROFILE.replace("mac", "xmac").replace('"512M"', '"half"')
    async with editing(wrong, size) as pilot:
        await shown(pilot, ProblemList)
        await compare(pilot, snapshot)


async def test_editor_form(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with editing(PROFILE, size) as pilot:
        await pilot.press("f2")
        await shown(pilot, FormList)
        await compare(pilot, snapshot)


async def test_plug_form(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), size) as pilot:
        await on_balloon_device(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, KindDialog))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlugForm))
        await compare(pilot, snapshot)


async def test_rebalance(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    guests = (needing("build", 340), needing("db", 112, backing="2M pages", pid=4712), needing("web", 112, pid=4713))
    async with opened(engine_of(*guests), size) as pilot:
        await pilot.press("g", "B")
        await until(pilot, lambda: isinstance(pilot.app.screen, RebalanceScreen))
        await pilot.press(*"1300M")
        await until(pilot, lambda: pilot.app.screen.query_one(Input).value == "1300M")
        await compare(pilot, snapshot)


async def test_host(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    engine = engine_of(*GUESTS)

    async def host() -> HostSnapshot:
        pools = (HugepagePool(2 * MIB, 2560, 460, 12, 0), HugepagePool(GIB, 0, 0, 0, 0))
        holders = (HugepageHolder("db", 2 * MIB, 4 * GIB),)
        return HostSnapshot(
            "kvm", "hardware virtualization (VT-x)", "", "7.2.22", 24 * GIB, 16 * GIB, pools, 8, "", holders, "madvise"
        )

    engine.host = host  # type: ignore[method-assign]
    async with opened(engine, size) as pilot:
        await pilot.press("h", "z")
        await until(pilot, lambda: pilot.app.screen.maximized is not None)
        await compare(pilot, snapshot)


async def test_no_guests(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(), size) as pilot:
        await compare(pilot, snapshot)


async def test_not_answering(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    trouble = "QEMU did not answer within 5 s (process stopped by SIGSTOP)"
    silent = running(answering=False, trouble=trouble, balloon=replace(balloon(), unanswered=128 * MIB))
    async with opened(engine_of(silent, *OTHERS), size) as pilot:
        await compare(pilot, snapshot)


async def test_too_small(snapshot: SnapshotAssertion) -> None:
    async with opened(engine_of(*GUESTS), (59, 19)) as pilot:
        await compare(pilot, snapshot)
