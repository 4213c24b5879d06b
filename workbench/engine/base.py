"""What a screen, a command or a script may ask of guests and hosts. ``engine/local`` implements it with QEMU on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

from msgspec import Struct

from workbench.domain.host.hugepages import Supply
from workbench.domain.qmp.record.record import Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.balloon.path.timeline import PathView
    from workbench.domain.balloon.safety.protection import ProtectionRequest, Safety
    from workbench.domain.command_line.checked import Checked, ProfileText
    from workbench.domain.compare.drift import Difference, Live
    from workbench.domain.compare.keys import Comparison
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.endpoints import Endpoints
    from workbench.domain.devices.qom import Property
    from workbench.domain.devices.tree import DeviceTree, Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
    from workbench.domain.guest.lifecycle import Exit
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.host.snapshot import HostSnapshot
    from workbench.domain.hotplug.leftovers import Stake
    from workbench.domain.hotplug.plan import Offer
    from workbench.domain.hotplug.unplug import Keeping, Kind, Plan, Unplug
    from workbench.domain.profile.problems import Problem
    from workbench.domain.qmp.lookups import Known, Lookup
    from workbench.domain.qmp.manual import Paragraph
    from workbench.domain.qmp.record.record import Message, Record
    from workbench.domain.qmp.schema import Schema
    from workbench.domain.rebalance.progress import Course


class Event(Struct, frozen=True):
    """An event from QEMU."""

    name: str
    """Such as ``BALLOON_CHANGE``."""
    data: Mapping[str, object]
    time: float
    """Unix time at which QEMU sent it."""


class Devices(Protocol):
    """The devices of one guest, read afresh at each call. Read-only.

    Every coroutine raises :class:`workbench.errors.WorkbenchError` on failure.
    """

    async def tree(self) -> DeviceTree:
        """PCI functions with their QOM paths and driver states."""

    async def node(self, path: str) -> Node:
        """A QOM path with its properties and their values."""

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        """Some properties of a QOM path; ``kinds`` are their names and types."""

    async def virtio(self, path: str) -> Virtio | None:
        """The state of the virtio device at a path, beyond its properties; None if it is not a virtio device."""

    async def buses(self) -> Bus:
        """The main system bus and everything below it."""

    async def walk(self, *, values: bool = False, depth: int | None = None) -> Mapping[str, Node]:
        """Every QOM path. Without ``values``, properties may lack theirs.

        :param depth: levels below the root; None for all.
        """

    async def describe(self, type_name: str) -> TypeInfo:
        """A QOM type: its parents, and each property's description and default."""

    async def live(self) -> Live:
        """The objects in QEMU that were created by a command line or a client."""

    async def drift(self) -> tuple[Difference, ...]:
        """How the guest differs from its profile as it is now."""

    async def places(self) -> Mapping[str, str]:
        """For each device id, the line that defines it in the profile as it is now, such as ``demo.toml:14``."""

    async def endpoints(self) -> Endpoints:
        """Where to connect to its serial ports and display."""


class Lookups(Protocol):
    """Lookups for completing a command for one guest. Read-only, and not recorded as the user's commands."""

    async def has_file(self, path: str) -> bool:
        """Whether a path is a file or a block device where QEMU runs; relative to QEMU's working directory."""

    async def manual(self, command: str) -> Sequence[Paragraph]:
        """The section on a command in qemu-qmp-ref(7), or why there is none. Raises nothing."""

    async def known(self, lookup: Lookup) -> Sequence[Known]:
        """The guest's objects of one kind; empty if it has none or does not support the query.

        :raise workbench.errors.MonitorError: if it does not answer.
        """


class Hotplug(Protocol):
    """Plugs and unplugs devices of one running guest, one change at a time.

    Every coroutine raises :class:`workbench.errors.WorkbenchError` on failure.
    """

    async def offer(self, kind: Kind) -> Offer:
        """What the guest has available for another device of a kind."""

    async def plug(self, offer: Offer, plan: Plan) -> None:
        """Create a device's backend, then the device; if QEMU refuses, remove both."""

    async def behind(self, name: str) -> Stake:
        """What is removed together with a device."""

    async def unplug(self, name: str, patience: float) -> Unplug:
        """Request an unplug and wait ``patience`` seconds for the guest; until it is done the snapshot lists it.

        For a device that is gone already, only what it left behind is removed.
        """

    async def keeping(self, name: str, plan: Plan | None = None) -> Keeping:
        """The change to the profile that would keep a hot-plugged device.

        :param plan: for one that is not plugged yet.
        """

    async def keep(self, change: Keeping) -> str:
        """Write that change, unless the file has changed since; return its file and line."""


class Guest(Protocol):
    """One guest. Changes are made one at a time.

    Every coroutine raises :class:`workbench.errors.WorkbenchError` on failure: :class:`~workbench.errors.NotFound` if the
    guest is not running, :class:`~workbench.errors.MonitorError` if its QEMU does not answer.
    """

    @property
    def snapshot(self) -> GuestSnapshot: ...

    @property
    def record(self) -> Record:
        """All messages on this guest's monitor since the screen opened."""

    @property
    def watched(self) -> bool:
        """Whether the guest is on display; if so, it is read often."""

    @watched.setter
    def watched(self, value: bool) -> None: ...

    def hold(self) -> AbstractAsyncContextManager[None]:
        """Keep the connection to QEMU open between requests. An engine opened for single requests makes one for each
        otherwise; raises nothing.
        """

    async def refresh(
        self, *, settle: float = 0.0, report: bool = False, brief: bool = False, patience: float = ...
    ) -> GuestSnapshot:
        """Read the guest now; if that fails, the snapshot says why, too.

        :param settle: seconds in which a diff is read repeatedly: one reading cannot show whether it moves.
        :param report: wait for the guest's next statistics report, if it comes in time.
        :param brief: only its run state, not its balloon.
        :param patience: seconds to wait for other clients of its monitor.
        """

    async def wait_until(
        self,
        condition: Callable[[GuestSnapshot], bool],
        seconds: float,
        *,
        each: Callable[[GuestSnapshot], None] = ...,
    ) -> GuestSnapshot:
        """Read the guest until a condition is met, for at most ``seconds``.

        :param each: called with every snapshot.
        :raise workbench.errors.NotReached: if it is not met in time.
        """

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        oob: bool = False,
        deadline: float | None = None,
    ) -> object:
        """Run one QMP command and return its value; with ``oob``, out of band. Cancelling only stops waiting.

        :param deadline: seconds until it counts as unanswered; by default a minute for the user's own.
        """

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """The events from now on, until the guest ends.

        :raise workbench.errors.MonitorUnavailable: if another client is reading them, and only one can.
        """

    async def version(self) -> str:
        """QEMU's version, such as ``7.2.22``."""

    async def wait_disconnected(self) -> NoReturn:
        """Wait until the connection to QEMU ends.

        :raise workbench.errors.MonitorClosed: then; with how QEMU ended, if it did.
        """

    async def schema(self) -> Schema:
        """The QAPI schema of the running QEMU."""

    @property
    def lookups(self) -> Lookups:
        """Lookups for the QMP console's completion."""

    @property
    def devices(self) -> Devices:
        """Its devices."""

    @property
    def hotplug(self) -> Hotplug:
        """Plugs and unplugs its devices."""

    async def past(self, start: float, step: float) -> Past:
        """The history from ``start`` (Unix time) until now, in spans of about ``step`` seconds."""

    async def marks(self) -> Sequence[Mark]:
        """What happened to it, oldest first."""

    async def set_target(self, size: int, *, safety: Safety | None = None) -> None:
        """Set the target to ``size`` bytes; a large inflation goes in steps if a ramp is on.

        :param safety: run this ramp and guard from now on; None: those that are on. They act with each reading, so keep
            reading, and hold the connection.
        """

    async def protect(self, request: ProtectionRequest) -> None:
        """Switch its ramp or guard on or off, or stop, continue or dismiss what they did."""

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def reset(self) -> None: ...

    async def power_down(self) -> None:
        """Press the guest's ACPI power button. The guest may ignore it."""

    async def kill(self) -> None:
        """Kill QEMU: data that the guest has not written is lost."""

    async def wait_ended(self, seconds: float) -> Exit | None:
        """Wait until QEMU has ended, for at most ``seconds``; return how, or None if it still runs."""

    async def stop(self, seconds: float = 30.0, *, kill: bool = False) -> Exit:
        """Press the power button, again every few seconds, until QEMU has ended; return how.

        :param kill: kill QEMU if it has not ended after ``seconds``; at once if they are 0.
        :raise workbench.errors.NotReached: if it is still running.
        """

    def console(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Pass the serial console's scrollback to ``listener``, then its output, with control characters.

        Call the returned function to stop.
        """

    async def type(self, text: str) -> None:
        """Send text to the serial console."""

    def path(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        """Pass the path of the last target change to ``listener``, then every update of it or of the next one.

        Call the returned function to stop; until then QEMU's trace events are on.
        """


class Profiles(Protocol):
    """The profile files, for the editor.

    Every coroutine raises :class:`workbench.errors.WorkbenchError` on failure.
    """

    async def read(self, name: str) -> ProfileText:
        """A guest's profile: the user's, or else the sample with that name."""

    async def disk(self, known: ProfileText) -> ProfileText:
        """The profile on disk now: ``known`` itself if unchanged; without a stamp if the file is gone."""

    async def save(self, known: ProfileText, text: str, *, anyway: bool = False) -> ProfileText:
        """Write a profile atomically.

        :raise workbench.domain.profile.problems.ProfileChanged: if the text on disk is not ``known``, unless ``anyway``.
        """

    def check(self, known: ProfileText, text: str) -> Checked:
        """The problems in a text by itself, and its QEMU options. Fast enough for every keystroke."""

    async def bases_changed(self, checked: Checked) -> bool:
        """Whether a file that the text extends has changed since the text was checked."""

    @property
    def uses_samples(self) -> bool:
        """Whether the user has no profiles directory yet, so that the samples are used."""

    def templates(self) -> Mapping[str, str]:
        """Templates for a new profile, by name."""

    def name_trouble(self, name: str) -> str:
        """Why a new profile cannot have this name; empty if it can."""

    async def create(self, name: str, text: str) -> ProfileText:
        """Write a new profile; never overwrites one."""

    async def rename(self, name: str, new: str) -> ProfileText:
        """Rename a profile, together with its UEFI variables."""

    async def trash(self, name: str) -> Path:
        """Move a profile to the trash; return its path there."""

    async def extended_by(self, name: str) -> tuple[str, ...]:
        """Profiles that extend this one; they break if it is moved."""

    def comparable(self, name: str) -> tuple[str, ...]:
        """What a profile can be compared with: first, as an empty name, the one its guest runs with; then the others."""

    async def compare(self, known: ProfileText, text: str, other: str) -> Comparison:
        """How a text differs from another profile, or, for an empty name, from the one its guest runs with."""

    async def check_host(self, known: ProfileText, text: str) -> tuple[Problem, ...]:
        """Problems of a valid text with this host: its files and the installed QEMU."""


class InputHistory(Protocol):
    """The lines typed by the user, kept across runs and shared by all open screens."""

    @property
    def lines(self) -> Sequence[str]:
        """Oldest first; empty if they cannot be read."""

    def add(self, line: str) -> None:
        """Add a line, unless it repeats the last one or begins with a space.

        :raise OSError: if it cannot be written; it is still kept for this run.
        """


class Engine(Protocol):
    """The guests and the host."""

    async def open(self) -> None:
        """Find profiles and running guests, and start watching them."""

    async def close(self) -> None:
        """Close all connections; guests keep running."""

    async def refresh(
        self, names: Sequence[str] | None = None, *, settle: float = 0.0, brief: bool = False
    ) -> Sequence[GuestSnapshot]:
        """Read guests now, all at the same time; the snapshot of one that does not answer says why.

        :param names: only these; by default all that run.
        :param settle: see :meth:`Guest.refresh`; so is ``brief``.
        """

    async def carry_out(self, course: Course, report: Callable[[Course], None]) -> None:
        """Carry out a rebalance until it is over.

        :param report: called after each round of readings.
        """

    def guests(self) -> Sequence[GuestSnapshot]:
        """Every profile and every running guest, by name."""

    def guest(self, name: str) -> Guest:
        """:raise workbench.errors.NotFound: if there is neither a guest nor a profile with that name."""

    def watch(self, listener: Callable[[GuestSnapshot], None]) -> Callable[[], None]:
        """Call ``listener`` with each new snapshot of any guest. Call the returned function to stop."""

    @property
    def profiles(self) -> Profiles:
        """The profile files."""

    async def start(self, name: str, supply: Supply = Supply.NOTHING) -> None:
        """Start a profile's guest, detached, and wait until QMP answers.

        :param supply: what to do if its hugepage pool is too small.
        :raise workbench.domain.host.hugepages.HugepageShortage: if the pool is too small and may not be grown.
        """

    async def host(self) -> HostSnapshot: ...

    async def keep_picture(self, name: str, svg: str) -> Path:
        """Write a picture of a guest's history to the user's files; return its path."""

    async def keep_record(self, name: str, messages: Sequence[Message]) -> Path:
        """Write a guest's QMP messages to a file that only the user can read; return its path."""

    @property
    def input_history(self) -> InputHistory:
        """The QMP console's input history."""
