"""The help window of a human monitor command: the output of QEMU's own ``help``."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content

from workbench.domain.qmp.hmp import GROUPS
from workbench.domain.qmp.lookups import Kind, Lookup
from workbench.domain.text import visible
from workbench.errors import WorkbenchError
from workbench.ui.common.hanging_text import HangingText
from workbench.ui.qmp.command_help import BLANK, CommandHelp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.qmp.lookups import Known
    from workbench.engine.base import Lookups
    from workbench.ui.common.hanging_text import Hung


class HmpHelp(CommandHelp):
    """Help from the guest's QEMU."""

    def __init__(self, command: str, lookups: Lookups) -> None:
        """:param command: ``info block``, ``device_del``; empty for all commands."""
        super().__init__(command, None, None)
        self._lookups = lookups

    @property
    def _title(self) -> str:
        return f"!{visible(self._command)}" if self._command else "! human monitor"

    def on_mount(self) -> None:
        self._ask()

    @work(group="manual", exclusive=True)
    async def _ask(self) -> None:
        above, _, name = self._command.rpartition(" ")
        below = self._command if self._command in GROUPS else ""
        try:
            beside = await self._lookups.known(Lookup(Kind.HMP, above))
            inside = await self._lookups.known(Lookup(Kind.HMP, below)) if below or not self._command else ()
        except WorkbenchError as error:
            lines = [(Content(error.message), 0)]
        else:
            lines = list(self._help(name, beside, inside))
        self._lines += lines
        self.query_one("#command-schema", HangingText).show(lines)

    def _help(self, name: str, beside: Sequence[Known], inside: Sequence[Known]) -> Iterator[Hung]:
        names = [str(one.value) for one in beside]
        known = next((one for one in beside if one.value == name), None)
        if known is not None:
            yield Content.assemble((self._title, "$accent"), f" {visible(' '.join(known.arguments.split()))}"), 4
            yield BLANK
            yield from ((Content(visible(line)), _indent(line)) for line in known.detail.split("\n"))
        elif name:
            yield Content(f"This QEMU's human monitor has no command {self._title[1:]}."), 0
            near = get_close_matches(name, names, 3, 0.5)
            if near:
                yield Content(f"Did you mean {', '.join(near)}?"), 0
        if not inside:
            return
        if name:
            yield BLANK
        width = max(len(str(one.value)) for one in inside) + 2
        for one in inside:
            does = visible(one.detail.partition("\n")[0])
            yield Content.assemble((str(one.value).ljust(width), "$accent"), (does, "$foreground-muted")), width


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
