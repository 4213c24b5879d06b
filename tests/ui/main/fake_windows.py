"""Windows of a desk that answer at once, without Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from tests.ui.fake_engine import FakeEngine, running
from workbench.ui.main.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.errors import WorkbenchError
    from workbench.ui.main.desk import Choice

T = TypeVar("T")


class FakeWindows:
    """Notes what is shown, and gives the answers of a test in turn."""

    def __init__(self) -> None:
        self.answers: list[object] = []
        """The results of the next questions and dialogs."""
        self.while_open: Callable[[], None] = lambda: None
        """Called while a question or a dialog is open."""
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []
        """Title and text of each question, and the ids of its choices."""
        self.dialogs: list[object] = []
        self.told: list[tuple[str, str]] = []
        """Severity of each message, and its title and text."""
        self.errors: list[WorkbenchError] = []

    def tell(self, message: str, title: str, severity: SeverityLevel, seconds: float | None) -> None:
        self.told.append((severity, f"{title}: {message}" if title else message))

    def show_error(self, error: WorkbenchError) -> None:
        self.errors.append(error)

    async def ask(self, title: str, body: str, *choices: Choice) -> str:
        self.asked.append((title, body, tuple(name for name, _, _ in choices)))
        return str(self._next())

    async def result_of(self, dialog: Screen[T]) -> T:
        self.dialogs.append(dialog)
        return cast("T", self._next())

    def _next(self) -> object:
        answer = self.answers.pop(0)
        self.while_open()
        return answer


class Bench:
    """A desk at which the first of some guests is chosen."""

    def __init__(self, *snapshots: GuestSnapshot) -> None:
        self.engine = FakeEngine(*(snapshots or (running(),)))
        self.windows = FakeWindows()
        self.desk = Desk(self.engine, self.windows)
        first = self.engine.guests()[0]
        self.desk.choose(first)
        self.guest = self.engine.guest(first.name)

    def publish(self, snapshot: GuestSnapshot) -> None:
        """A new snapshot, of the guest shown too."""
        self.engine.publish(snapshot)
        if self.desk.chosen is not None and self.desk.chosen.name == snapshot.name:
            self.desk.choose(snapshot)
