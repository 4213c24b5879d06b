"""What a screen may ask for. ``local.py`` answers with QEMU on this host; another engine fits in beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workbench.domain.host.hugepages import Supply
from workbench.domain.qmp.record.record import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.balloon.path.timeline import PathView
    from workbench.domain.balloon.safety.protection import Wish
    from workbench.domain.command_line.checked import Checked, ProfileText
    from workbench.domain.compare.drift import Difference
    from workbench.domain.compare.keys import Comparison
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Property
    from workbench.domain.devices.tree import DeviceTree, Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
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


class Devices(Protocol):
    """The devices of one guest, read now at each call; nothing here changes a guest.

    Every coroutine raises a :class:`workbench.errors.WorkbenchError` when it cannot do what it says.
    """

    async def tree(self) -> DeviceTree:
        """PCI functions with their QOM paths and driver states."""

    async def node(self, path: str) -> Node:
        """One QOM path with its properties and their values."""

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        """Some properties of one QOM path; ``kinds`` are their names and types."""

    async def virtio(self, path: str) -> Virtio | None:
        """What is known of the virtio device at a path beyond properties; None when it is none."""

    async def buses(self) -> Bus:
        """The main system bus and everything below it."""

    async def walk(self, *, values: bool = False) -> Mapping[str, Node]:
        """Every QOM path. Properties may come without values when those are not asked for."""

    async def describe(self, type_name: str) -> TypeInfo:
        """A QOM type: parents, and each property's description and default."""

    async def drift(self) -> tuple[Difference, ...]:
        """How the guest differs from what its profile says now."""

    async def places(self) -> Mapping[str, str]:
        """Each device's id with the line of the profile as it is now that makes it, such as ``demo.toml:14``."""


class Lookups(Protocol):
    """What helps to write a command for one guest; nothing here changes a guest, or is kept in its record as the user's."""

    async def has_file(self, path: str) -> bool:
        """Whether a path names a file or a block device where QEMU runs; a relative one begins at QEMU's directory."""

    async def manual(self, command: str) -> Sequence[Paragraph]:
        """What QEMU's manual page qemu-qmp-ref(7) says of a command, or why it says nothing. Nothing is raised."""

    async def known(self, lookup: Lookup) -> Sequence[Known]:
        """What the guest has of one sort; nothing when it has none, or cannot be asked that.

        :raise workbench.errors.MonitorError: when it does not answer.
        """


class Hotplug(Protocol):
    """Devices of one guest that come and go while it runs: one change at a time.

    Every coroutine raises a :class:`workbench.errors.WorkbenchError` when it cannot do what it says.
    """

    async def offer(self, kind: Kind) -> Offer:
        """What the guest has for one more device of a kind."""

    async def plug(self, offer: Offer, plan: Plan) -> None:
        """Make what is behind a device, then the device; when QEMU refuses it, nothing is left."""

    async def behind(self, name: str) -> Stake:
        """What goes with a device when it is taken out."""

    async def unplug(self, name: str, patience: float) -> Unplug:
        """Ask a device to go and wait so many seconds for the guest's answer; the snapshot has it until it is known."""

    async def keeping(self, name: str) -> Keeping:
        """What would be written into the profile to keep a device that was plugged in."""

    async def keep(self, change: Keeping) -> str:
        """Write it, unless the file was changed meanwhile, and give the place: file and line."""


class Guest(Protocol):
    """One guest. Whatever changes it goes through its driver task, one request at a time.

    Every coroutine raises a :class:`workbench.errors.WorkbenchError` when it cannot do what it says.
    """

    @property
    def snapshot(self) -> GuestSnapshot: ...

    @property
    def record(self) -> Record:
        """Everything that passed on this guest's monitor since the screen opened."""

    @property
    def watched(self) -> bool:
        """Whether somebody looks at this guest now: its readings come often."""

    @watched.setter
    def watched(self, value: bool) -> None: ...

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        oob: bool = False,
    ) -> object:
        """Run one QMP command and give its return value; out of band with ``oob``. Cancelled, it gives up waiting."""

    async def schema(self) -> Schema:
        """The QAPI schema of the running QEMU."""

    @property
    def lookups(self) -> Lookups:
        """What the QMP console looks up while a command is typed."""

    @property
    def devices(self) -> Devices:
        """What is in it."""

    @property
    def hotplug(self) -> Hotplug:
        """What can be plugged in and out."""

    async def past(self, start: float, step: float) -> Past:
        """What was recorded from ``start`` (Unix time) until now, in spans of about ``step`` seconds, however long it is."""

    async def set_target(self, size: int) -> None:
        """Ask the guest to have ``size`` bytes of RAM: in steps where a ramp is on and it is a large inflation."""

    async def protect(self, wish: Wish) -> None:
        """Switch its ramp or guard, or end, take up or dismiss what they did."""

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def reset(self) -> None: ...

    async def power_down(self) -> None:
        """Press the guest's power button (ACPI). The guest decides."""

    async def kill(self) -> None:
        """End QEMU now: what the guest has not written is lost."""

    def console(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Give the serial console's scrollback and then its output as it comes, as text with control characters.

        Call what this returns to end it.
        """

    async def type(self, text: str) -> None:
        """Send text to the serial console."""

    def path(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        """Give what was seen of the last change of the target, and then whatever is new of it or of the next one.

        QEMU's trace events are on until what this returns is called.
        """


class Profiles(Protocol):
    """The profiles' files, for the editor.

    Every coroutine raises a :class:`workbench.errors.WorkbenchError` when it cannot do what it says.
    """

    async def read(self, name: str) -> ProfileText:
        """A guest's profile: the user's, else the shipped sample of that name."""

    async def disk(self, known: ProfileText) -> ProfileText:
        """What stands on the disk now: ``known`` itself when nothing wrote there since; without a stamp when it is gone."""

    async def save(self, known: ProfileText, text: str, *, anyway: bool = False) -> ProfileText:
        """Write a profile, whole or not at all.

        :raise workbench.domain.profile.problems.ProfileChanged: when the disk has another text than ``known``, unless ``anyway``.
        """

    def check(self, known: ProfileText, text: str) -> Checked:
        """What is wrong with a text in itself, and the options that it gives: quick enough for each key."""

    async def bases_changed(self, checked: Checked) -> bool:
        """Whether a file that the text extends is another one since the text was checked."""

    @property
    def samples_stand_in(self) -> bool:
        """Whether the user has no directory of profiles yet: the first one that is written ends that."""

    def templates(self) -> Mapping[str, str]:
        """What a new profile can begin with, by name."""

    def name_trouble(self, name: str) -> str:
        """Why a new profile cannot have this name; empty when it can."""

    async def create(self, name: str, text: str) -> ProfileText:
        """Write a new profile; one that is there is never overwritten."""

    async def rename(self, name: str, new: str) -> ProfileText:
        """Give a profile another name, and the UEFI variables that the workbench keeps for it too."""

    async def trash(self, name: str) -> Path:
        """Move a profile into the trash, and say where it is now."""

    async def extended_by(self, name: str) -> tuple[str, ...]:
        """The other profiles that extend this one: they fail when it is gone from its place."""

    def comparable(self, name: str) -> tuple[str, ...]:
        """What a profile can be compared with: the others, and first, as an empty name, the one that its guest runs with."""

    async def compare(self, known: ProfileText, text: str, other: str) -> Comparison:
        """How a text differs from another profile, or with an empty name from the one that the guest runs with."""

    async def check_host(self, known: ProfileText, text: str) -> tuple[Problem, ...]:
        """What files and the installed QEMU have against a text that is right in itself."""


class InputHistory(Protocol):
    """The lines that a user typed, kept across runs and shared by every screen that is open."""

    @property
    def lines(self) -> Sequence[str]:
        """Oldest first; none where they cannot be read."""

    def add(self, line: str) -> None:
        """Keep a line, unless it repeats the last one or begins with a space.

        :raise OSError: when it cannot be written; it is kept for this run.
        """


class Engine(Protocol):
    """The guests and the host."""

    async def open(self) -> None:
        """Find profiles and running guests, and begin to watch them."""

    async def close(self) -> None:
        """Let go of everything; guests run on."""

    def guests(self) -> Sequence[GuestSnapshot]:
        """Every profile and every running guest, by name."""

    def guest(self, name: str) -> Guest:
        """:raise workbench.errors.NotFound: when there is none of that name."""

    def watch(self, listener: Callable[[GuestSnapshot], None]) -> Callable[[], None]:
        """Call ``listener`` with each new snapshot of any guest; call what this returns to end that."""

    @property
    def profiles(self) -> Profiles:
        """Their files."""

    async def start(self, name: str, supply: Supply = Supply.NOTHING) -> None:
        """Start the guest of a profile, detached, and wait until its QMP answers.

        :param supply: what to do when its pool of hugepages is too small.
        :raise workbench.domain.host.hugepages.HugepageShortage: when that is to say so.
        """

    async def host(self) -> HostSnapshot: ...

    async def keep_picture(self, name: str, svg: str) -> Path:
        """Write a picture of a guest's history where the user finds it, and say where that is."""

    async def keep_record(self, name: str, messages: Sequence[Message]) -> Path:
        """Write what passed on a guest's monitor where its user alone can read it, and say where that is."""

    @property
    def input_history(self) -> InputHistory:
        """What the user typed at the QMP console."""
