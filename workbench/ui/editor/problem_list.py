"""The list of problems of the edited profile, one line each; enter goes to the problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType

    from workbench.domain.profile.problems import Problem


class ProblemList(OptionList):
    """Problems as ``FILE:LINE:COL: key: message``."""

    DEFAULT_CSS = """
    ProblemList { background: $background; height: auto; max-height: 8; padding: 0 1; }
    ProblemList > .option-list--option-highlighted { background: $background; color: $foreground; text-style: none; }
    ProblemList:focus > .option-list--option-highlighted { background: $primary 30%; text-style: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Go there", id="problems.go", tooltip="Go to the problem"),
        Binding("k", "cursor_up", "Up", id="problems.up", tooltip="Previous problem", show=False),
        Binding("j", "cursor_down", "Down", id="problems.down", tooltip="Next problem", show=False),
    ]

    class Chosen(Message):
        """The user wants to go to a problem."""

        def __init__(self, problem: Problem) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, id: str) -> None:
        super().__init__(id=id, classes="pane", compact=True, markup=False)
        self.border_title = "Problems"
        self._problems: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    def show_problems(self, problems: Sequence[Problem]) -> None:
        if tuple(problems) == self._problems:
            return
        highlighted = self.highlighted
        self._problems = tuple(problems)
        self.set_options([Option(_line(problem)) for problem in self._problems])
        if self._problems:
            self.highlighted = min(highlighted or 0, len(self._problems) - 1)
        self.display = bool(self._problems)
        self.border_subtitle = f"{len(self._problems)}"

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._problems[event.option_index]))


def _line(problem: Problem) -> Content:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    key = f"{problem.key}: " if problem.key else ""
    return Content.assemble((f"{place}: ", "$error"), (key, "bold"), problem.message)
