"""A fake engine whose guests do what a test sets: tests the screen on snapshots, without QEMU."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from msgspec.structs import replace

from workbench.domain.balloon.backing import Backing
from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.balloon.history.samples import Past
from workbench.domain.balloon.ledger import Ledger, Moment
from workbench.domain.balloon.path.timeline import PathView
from workbench.domain.balloon.reading import GuestStats, HostMemory, Reading, Sample, Source
from workbench.domain.command_line.argv import Launch, argv_parts
from workbench.domain.command_line.checked import Checked, ProfileText
from workbench.domain.compare.keys import Comparison, compare_profiles
from workbench.domain.devices.type_info import PropertyInfo
from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.host.hugepages import HugepagePool, Supply
from workbench.domain.host.snapshot import HostSnapshot
from workbench.domain.hotplug.leftovers import Behind, Sort, Stake
from workbench.domain.hotplug.plan import FreeBus, Offer
from workbench.domain.hotplug.unplug import Keeping, Kind, Plan, Unplug
from workbench.domain.hotplug.unplug import State as UnplugState
from workbench.domain.profile.names import check_name
from workbench.domain.profile.problems import ProfileChanged
from workbench.domain.profile.text.parse import parse
from workbench.domain.qmp.record.record import Origin, Record
from workbench.domain.qmp.schema import Schema
from workbench.domain.units import GIB, MIB
from workbench.engine.rebalance.carry_out import carry_out
from workbench.engine.session.stop import stop
from workbench.engine.storage.input_history import InputHistory
from workbench.engine.storage.record_file import save_record
from workbench.errors import HostError, NotFound, NotReached, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.safety.protection import ProtectionRequest, Safety
    from workbench.domain.compare.drift import Difference, Live
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.endpoints import Endpoints
    from workbench.domain.devices.qom import Property
    from workbench.domain.devices.tree import DeviceTree, Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
    from workbench.domain.profile.problems import Problem
    from workbench.domain.qmp.lookups import Known, Lookup
    from workbench.domain.qmp.manual import Paragraph
    from workbench.domain.qmp.record.record import Message
    from workbench.domain.rebalance.progress import Course
    from workbench.engine.base import Devices, Event

RAM = 512 * MIB
NOW = 1_800_000_000.0


def balloon(
    target: int = RAM,
    actual: int = RAM,
    *,
    state: State | None = None,
    available: int | None = 400 * MIB,
    ours: bool = True,
) -> Balloon:
    """A balloon at rest, or moving where target and actual differ."""
    moving = State.INFLATING if actual > target else State.DEFLATING
    reading = Reading(NOW, RAM, target, actual, Source.CONFIG_SPACE)
    return Balloon(
        Verdict(state or (State.SETTLED if target == actual else moving)),
        reading,
        rate=0.0 if target == actual else (target - actual) / 2,
        stats=GuestStats(NOW - 2, 2, total=470 * MIB, available=available, caches=3 * MIB, swap_out=0),
        host=HostMemory(100 * MIB, 210 * MIB),
        ours=ours,
        ledger=Ledger(
            RAM,
            Moment(NOW, target, actual, 100 * MIB, available),
            Moment(NOW - 60, RAM, RAM, 210 * MIB, 440 * MIB),
            ours=ours,
            backing=Backing(reporting=True),
        ),
        history=tuple(Sample(NOW - 60 + i, target, actual, 100 * MIB, available) for i in range(60)),
    )


def running(name: str = "demo", **changes: object) -> GuestSnapshot:
    """A running guest that answers."""
    facts: dict[str, object] = {
        "phase": Phase.RUNNING,
        "status": "running",
        "pid": 4711,
        "memory": RAM,
        "accelerator": "tcg",
        "accelerator_reason": "no vmx or svm here",
        "qemu_version": "7.2.22",
        "started": NOW - 192,
        "balloon": balloon(),
        "profile_path": f"/profiles/{name}.toml",
    }
    facts |= changes
    facts.setdefault("run", f"{facts['pid']}@1")
    return GuestSnapshot(name, **facts)  # type: ignore[arg-type]


class FakeDevices:
    """A guest that does not exist: every read fails."""

    async def tree(self) -> DeviceTree:
        self._refuse()

    async def node(self, path: str) -> Node:
        self._refuse()

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        self._refuse()

    async def virtio(self, path: str) -> Virtio | None:
        self._refuse()

    async def buses(self) -> Bus:
        self._refuse()

    async def walk(self, *, values: bool = False, depth: int | None = None) -> Mapping[str, Node]:
        self._refuse()

    async def live(self) -> Live:
        self._refuse()

    async def endpoints(self) -> Endpoints:
        self._refuse()

    async def describe(self, type_name: str) -> TypeInfo:
        self._refuse()

    async def drift(self) -> tuple[Difference, ...]:
        self._refuse()

    async def places(self) -> Mapping[str, str]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise WorkbenchError("no devices in a fake guest")


class FakeLookups:
    """Knows only what a test gives it."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    async def has_file(self, path: str) -> bool:
        return path in self.files

    async def manual(self, command: str) -> Sequence[Paragraph]:
        return ()

    async def known(self, lookup: Lookup) -> Sequence[Known]:
        return ()


class FakeHotplug:
    """Has one free slot and records plugs and unplugs; a test sets how an unplug ends."""

    def __init__(self, note: Callable[..., Awaitable[None]]) -> None:
        self._note = note
        self.buses: tuple[FreeBus, ...] = (FreeBus("pcie-port0"),)
        self.end = Unplug("net1", UnplugState.GONE)
        self.kept = Keeping(
            "demo", "net1", "/profiles/demo.toml", "", "", '[[net]]\nid = "net1"\n', "net = false", 9, ("speed",)
        )

    async def offer(self, kind: Kind) -> Offer:
        infos = {
            "speed": PropertyInfo("speed", "int32", "", -1, True),
            "mrg_rxbuf": PropertyInfo("mrg_rxbuf", "bool", "on/off [/b]", True, True),
        }
        return Offer(kind, f"{kind}1", self.buses, {"virtio-net-pci": infos})

    async def plug(self, offer: Offer, plan: Plan) -> None:
        await self._note("plug", plan.id, [step.command for step in plan.steps])

    async def behind(self, name: str) -> Stake:
        return Stake("virtio-net-pci", ("below0",), (Behind(Sort.NETDEV, f"{name}-host"),))

    async def unplug(self, name: str, patience: float) -> Unplug:
        await self._note("unplug", name)
        return replace(self.end, id=name)

    async def keeping(self, name: str, plan: Plan | None = None) -> Keeping:
        return self.kept

    async def keep(self, change: Keeping) -> str:
        await self._note("keep", change.path)
        return f"{change.path}:9"


class FakeGuest:
    """Records its requests."""

    def __init__(self, snapshot: GuestSnapshot) -> None:
        self.snapshot = snapshot
        self.record = Record()
        self.watched = False
        self.changed = asyncio.Event()
        """Set when a test publishes another snapshot."""
        self.happened: list[Event] = []
        """The events that it sends before it ends."""
        self.devices: Devices = FakeDevices()
        self.hotplug = FakeHotplug(self._note)
        self.asked: list[object] = []
        self.pasts: list[tuple[float, float]] = []
        """The requests for its history."""
        self.kept = Past()
        self.lookups = FakeLookups()
        self.failure: WorkbenchError | None = None
        self.console_listeners: list[Callable[[str], None]] = []
        self.path_listeners: list[Callable[[PathView], None]] = []
        self.path_view = PathView("7.2.22", traced=True)

    async def _note(self, *what: object) -> None:
        if self.failure is not None:
            raise self.failure
        if not self.snapshot.phase.alive:
            raise NotFound(f"{self.snapshot.name} is not running")
        self.asked.append(what if len(what) > 1 else what[0])

    def hold(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def refresh(
        self, *, settle: float = 0.0, report: bool = False, brief: bool = False, patience: float = 0.0
    ) -> GuestSnapshot:
        if self.failure is not None:
            raise self.failure
        return self.snapshot

    async def wait_until(
        self,
        condition: Callable[[GuestSnapshot], bool],
        seconds: float,
        *,
        each: Callable[[GuestSnapshot], None] = lambda _snapshot: None,
    ) -> GuestSnapshot:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self.changed.clear()
                    each(self.snapshot)
                    if condition(self.snapshot):
                        return self.snapshot
                    await self.changed.wait()
        raise NotReached(f"{self.snapshot.name}: the condition was not met within {seconds:g} s")

    async def version(self) -> str:
        return self.snapshot.qemu_version

    async def wait_disconnected(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Event]]:
        yield self._until_ended(self.happened)

    async def _until_ended(self, events: Sequence[Event]) -> AsyncIterator[Event]:
        for event in events:
            yield event

    async def marks(self) -> Sequence[Mark]:
        return self.snapshot.balloon.marks if self.snapshot.balloon is not None else ()

    async def wait_ended(self, seconds: float) -> Exit | None:
        with suppress(NotReached):
            await self.wait_until(lambda snapshot: not snapshot.phase.alive, seconds)
        return self.snapshot.ended

    async def stop(self, seconds: float = 30.0, *, kill: bool = False) -> Exit:
        return await stop(self, seconds, kill=kill)

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        oob: bool = False,
        deadline: float | None = None,
    ) -> object:
        await self._note("execute", command, arguments)
        return {}

    async def schema(self) -> Schema:
        return Schema.from_query(
            [
                {"name": "query-status", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
                {"name": "0", "meta-type": "object", "members": []},
            ]
        )

    async def past(self, start: float, step: float) -> Past:
        self.pasts.append((start, step))
        return self.kept

    async def set_target(self, size: int, *, safety: Safety | None = None) -> None:
        await self._note("target", size)

    async def protect(self, request: ProtectionRequest) -> None:
        await self._note("protect", request)

    async def pause(self) -> None:
        await self._note("pause")

    async def resume(self) -> None:
        await self._note("resume")

    async def reset(self) -> None:
        await self._note("reset")

    async def power_down(self) -> None:
        await self._note("power_down")

    async def kill(self) -> None:
        await self._note("kill")

    def console(self, listener: Callable[[str], None]) -> Callable[[], None]:
        self.console_listeners.append(listener)
        listener("hello from the guest\n")
        return lambda: self.console_listeners.remove(listener)

    def print(self, text: str) -> None:
        """Write to its serial console."""
        for listener in tuple(self.console_listeners):
            listener(text)

    async def type(self, text: str) -> None:
        await self._note("type", text)

    def path(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        self.path_listeners.append(listener)
        listener(self.path_view)
        return lambda: self.path_listeners.remove(listener)

    def show_path(self, view: PathView) -> None:
        """Publish its path to all listeners."""
        self.path_view = view
        for listener in tuple(self.path_listeners):
            listener(view)


class FakeProfiles:
    """Profiles in memory, one "disk" that a test may write to."""

    def __init__(self, **texts: str) -> None:
        self.files: dict[str, ProfileText] = {}
        self._writes = 0
        self.looks = 0
        """How often the disk was checked."""
        self.host_problems: tuple[Problem, ...] = ()
        self.failure: WorkbenchError | None = None
        for name, text in texts.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> ProfileText:
        """Write a file as another program would."""
        self._writes += 1
        self.files[name] = ProfileText(name, f"/profiles/{name}.toml", text, (self._writes,))
        return self.files[name]

    async def read(self, name: str) -> ProfileText:
        if name not in self.files:
            raise NotFound(f"no profile {name}")
        return self.files[name]

    async def disk(self, known: ProfileText) -> ProfileText:
        self.looks += 1
        return self.files.get(known.name, ProfileText(known.name, known.path, ""))

    async def save(self, known: ProfileText, text: str, *, anyway: bool = False) -> ProfileText:
        if self.failure is not None:
            raise self.failure
        if not anyway and (await self.disk(known)).stamp != known.stamp:
            raise ProfileChanged(f"{known.path} was changed")
        return self.write(known.name, text)

    def check(self, known: ProfileText, text: str) -> Checked:
        file = f"{known.name}.toml"
        parsed = parse(text, name=known.name, file=file)
        if parsed.profile is None:
            return Checked(file, parsed)
        return Checked(
            file, parsed, argv_parts(parsed.profile, Launch("/usr/bin/qemu", "/run/demo", "tcg")), "/usr/bin/qemu"
        )

    async def bases_changed(self, checked: Checked) -> bool:
        return False

    async def extended_by(self, name: str) -> tuple[str, ...]:
        return tuple(other for other, one in self.files.items() if f'"{name}.toml"' in one.text)

    uses_samples = False

    def comparable(self, name: str) -> tuple[str, ...]:
        return ("", *(other for other in self.files if other != name))

    async def compare(self, known: ProfileText, text: str, other: str) -> Comparison:
        one, two = self.check(known, self.files[other or known.name].text), self.check(known, text)
        assert one.parsed.profile is not None
        assert two.parsed.profile is not None
        return compare_profiles((one.parsed.profile, one.parts), (two.parsed.profile, two.parts))

    def templates(self) -> Mapping[str, str]:
        return {"empty": "", "small": '[memory]\nsize = "64M"\n'}

    def name_trouble(self, name: str) -> str:
        return check_name(name) or (f"a profile named {name} already exists" if name in self.files else "")

    async def create(self, name: str, text: str) -> ProfileText:
        return self.write(name, text)

    async def rename(self, name: str, new: str) -> ProfileText:
        return self.write(new, self.files.pop(name).text)

    async def trash(self, name: str) -> Path:
        del self.files[name]
        return Path(f"/profiles/.trash/{name}.toml")

    async def check_host(self, known: ProfileText, text: str) -> tuple[Problem, ...]:
        return self.host_problems


class FakeEngine:
    """Guests that a test creates and changes."""

    def __init__(self, *snapshots: GuestSnapshot, history_file: Path | None = None) -> None:
        self._guests = {snapshot.name: FakeGuest(snapshot) for snapshot in snapshots}
        self._listeners: list[Callable[[GuestSnapshot], None]] = []
        self._history_file = history_file or Path("/nonexistent/history")
        self.input_history = InputHistory(self._history_file)
        self.started: list[str] = []
        self.supplies: list[Supply] = []
        self.pictures: list[str] = []
        self.start_failure: WorkbenchError | None = None
        self.closed = asyncio.Event()
        self.profiles = FakeProfiles()

    async def keep_record(self, name: str, messages: Sequence[Message]) -> Path:
        directory = self._history_file.parent / "records"
        try:
            return save_record(messages, directory, name, NOW)
        except OSError as error:
            raise HostError(f"{error.strerror}: {directory}") from error

    async def open(self) -> None:
        """Nothing to find."""

    async def close(self) -> None:
        self.closed.set()

    async def refresh(
        self, names: Sequence[str] | None = None, *, settle: float = 0.0, brief: bool = False
    ) -> Sequence[GuestSnapshot]:
        wanted = sorted(self._guests) if names is None else names
        return [self.guest(name).snapshot for name in wanted]

    async def carry_out(self, course: Course, report: Callable[[Course], None]) -> None:
        await carry_out({name: self.guest(name) for name in course.progress}, course, report, own_safety=False)

    def guests(self) -> Sequence[GuestSnapshot]:
        return [guest.snapshot for guest in self._guests.values()]

    def guest(self, name: str) -> FakeGuest:
        if name not in self._guests:
            raise NotFound(f"no guest {name}")
        return self._guests[name]

    def watch(self, listener: Callable[[GuestSnapshot], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, snapshot: GuestSnapshot) -> None:
        """Publish a new snapshot, as a guest's session would."""
        guest = self._guests.setdefault(snapshot.name, FakeGuest(snapshot))
        guest.snapshot = snapshot
        guest.changed.set()
        for listener in tuple(self._listeners):
            listener(snapshot)

    async def start(self, name: str, supply: Supply = Supply.NOTHING) -> None:
        self.supplies.append(supply)
        if self.start_failure is not None and supply is Supply.NOTHING:
            raise self.start_failure
        self.started.append(name)

    async def keep_picture(self, name: str, svg: str) -> Path:
        if self.start_failure is not None:
            raise self.start_failure
        self.pictures.append(svg)
        return Path(f"/pictures/[{name}].svg")

    async def host(self) -> HostSnapshot:
        return HostSnapshot(
            "tcg",
            "no vmx or svm here",
            "KVM",
            "7.2.22",
            24 * GIB,
            16 * GIB,
            (HugepagePool(2 * MIB, 64, 64, 0, 0),),
            2,
        )
