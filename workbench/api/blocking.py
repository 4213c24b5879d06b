"""``workbench.connect()``: the same as ``workbench.open()`` for code that is not a coroutine, such as tests and notebooks."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from workbench.api.loop_thread import LoopThread
from workbench.api.opening import open
from workbench.domain.host.hugepages import Supply

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from os import PathLike
    from types import TracebackType

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.balloon.safety.protection import Safety
    from workbench.domain.guest.lifecycle import Exit
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine, Event, Guest

T = TypeVar("T")


def connect(*, state: str | PathLike[str] | None = None, profiles: str | PathLike[str] | None = None) -> BlockingEngine:
    """The guests of this host; see :func:`workbench.open` for the parameters. Use it in a ``with`` block, or close it."""
    with ExitStack() as exits:
        loop = LoopThread()
        exits.callback(loop.close)
        engine = exits.enter_context(loop.entered(open(state=state, profiles=profiles)))
        return BlockingEngine(engine, loop, exits.pop_all())


class BlockingEngine:
    """See :class:`workbench.engine.base.Engine`: the methods here have the same names, and block."""

    def __init__(self, engine: Engine, loop: LoopThread, exits: ExitStack) -> None:
        """:param exits: ends the engine, then the loop."""
        self._engine = engine
        self._loop = loop
        self._exits = exits

    def __enter__(self) -> BlockingEngine:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and end the thread; guests keep running."""
        self._exits.close()

    def guests(self) -> Sequence[GuestSnapshot]:
        return self._loop.call(self._engine.guests)

    def guest(self, name: str) -> BlockingGuest:
        return BlockingGuest(self._loop.call(lambda: self._engine.guest(name)), self._loop)

    def refresh(self, names: Sequence[str] | None = None, *, settle: float = 0.0) -> Sequence[GuestSnapshot]:
        return self._loop.run(self._engine.refresh(names, settle=settle))

    def start(self, name: str, supply: Supply = Supply.NOTHING) -> None:
        self._loop.run(self._engine.start(name, supply))

    def run(self, request: Callable[[Engine], Coroutine[object, object, T]]) -> T:
        """Anything else: run a coroutine with the asynchronous engine, such as ``lambda engine: engine.host()``."""
        return self._loop.run(request(self._engine))


class BlockingGuest:
    """See :class:`workbench.engine.base.Guest`: the methods here have the same names, and block.

    Functions passed to them are called in the loop's thread; they must neither block nor call methods that do.
    """

    def __init__(self, guest: Guest, loop: LoopThread) -> None:
        self._guest = guest
        self._loop = loop

    @property
    def snapshot(self) -> GuestSnapshot:
        return self._guest.snapshot

    def hold(self) -> AbstractContextManager[None]:
        return self._loop.entered(self._guest.hold())

    def refresh(self, *, settle: float = 0.0, report: bool = False) -> GuestSnapshot:
        return self._loop.run(self._guest.refresh(settle=settle, report=report))

    def wait_until(self, condition: Callable[[GuestSnapshot], bool], seconds: float) -> GuestSnapshot:
        return self._loop.run(self._guest.wait_until(condition, seconds))

    def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        oob: bool = False,
        deadline: float | None = None,
    ) -> object:
        return self._loop.run(self._guest.execute(command, arguments, oob=oob, deadline=deadline))

    @contextmanager
    def events(self) -> Iterator[Iterator[Event]]:
        with self._loop.entered(self._guest.events()) as events:
            yield self._loop.iterate(events)

    def version(self) -> str:
        return self._loop.run(self._guest.version())

    def past(self, start: float, step: float) -> Past:
        return self._loop.run(self._guest.past(start, step))

    def marks(self) -> Sequence[Mark]:
        return self._loop.run(self._guest.marks())

    def set_target(self, size: int, *, safety: Safety | None = None) -> None:
        self._loop.run(self._guest.set_target(size, safety=safety))

    def pause(self) -> None:
        self._loop.run(self._guest.pause())

    def resume(self) -> None:
        self._loop.run(self._guest.resume())

    def reset(self) -> None:
        self._loop.run(self._guest.reset())

    def power_down(self) -> None:
        self._loop.run(self._guest.power_down())

    def kill(self) -> None:
        self._loop.run(self._guest.kill())

    def wait_ended(self, seconds: float) -> Exit | None:
        return self._loop.run(self._guest.wait_ended(seconds))

    def stop(self, seconds: float = 30.0, *, kill: bool = False) -> Exit:
        return self._loop.run(self._guest.stop(seconds, kill=kill))

    def run(self, request: Callable[[Guest], Coroutine[object, object, T]]) -> T:
        """Anything else: run a coroutine with the asynchronous guest, such as ``lambda guest: guest.devices.tree()``."""
        return self._loop.run(request(self._guest))
