"""The desk that every controller of the main screen works at: the engine, the guest shown, messages and questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine, Guest

T = TypeVar("T")
Choice = tuple[str, str, str]
"""A button of a question: its id, its label and its Textual variant."""


class Windows(Protocol):
    """What a desk needs from the screen that it serves."""

    def tell(self, message: str, title: str, severity: SeverityLevel, seconds: float | None) -> None:
        """Show a message for a while."""

    def show_error(self, error: WorkbenchError) -> None:
        """Show an error until the user closes it."""

    async def ask(self, title: str, body: str, *choices: Choice) -> str:
        """The id of the choice made; empty for none."""

    async def result_of(self, dialog: Screen[T]) -> T:
        """Open a dialog and wait for its result."""


class Desk:
    """Holds what the controllers share. The screen alone chooses the guest."""

    def __init__(self, engine: Engine, windows: Windows) -> None:
        self.engine = engine
        self._windows = windows
        self._chosen: GuestSnapshot | None = None

    # The guest shown.

    @property
    def chosen(self) -> GuestSnapshot | None:
        """The guest shown in the panes, as it was last published."""
        return self._chosen

    def choose(self, snapshot: GuestSnapshot) -> None:
        """Show another guest, or a newer snapshot of the same one."""
        self._chosen = snapshot

    def guest(self, name: str) -> Guest:
        """:raise workbench.errors.NotFound: if there is none with that name."""
        return self.engine.guest(name)

    def still_shown(self, snapshot: GuestSnapshot) -> bool:
        """Whether the panes still show this run of this guest."""
        now = self._chosen
        return now is not None and now.identity == snapshot.identity

    def still_runs(self, snapshot: GuestSnapshot) -> bool:
        """Whether this run of the guest is still alive."""
        return any(guest.identity == snapshot.identity and guest.phase.alive for guest in self.engine.guests())

    # The user.

    async def attempt(self, request: Callable[[], Awaitable[object]]) -> bool:
        """Run a request, show an error if it fails, and return whether it succeeded."""
        try:
            await request()
        except WorkbenchError as error:
            self.show_error(error)
            return False
        return True

    def show_error(self, error: WorkbenchError) -> None:
        """Show an error until the user closes it."""
        self._windows.show_error(error)

    def tell(
        self, message: str, *, title: str = "", severity: SeverityLevel = "information", seconds: float | None = None
    ) -> None:
        """Show a message for a while."""
        self._windows.tell(message, title, severity, seconds)

    async def ask(self, title: str, body: str, *choices: Choice) -> str:
        """Ask before something that cannot be undone; return the id of the choice, empty for none."""
        return await self._windows.ask(title, body, *choices)

    async def result_of(self, dialog: Screen[T]) -> T:
        """Open a dialog and wait for its result."""
        return await self._windows.result_of(dialog)
