"""What the workbench decides, as plain data: names of enums, numbers, keys, classes and codes; never a message.

``tests/code/test_rewording.py`` calls these functions with the package as it is and with its messages reworded, in modules of
their own, and compares what they give.
"""

from __future__ import annotations

import asyncio
import re
import socket
import tempfile
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from unittest import mock

import msgspec
from click.testing import CliRunner
from msgspec.structs import replace
from textual.widgets import Input

from tests.domain.qmp.schemas import SCHEMA
from tests.profile_files import read_guest
from tests.real import using
from tests.ui.fake_engine import NOW, RAM, FakeEngine, FakeGuest, balloon, running
from workbench import errors
from workbench.domain.balloon.balloon import has_driver_returned
from workbench.domain.balloon.diagnosis.causes import Circumstances, State
from workbench.domain.balloon.diagnosis.judge import judge
from workbench.domain.balloon.diagnosis.movement import TakeBack
from workbench.domain.balloon.history.marks import Mark, MarkKind, is_recorded, mark_of_event
from workbench.domain.balloon.reading import GuestStats, Reading, Source
from workbench.domain.balloon.safety.forecast import forecast
from workbench.domain.balloon.safety.guard import Sight, alarm, blind
from workbench.domain.balloon.safety.protection import Safety
from workbench.domain.balloon.safety.ramp import Ramp, parse_ramp
from workbench.domain.balloon.target import commanded_target, parse_target
from workbench.domain.command_line.argv import Launch, argv_parts
from workbench.domain.command_line.clashes import argument_clashes
from workbench.domain.command_line.start_advice import start_advice
from workbench.domain.compare.drift import Live, Said, drift
from workbench.domain.compare.keys import compare_profiles
from workbench.domain.devices.qom import Property
from workbench.domain.guest import lifecycle
from workbench.domain.guest.lifecycle import Phase, phase_of
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.host.accelerator import Processor, hypervisor_words, tcg_by_cpu
from workbench.domain.host.hugepages import HugepagePool, HugepageShortage, Shortage, shortage
from workbench.domain.hotplug.leftovers import backends, behind
from workbench.domain.hotplug.plan import FreeBus, Offer, PlanProblems, plan
from workbench.domain.hotplug.unplug import Kind, Unplug
from workbench.domain.hotplug.unplug import State as UnplugState
from workbench.domain.profile.text.parse import parse
from workbench.domain.qmp.checking import check
from workbench.domain.qmp.command_help import arguments as members_of
from workbench.domain.qmp.completion.complete import complete
from workbench.domain.qmp.effects import effects_of
from workbench.domain.qmp.input_error import InputError
from workbench.domain.qmp.lookups import Kind as Sort
from workbench.domain.qmp.lookups import Lookup
from workbench.domain.qmp.typed_line import parse_line
from workbench.domain.rebalance.guests import parse_budget, unmovable
from workbench.domain.rebalance.progress import Course
from workbench.domain.rebalance.progress import Seen as SeenOnCourse
from workbench.domain.rebalance.proposal import Candidate, propose
from workbench.domain.units import MIB, SizeError, format_size, parse_size
from workbench.engine.balloon.place import Place
from workbench.engine.devices.drivers import DriverBook, parse_drivers
from workbench.engine.local.engine import LocalEngine
from workbench.engine.profiles.store import read_profile
from workbench.engine.qmp import silence
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.session import lookups
from workbench.engine.session.guest import SessionGuest
from workbench.engine.session.lookups import SessionLookups
from workbench.engine.start import plan as planning
from workbench.engine.state.directory import ENDS, Ended
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.ui.app import WorkbenchApp
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.text import empty_words, risk_words
from workbench.ui.common.dialogs import Dialog
from workbench.ui.devices.layout import DIFFERS, PENDING, Layout
from workbench.ui.devices.row import Row, Shown
from workbench.ui.guests.list import state_words
from workbench.ui.hotplug.form import PlugForm
from workbench.ui.qmp.command_help import table as help_table
from workbench.ui.rebalance.text import outcome
from workbench.verbs.balloon import set as balloon_set
from workbench.verbs.balloon import watch_words
from workbench.verbs.devices import unplug
from workbench.verbs.group import workbench
from workbench.verbs.guests.list import table
from workbench.verbs.rebalance import command as rebalance_verb
from workbench.verbs.rebalance.words import outcome_lines, progress_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from textual.content import Content

    from workbench.engine.session.protocols import Parts

Decisions = object
"""Lists, dictionaries, texts that are codes, numbers and None."""
LAUNCH = Launch("qemu", "/d", "tcg")
DRIVER = 0x0F


def name_of(value: object) -> object:
    """An enum's member by name: its value may be for people."""
    return getattr(value, "name", value)


def refused(action: Callable[[], object]) -> object:
    """What an action gives, or the class of its refusal."""
    try:
        return action()
    except (WorkbenchError, SizeError) as error:
        return type(error).__name__, getattr(error, "exit_code", None)


# Domain: the balloon.


def circumstances() -> Iterator[tuple[Reading | None, Circumstances]]:
    """At least one for each cause."""
    quiet = Circumstances(now=NOW, driver_status=DRIVER, target_since=NOW - 60, moved_at=NOW - 30)
    seen: list[dict[str, object]] = [
        {}, {"device": False}, {"driver_status": 0}, {"driver_status": 1, "started": NOW - 5}, {"answering": False},
        {"stats": GuestStats(NOW - 1, 2, available=10 * MIB)}, {"stats": GuestStats(NOW - 1, 2, available=300 * MIB)},
        {"stats": GuestStats(0.0, 0), "statistics": 2}, {"stats": GuestStats(0.0, 0)}, {"stats": GuestStats(0.0, 2)},
        {"stats": GuestStats(NOW - 900, 2, available=MIB), "statistics": 2}, {"stats": GuestStats(NOW - 1, 2)},
        {"stats": GuestStats(NOW - 900, 2), "status": "paused"}, {"unrecorded": "no space left"},
        {"take_back": TakeBack(NOW - 30, NOW - 20, 200 * MIB, 300 * MIB), "deflate_on_oom": True},
        {"take_back": TakeBack(NOW - 30, NOW - 20, 200 * MIB, 300 * MIB), "deflate_on_oom": False},
        {"marks": (Mark(NOW - 9, MarkKind.RAM_CHANGE, "RAM", 128 * MIB),)},
        {"marks": (Mark(NOW - 9, MarkKind.TAKE_BACK, "took", 64 * MIB), Mark(NOW - 99, MarkKind.RESET, "reset"))},
    ]  # fmt: skip
    stopped = ("paused", "io-error", "guest-panicked", "watchdog", "inmigrate", "shutdown")
    seen += [{"status": status} for status in stopped]
    readings = (None, *(Reading(NOW, RAM, 256 * MIB, at * MIB, Source.CONFIG_SPACE) for at in (200, 256, 300, 512)))
    for changes in seen:
        for reading in readings:
            yield reading, replace(quiet, **changes)


def diagnoses() -> Decisions:
    found = []
    for reading, seen in circumstances():
        verdict = judge(reading, seen)
        notes = [name_of(note.code) for note in verdict.notes]
        count = len(verdict.evidence)
        found.append(
            [name_of(verdict.state), name_of(verdict.code), notes, bool(verdict.advice), count, verdict.send_again]
        )
    return found


def forecasts() -> Decisions:
    found = []
    for reading, seen in circumstances():
        if reading is not None:
            now = replace(balloon(available=300 * MIB), reading=reading, verdict=judge(reading, seen))
            for target in (64, 200, 300, 512):
                for floor in (None, 256 * MIB):
                    made = forecast(now, target * MIB, 8.0 * MIB, floor=floor, ramp=Ramp(64 * MIB, 2))
                    gain = made.gain and (made.gain.low, made.gain.taken)
                    found.append(
                        [made.risky, made.available, made.age, made.seconds, made.steps, bool(made.waits), gain]
                    )
    return found


def risk_of_a_floor() -> Decisions:
    """Whether the question explains the floor: only when the target is below it."""
    found = []
    for floor, available in ((400 * MIB, 300 * MIB), (None, 300 * MIB), (64 * MIB, 128 * MIB)):
        made = forecast(balloon(available=available), 390 * MIB, 0.0, floor=floor)
        assert made.floor is not None
        _, text = risk_words("demo", made)
        found.append([made.risky, made.floor.why in text])
    return found


def risk_on_the_command_line() -> Decisions:
    found = []
    for floor in (400 * MIB, 64 * MIB):
        now = balloon(available=128 * MIB)
        made = forecast(now, 390 * MIB, 0.0, floor=floor)
        assert made.floor is not None
        shown: list[str] = []

        guest = FakeGuest(running(balloon=now, safety=Safety(floor=floor)))
        with mock.patch.object(balloon_set, "warn", lambda what, _, shown=shown: shown.append(what)):
            asyncio.run(balloon_set.check_floor(guest, 390 * MIB, yes=False))
        found.append([made.floor.why in line for line in shown])
    return found


def targets() -> Decisions:
    words = ("256M", "50%", "+64M", "max", "-1M", "x%", "0", "9G", "1", "+9G", "", "all")
    sizes = [refused(lambda word=word: parse_target(word, ram=RAM, target=256 * MIB)) for word in words]  # type: ignore[misc]
    sizes += [refused(lambda word=word: parse_size(word)) for word in words]  # type: ignore[misc]
    sizes += [refused(lambda word=word: parse_budget(word, ram=RAM)) for word in words]  # type: ignore[misc]
    hmp: list[dict[str, object]] = [{"command-line": line} for line in ("balloon 128", "balloon 1G", "info balloon")]
    return sizes, [commanded_target("human-monitor-command", one) for one in hmp]


def ramps() -> Decisions:
    texts = ("256M/5s", " 64 MiB / 2 ", "off", "1/1", "64M/99999s", "64M")
    steps = Ramp(64 * MIB, 2).steps(RAM, 100 * MIB), Ramp(64 * MIB, 2).following(RAM, 100 * MIB)
    return [str(refused(lambda text=text: parse_ramp(text))) for text in texts], steps  # type: ignore[misc]


def guards() -> Decisions:
    found = []
    rates: list[dict[str, int]] = [
        {}, {"oom_kills": 1}, {"alloc_stalls": 5000}, {"major_faults": 9000}, {"swap_out": 64 * MIB},
    ]  # fmt: skip
    for available in (None, MIB, 40 * MIB, 300 * MIB):
        for rate in rates:
            for count in (1, 9, 30):
                stats = [
                    GuestStats(
                        1000.0 + n, 1, available=available, **{name: 7 + more * n for name, more in rate.items()}
                    )
                    for n in range(count)
                ]
                sights = [Sight(float(n), RAM, RAM // 2, RAM // 2, stats[n]) for n in range(count)]
                found.append(
                    [bool(alarm(sights)), bool(blind(sights)), bool(alarm([*sights, replace(sights[0], time=90.0)]))]
                )
    return found


def marks() -> Decisions:
    made = [mark_of_event(name, {"guest": guest}, NOW) for name in ("RESET", "STOP", "RESUME", "X") for guest in (0, 1)]
    kept = [mark for mark in made if mark is not None]
    apart = (0.0, 0.1, 1.0, 3.0)
    known = [is_recorded(replace(one, time=NOW + by), (two,)) for one in kept for two in kept for by in apart]
    return [mark and name_of(mark.kind) for mark in made], known


# Domain: guests side by side.


def candidate(name: str, target: int, used: int | None, floor: int = 130, **more: object) -> Candidate:
    used_bytes = None if used is None else used * MIB
    made = Candidate(name, RAM, target * MIB, target * MIB, floor * MIB, used=used_bytes, resident=300 * MIB)
    return replace(made, **more)


def courses() -> Iterator[Course]:
    guests = [
        candidate("a", 200, 250, 295),
        candidate("b", 500, 100),
        candidate("c", 300, None),
        candidate("d", 64, 64, fixed="it is"),
    ]
    for number in range(5):
        course = Course(propose(guests, 1100 * MIB), deadline=100.0)
        orders = dict(course.advance(0, {}))
        if number == 1:
            course.fail("b", "QEMU does not answer")
        seen = {name: SeenOnCourse(size, size) for name, size in orders.items()}
        if number == 2:
            seen = {name: SeenOnCourse(size, size, released="it thrashed") for name, size in orders.items()}
        if number == 3:
            seen = {name: SeenOnCourse(MIB, MIB, gone="it ended") for name in orders}
        later = dict(course.advance(1, seen if number != 4 else {}))
        course.advance(2, {name: SeenOnCourse(size, size) for name, size in later.items()})
        yield course
        course.advance(101, {})
        yield course


def rebalances() -> Decisions:
    guests = [candidate("a", 200, 250, 295), candidate("b", 500, 100), candidate("d", 64, 64, fixed="it is")]
    proposals = [propose(guests, budget * MIB) for budget in (100, 400, 700, 1000, 4000)]
    return [
        [[line.new for line in one.lines], one.short, one.left, one.host_gain, bool(one.words)] for one in proposals
    ], [
        [[name_of(one.stage), one.goal, bool(one.remark)] for one in course.progress.values()]
        + [course.over, course.complete]
        for course in courses()
    ]


def outcomes() -> Decisions:
    """What the command line says of a rebalance, and its exit code."""
    return [
        [
            [bool(progress_line(one)) for one in course.progress.values()],
            [line.partition(":")[0] for line in outcome_lines(course)],
            refused(lambda course=course: rebalance_verb.check_reached(course, 9.0)),  # type: ignore[misc]
        ]
        for course in courses()
    ]


def budget_that_is_too_small() -> Decisions:
    """The least that the hint names."""
    try:
        rebalance_verb.check_met(propose([candidate("a", 200, 250, 1295)], 100 * MIB))
    except WorkbenchError as error:
        return type(error).__name__, re.findall(r"\d{3,}", error.hint)
    return None


def outcome_on_the_screen() -> Decisions:
    """The figure and the style of the line above the table."""
    found = []
    for course in courses():
        words = outcome(course)
        found.append([re.findall(r"\d+", words.plain)[0], styles(words)])
    return found


# Domain: profiles and command lines.

BAD = (
    "cpu.count = 0\nmachin = 'q35'", "memory.size = '1'", "[[net]]\nbackend = 'tap'", "[balloon.presets]\na = '+1M'\nb = '150%'",
    "[[scsi]]\n[[scsi.disk]]\n", "a = [", "display = {vnc = 'loopback'}", "[memory]\nhugepages.size = '3M'",
    "qemu.args = ['-daemonize']", "[[net]]\nid = 'a'\n[[net]]\nid = 'a'", "extends = 'none.toml'", "net = 5", "a = ${x",
)  # fmt: skip


def profiles() -> Decisions:
    found = []
    for text in BAD:
        parsed = parse(text, name="demo", file="demo.toml")
        found.append([(one.line, one.column, one.key) for one in parsed.problems])
    return found


def preset_beyond_all_ram() -> Decisions:
    """Whether the message gives the range of a target: a preset's RAM is not known yet."""
    (problem,) = parse("[balloon.presets]\nmuch = '100000%'", name="demo", file="demo.toml").problems
    return format_size(1 << 63) in problem.message


def clashes() -> Decisions:
    found = []
    for args in (
        ["-device", "e1000,id=net0"],
        ["-balloon", "virtio"],
        ["-device", "e1000,addr=3"],
        ["-chardev", "null,id=qmp"],
    ):
        parts = argv_parts(read_guest(f"qemu.args = {args!r}"), LAUNCH)
        found.append([path for path, _ in argument_clashes(parts)])
    return found


def differences() -> Decisions:
    one, two = read_guest("memory.size = '64M'"), read_guest("balloon = false\n[[net]]\nbackend = 'bridge'\n")
    comparison = compare_profiles((one, argv_parts(one, LAUNCH)), (two, argv_parts(two, LAUNCH)))
    return [(change.key, change.mark, bool(change.no_option)) for change in comparison.keys], len(comparison.options)


def start_failures() -> Decisions:
    tap, bridge = "[[net]]\nbackend = 'tap'\ninterface = 'tap0'\n", "[[net]]\nbackend = 'bridge'\n"
    outputs = [
        (tap, "could not configure /dev/net/tun (tap0): Operation not permitted\n"),
        (tap, "could not configure /dev/net/tun (tap0): Device or resource busy\n"),
        (tap, "could not configure /dev/net/tun (tap0): Invalid argument\n"),
        (bridge, "access denied by acl file\n"),
        (bridge, "failed to create tun device: Operation not permitted\nbridge helper failed"),
        ("memory.lock = true", "qemu: locking memory failed"),
        ("", "Could not set up host forwarding rule 'tcp::80-:80'"),
        ("qemu.args = ['-device', 'e1000']", "PCI: slot 1 function 0 not available"),
        (tap, "something else"),
    ]
    return [len(list(start_advice(output, read_guest(text)))) for text, output in outputs]


# Domain: QMP and devices.


def cares() -> Decisions:
    """What the console asks about before it is sent."""
    lines = ("quit", "device_del x", "info virtio-status /x", "pmemsave 0 1 /tmp/r", "info status", "i /1wx 0x10", "c")
    sent: list[tuple[str, Mapping[str, object]]] = [("human-monitor-command", {"command-line": line}) for line in lines]
    sent += [(name, {"id": "x"}) for name in ("quit", "system_reset", "device_del", "cont", "x-query-virtio-status")]
    sent.append(("transaction", {"actions": [{"type": "blockdev-backup", "data": {"target": "t"}}]}))
    return [
        [(one.command, one.file) for one in effects_of(name, arguments, version)]
        for name, arguments in sent
        for version in ("", "7.2.0", "11.1.0")
    ]


def typed_commands() -> Decisions:
    found: list[object] = []
    for line in (
        "balloon value=x",
        "balloon vlue=1",
        "set-numa nodes=[1]",
        "set_link name=n up=maybe",
        "{",
        "!",
        "yank a",
        "nosuch",
    ):
        try:
            request = parse_line(line, SCHEMA)
            found.append([request.command, repr(request.arguments)])
        except InputError as error:
            found.append([type(error).__name__, error.span])
    checked = check(SCHEMA, "blockdev-add", {"driver": "nosuch", "x": 1})
    values = [[one.text for one in complete(SCHEMA, line, len(line))] for line in ("bal", "balloon ", "set_link up=")]
    return found, [one.path for one in checked], values


def deprecated_members() -> Decisions:
    """The style of a line of the help."""
    return [styles(content) for content, _ in help_table(members_of(SCHEMA, "blockdev-add"))]


def plugging() -> Decisions:
    net = Offer(Kind.NET, "net1", (FreeBus("pcie-port0"),), {}, {"net0"}, left={"net7": "netdev net7-host"})
    disk = Offer(Kind.DISK, "disk0", (FreeBus("scsi0.0", "(LUN 3)", 3),), base="/p", home="/h")
    found: list[object] = []
    for offer, values in (
        (net, {}), (net, {"id": "a b"}), (net, {"id": "net7"}), (net, {"mac": "x"}), (net, {"bus": "none"}),
        (disk, {}), (disk, {"file": "~/d", "format": "raw"}), (disk, {"media": "cdrom"}), (disk, {"file": "f", "size": "x"}),
    ):  # fmt: skip
        try:
            found.append([step.command for step in plan(offer, values).steps])
        except PlanProblems as error:
            found.append(sorted(error.problems))
    return found


def unplugging() -> Decisions:
    one = Unplug("net1")
    ends = [
        one, one.late(), one.late("paused"), one.after("DEVICE_DELETED", {"device": "net1"}),
        one.after("DEVICE_UNPLUG_GUEST_ERROR", {"device": "net1"}),
    ]  # fmt: skip
    codes = [refused(lambda end=end: unplug.report("demo", end, 9.0, quiet=True)) for end in ends]  # type: ignore[misc]
    return [[name_of(end.state), end.waiting] for end in ends], codes


NETWORK = "p1-host: index=0,type=user,net=10.0.2.0,restrict=off\r\n"


def leftovers() -> Decisions:
    nodes = [{"node-name": "d0-image"}, {"node-name": "d1-image"}]
    there = backends(NETWORK, [{"label": "port0-chardev"}], nodes, [], ["p1-source", "ram0"])
    named = behind(
        (
            Property("netdev", "str", "n-host"),
            Property("drive", "str", "d1-image"),
            Property("rng", "str", "/objects/r"),
        )
    )
    live = Live({"net0": "virtio-net-pci"}, backends=there)
    differences = drift(live, ["-netdev", "user,id=port0-host", "-chardev", "null,id=port0-chardev"], ())
    left = there.leftovers({"net0"}, ())
    return (
        {name: [(one.command, one.arguments) for one in rest] for name, rest in left.items()},
        [(one.command, one.arguments) for one in named],
        [(name_of(one.kind), one.name) for one in differences],
    )


def drifts() -> Decisions:
    device = Said(("-device", '{"driver":"virtio-net-pci","id":"net1"}'), "net[1]", "demo.toml:9")
    live = Live({"x": "e1000", "net1": "virtio-net-pci"}, {"/machine/peripheral-anon/device[0]": "edu"}, {"r": "rng"})
    found = drift(live, ["-m", "64M", "-device", "e1000,id=gone"], (Said(("-m", "65M"), "memory.size"), device))
    return [(name_of(one.kind), one.name) for one in found]


def flags_of_devices() -> Decisions:
    """The sign of a device that was asked to go, and of one that differs from the profile."""
    found = []
    for pending in (UnplugState.PENDING, UnplugState.OVERDUE):
        shown = Shown(pending={"net1": pending.value})
        fitted = Layout(width=80).fit(Row("k", "", "net1", flag=shown.flags["net1"]))
        found.append([PENDING in fitted.flag, DIFFERS in fitted.flag])
    return found


async def buses_for_a_driver() -> Decisions:
    """Those that fit come first, and of them the empty ones."""
    drivers, _ = parse_drivers('name "e1000", bus PCI, desc "a card"\nname "scsi-hd", bus SCSI, desc "a disk"\n')
    tree = (
        "bus: main-system-bus\n  type System\n  dev: a, id \"\"\n    bus: scsi0.0\n      type SCSI\n"
        "    bus: pcie.0\n      type PCIE\n      dev: b, id \"\"\n    bus: pcie-port0\n      type PCIE\n"
    )  # fmt: skip

    async def execute(*_: object, **__: object) -> str:
        return tree

    book = cast("DriverBook", SimpleNamespace(drivers=mock.AsyncMock(return_value=drivers)))
    looked_up = SessionLookups(using(cast("Monitor", SimpleNamespace(execute=execute, peer_pid=1))), 1, book)
    with mock.patch.object(lookups, "build_of", return_value="a build"):
        return [
            [one.value for one in await looked_up.known(Lookup(Sort.BUS, driver))]
            for driver in ("e1000", "scsi-hd", "")
        ]


# Engine: hosts, monitors and guests.


def accelerators() -> Decisions:
    made = [
        tcg_by_cpu(Processor(frozenset(flags)), machine)
        for flags in ((), ("vmx",), ("hypervisor",))
        for machine in ("x86_64", "aarch64")
    ]
    names = ["", "KVM", "Xen dom0"]
    return [one and (one.name, bool(one.advice)) for one in made], [bool(hypervisor_words(name)) for name in names]


async def trouble_with_the_accelerator() -> Decisions:
    """Whether a failed start mentions KVM: only when the profile names it."""
    chosen = mock.AsyncMock(return_value=tcg_by_cpu(Processor(frozenset()), "aarch64"))
    found = []
    with tempfile.TemporaryDirectory(prefix="wb-") as directory:
        for name in ("auto", "kvm", "tcg"):
            path = Path(directory) / f"{name}.toml"
            path.write_text(f"accelerator = '{name}'\n")
            settings = Settings(state_option=Path(directory))
            with (
                mock.patch.object(planning, "choose_accelerator", chosen),
                mock.patch.object(planning, "kvm_trouble", mock.AsyncMock(return_value="it will hardly run")),
            ):
                made = await planning.plan(read_profile(path), settings, check=False)
            found.append([made.launch.accelerator, bool(made.accelerator_trouble)])
    return found


def hugepages() -> Decisions:
    pool = HugepagePool(2 * MIB, 10, 5, 2, 0, 0)
    found = [shortage(size * MIB, pool) for size in (2, 6, 8, 512)]
    classes = [refused(lambda: _raise(HugepageShortage("x", Shortage(2 * MIB, 1, 0, 0))))]
    return [one and msgspec.to_builtins(one) for one in found], classes


def _raise(error: Exception) -> None:
    raise error


@asynccontextmanager
async def silent_monitor(name: str) -> AsyncIterator[Path]:
    """A directory with a monitor that accepts and says nothing, as one does that another client holds."""
    with tempfile.TemporaryDirectory(prefix="wb-") as directory, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Path(directory) / name))
        listening.listen(8)
        yield Path(directory)


async def held_monitors() -> Decisions:
    """What a guest's session makes of a monitor that is held, and of one that does not exist, and what a line shows of it."""
    found: list[object] = []
    async with silent_monitor("qmp-cli.sock") as directory:
        for path in (directory / "qmp-cli.sock", directory / "none.sock"):
            guest = SessionGuest(parts_on(path), running(), lambda _: None, Settings(), driven=False)
            found.append(await raised(partial(guest.refresh, patience=0.05)))
            found.append([name_of(guest.snapshot.silence), watch_words.trouble_of(guest.snapshot) == watch_words.HELD])
            found.append(await raised(guest.events().__aenter__))
    return found


async def raised(call: Callable[[], Awaitable[object]]) -> str:
    try:
        await call()
    except WorkbenchError as error:
        return type(error).__name__
    return ""


def parts_on(path: Path) -> Parts:
    """A live guest whose monitors are all at one path."""

    async def connect(*_: object, **__: object) -> Monitor:
        return await Monitor.connect(path, deadline=0.05)

    occupied = lifecycle.Silence.OCCUPIED
    return cast(
        "Parts",
        SimpleNamespace(
            name="demo",
            facts=None,
            monitors=SimpleNamespace(connect=connect, connect_for_events=connect),
            process=SimpleNamespace(pid=1, alive=True, stopped=False, silence=lambda: (occupied, occupied.words)),
            store=SimpleNamespace(place=Place(path.parent, 0, 0, 0.0)),
            source=SimpleNamespace(describe=lambda snapshot: snapshot),
            console=None,
        ),
    )


def unanswered(pid: int, *, stopped: bool) -> GuestSnapshot:
    """A guest whose QEMU does not answer, as its driver publishes it."""
    with mock.patch.object(silence, "is_stopped", return_value=stopped):
        return running(answering=False, trouble=silence.silence_words(pid), silence=silence.silence_of(pid))


def silent_guests() -> Decisions:
    """The colour of a guest in the list, and whether the reason in the rebalance window leaves the hint out."""
    found = []
    for stopped in (False, True):
        snapshot = unanswered(47110815, stopped=stopped)
        found.append([state_words(snapshot, NOW)[1], "47110815" in unmovable(snapshot)])
    return found


def ends() -> Decisions:
    """The colours of a guest that has ended, and whether a narrow column has the short form."""
    found = []
    for code in (0, 1, 129, 135, 137):
        snapshot = GuestSnapshot("demo", ended=lifecycle.Exit(code))
        narrow, style = state_words(snapshot, NOW, 1)
        found.append([style, styles(empty_words(snapshot)), narrow != state_words(snapshot, NOW, 999)[0]])
    starting = empty_words(GuestSnapshot("demo", phase=Phase.STARTING))
    return found, styles(starting), [name_of(phase_of(status)) for status in ("running", "shutdown", "paused", "")]


async def listed_ends() -> Decisions:
    """Whether the list of guests shows how the last run ended."""
    found = []
    with tempfile.TemporaryDirectory(prefix="wb-") as directory:
        base = Path(directory)
        (base / "profiles").mkdir()
        (base / "state" / ENDS).mkdir(parents=True)
        for name, code in (("calm", 0), ("killed", 137)):
            (base / "profiles" / f"{name}.toml").write_text("")
            (base / "state" / ENDS / name).write_bytes(msgspec.json.encode(Ended(code, "")))
        engine = LocalEngine(Settings(profiles_option=base / "profiles", state_option=base / "state"), driven=False)
        guests = engine.guests()
        found += [len(line.split()) > 5 for line in table(guests)[1:]]
    return [guest.name for guest in guests], found


def drivers_that_come_and_go() -> Decisions:
    """Whether the device tree is read again: when the guest's driver has come."""
    return [
        has_driver_returned(before and balloon(state=before), balloon(state=after))
        for before in (None, *State)
        for after in State
    ]


def error_codes() -> Decisions:
    return {
        name: (one.exit_code, one.__mro__[1].__name__)
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, WorkbenchError)
    }


def exit_codes() -> Decisions:
    """Of verbs that need no guest."""
    found = []
    with tempfile.TemporaryDirectory(prefix="wb-") as directory:
        bad = Path(directory) / "bad.toml"
        bad.write_text("cpu.count = 0\n")
        for arguments in (
            ["list"], ["list", "--json"], ["status", "nosuch"], ["start", "nosuch"], ["stop", "nosuch"], ["check", "bad"],
            ["balloon", "nosuch", "1M"], ["command", "bad"], ["events", "nosuch"], ["nosuch"], ["compare", "bad", "nosuch"],
        ):  # fmt: skip
            done = CliRunner().invoke(workbench, ["--profiles", directory, "--state", f"{directory}/s", *arguments])
            found.append(
                [arguments[0], type(done.exception).__name__, getattr(done.exception, "exit_code", done.exit_code)]
            )
    return found


# The screen: keys in, requests out.


def styles(content: Content) -> list[str]:
    return [str(span.style) for span in content.spans]


async def keys_on_the_screen() -> Decisions:
    """What is staged and sent for a guest without a device, for one below its floor, for a calm one and a stopped one; and
    what the key for the next choice puts into the fields of a new disk."""
    without = judge(balloon().reading, Circumstances(now=NOW, device=False))
    engine = FakeEngine(running())
    app = WorkbenchApp(engine)
    found: list[object] = []
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        for snapshot in (
            running(balloon=replace(balloon(), verdict=without)),
            running(safety=Safety(floor=400 * MIB)),
            running(),
            GuestSnapshot("demo", memory=RAM),
        ):
            engine.publish(snapshot)
            await pilot.pause()
            await pilot.press("5")
            staged = app.screen.query_one(BalloonPanel).staged
            await pilot.press("enter")
            await pilot.pause()
            found.append([staged, isinstance(app.screen, Dialog), list(engine.guest("demo").asked)])
            await pilot.press("escape")
        offer = Offer(Kind.DISK, "disk1", (FreeBus("scsi0.0", "(LUN 0)", 0),), {}, base="/p", home="/h")
        form = PlugForm("demo", offer)
        await app.push_screen(form)
        form.action_all()
        for key in ("read-only", "media"):
            while form.row.key != key:
                form.action_move(1)
            form.action_choice()
            found.append([key, form.query_one(Input).value])
    return found


SCENARIOS: tuple[Callable[[], object], ...] = (
    diagnoses, forecasts, risk_of_a_floor, risk_on_the_command_line, targets, ramps, guards, marks, rebalances, outcomes,
    budget_that_is_too_small, outcome_on_the_screen, profiles, preset_beyond_all_ram, clashes, differences, start_failures,
    cares, typed_commands, deprecated_members, plugging, unplugging, leftovers, drifts, flags_of_devices,
    buses_for_a_driver, accelerators, trouble_with_the_accelerator, hugepages, held_monitors, silent_guests, ends,
    listed_ends, drivers_that_come_and_go, error_codes, exit_codes, keys_on_the_screen,
)  # fmt: skip


def decide(name: str) -> object:
    """One scenario's decisions; an error is one too, by its class."""
    scenario = next(one for one in SCENARIOS if one.__name__ == name)
    if asyncio.iscoroutinefunction(scenario):
        return asyncio.run(scenario())
    return scenario()
