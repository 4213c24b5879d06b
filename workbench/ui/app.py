"""The Textual application: themes, global keys, the command palette and crash handling."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding
from textual.widgets import Input

from workbench.domain.preferences import Preferences
from workbench.errors import WorkbenchError
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.common.dialogs import error_dialog
from workbench.ui.guests.list import GuestList
from workbench.ui.keys.names import set_user_keys
from workbench.ui.keys.order import KeyOrder
from workbench.ui.main.first_data import FirstData, read_first_data
from workbench.ui.main.help import binding_ids
from workbench.ui.main.screen import MainScreen
from workbench.ui.qmp.console import QmpConsole
from workbench.ui.theme import DARK, LIGHT, series_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from textual.binding import BindingType
    from textual.dom import DOMNode
    from textual.screen import Screen

    from workbench.engine.base import Engine

SETTLED = 2.0
"""Seconds after the first frame until all long-lived objects exist."""
COLLECT = 1.0
"""Seconds between checks for garbage."""
RIPE = 2
"""Collections of the middle generation (7,000 objects each) after which the oldest is collected; that takes about 5 ms."""
MANY = 16_000
"""Live objects in the oldest generation above which they are frozen; a screen at rest has 9,000."""
NEVER = 1 << 30


@runtime_checkable
class Unsaved(Protocol):
    """A screen that may hold unsaved changes."""

    @property
    def changed(self) -> bool: ...

    async def may_leave(self) -> bool: ...


class WorkbenchApp(KeyOrder):
    """Shows one engine's guests. Guests keep running when it ends, for whatever reason."""

    TITLE = "workbench"
    # Here and not on the screen: Textual does not load the stylesheet of an app's default screen.
    CSS_PATH = "main/main.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", id="app.leave", tooltip="Quit; guests keep running", priority=True),
        Binding("ctrl+t", "toggle_theme", "Theme", id="app.theme", tooltip="Switch between light and dark", show=False),
        Binding(
            "ctrl+p", "command_palette", "Palette", id="app.palette", tooltip="Find any action by name", show=False
        ),
    ]

    def __init__(
        self,
        engine: Engine,
        *,
        choose: str = "",
        keys: Mapping[str, str] | None = None,
        preferences: Preferences | None = None,
        keep_crash: Callable[[BaseException], str] | None = None,
    ) -> None:
        """
        :param choose: the guest to show first.
        :param keys: binding id -> key, for keys that the user has changed.
        :param keep_crash: saves the traceback of an internal error and returns where; without it Textual prints it.
        """
        super().__init__()
        self._engine = engine
        self._choose = choose
        self._keep_crash = keep_crash
        self._first = FirstData()
        self._failure: WorkbenchError | None = None
        """Why the engine could not be opened."""
        self.keys = dict(keys or {})
        self._preferences = preferences or Preferences()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        set_user_keys(self.keys)
        if self.keys:
            self.set_keymap(self.keys)

    @property
    def escape_to_minimize(self) -> bool:
        """In a field of the zoomed pane, esc leaves the field: Textual would skip the field's own binding."""
        return not isinstance(self.focused, Input) and super().escape_to_minimize

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return series_variables({"warning": "#f5b14c", "primary": "#4ea1f3", "secondary": "#a58cf0"})

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        return {**variables, **series_variables(variables)}

    async def on_load(self) -> None:
        """Open the engine before the first widget is made, so that the first frame is complete."""
        try:
            await self._engine.open()
            self._first = await read_first_data(self._engine, self._choose)
        except WorkbenchError as error:
            self._failure = error

    def on_ready(self) -> None:
        unknown = sorted(set(self.keys) - binding_ids(self.screen)) if self.keys else []
        if unknown:
            words = f"Unknown key id: {', '.join(unknown)}. The help (?) lists all ids."
            self.notify(words, title="keys.toml", severity="warning", timeout=10, markup=False)
        if self._failure is not None:
            self.push_screen(error_dialog(self._failure))
        if not gc.isenabled():
            self.set_timer(SETTLED, self._collect_again)

    def _collect_again(self) -> None:
        """Freeze what is alive after the start, and enable the collector again.

        A full collection would otherwise delay a key by 50 ms. The oldest generation is collected only by
        ``collect_garbage``, in small steps.
        """
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], NEVER)
        gc.enable()
        self.set_interval(COLLECT, self.collect_garbage)

    @staticmethod
    def collect_garbage() -> None:
        """Collect all garbage, if enough has gathered since the last time."""
        if gc.get_count()[2] < RIPE:
            return
        gc.collect()
        # Frozen objects are never collected, and each line on the screen is a cycle (Textual: Strip.crop() keeps the
        # line itself among its crops). So freeze only when there are many: never at rest.
        if len(gc.get_objects(generation=2)) > MANY:
            gc.freeze()

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self._engine, self._first, self._preferences)

    async def on_unmount(self) -> None:
        await self._engine.close()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        main = self.screen_stack[0]
        if screen is not main:
            # Another screen is on top: offer its actions, not those below it.
            yield from self._commands_of(screen, *screen.walk_children(), self)
            return
        yield from self._commands_of(main, main.query_one(GuestList), main.query_one(BalloonPanel), self)
        console = main.query_one(QmpConsole)
        yield SystemCommand("Save: QMP messages as JSON lines", "All messages of the guest shown", console.action_save)
        panel = main.query_one(BalloonPanel)
        for name, text in panel.presets:
            yield SystemCommand(
                f"Preset {name}: Stage {text}", "A target from the profile", partial(panel.stage_preset, name)
            )

    def _commands_of(self, *nodes: DOMNode) -> Iterable[SystemCommand]:
        """The key actions of these nodes, by name."""
        for node in nodes:
            for binding in node.BINDINGS:
                if isinstance(binding, Binding) and binding.id and binding.id not in ("app.palette", "app.leave"):
                    title = f"{binding.description}: {binding.tooltip}"
                    yield SystemCommand(title, binding.tooltip, partial(self.run_action, binding.action, node))

    async def action_quit(self) -> None:
        """Quit; ask first if there are unsaved changes."""
        unsaved = [screen for screen in self.screen_stack if isinstance(screen, Unsaved) and screen.changed]
        if unsaved:
            self._ask_and_quit(unsaved[0])
        else:
            self.exit()

    @work(group="quit", exclusive=True)
    async def _ask_and_quit(self, screen: Unsaved) -> None:
        if await screen.may_leave():
            self.exit()

    def action_toggle_theme(self) -> None:
        self.theme = DARK.name if self.theme == LIGHT.name else LIGHT.name

    def _handle_exception(self, error: Exception) -> None:
        """Handle an internal error: save the traceback instead of printing it on the user's terminal."""
        if self._keep_crash is None:
            super()._handle_exception(error)
            return
        summary = f"{type(error).__name__}: {error}".splitlines()[0]
        self.exit(
            return_code=1,
            message=f"workbench: internal error (please report): {summary}\n"
            f"hint: guests keep running; {self._keep_crash(error)}",
        )
