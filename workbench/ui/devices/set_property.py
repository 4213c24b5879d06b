"""Set a property in place: an input line, checked while typing, with the qom-set that it sends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from msgspec.structs import replace
from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from workbench.domain.devices.qom_values import parse_value
from workbench.domain.devices.type_info import Access, access, harm, is_refusal
from workbench.domain.qmp.values import BadValue
from workbench.ui.common.plain_text import clean
from workbench.ui.common.text import TextBlock
from workbench.ui.devices.views.node import brief

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.devices.qom import Node, Property
    from workbench.domain.devices.type_info import TypeInfo


class Change(Struct, frozen=True):
    """One property to set."""

    path: str
    type: str
    """QOM type of the object."""
    old: Property
    value: object
    harm: str = ""
    """What to ask first; empty when nothing has to be asked."""
    undo: bool = False
    """Whether it undoes an earlier change."""

    @property
    def words(self) -> str:
        """The command, as one would type it."""
        value = json.dumps(self.value, ensure_ascii=False)
        return f"qom-set path={self.path} property={self.old.name} value={value}"


class SetBar(Widget):
    """The input line for a value, at the foot of the pane."""

    DEFAULT_CSS = """
    SetBar {
        display: none; dock: bottom; height: auto; layout: vertical; background: $surface;
        &.-open { display: block; }
        & > Input { width: 1fr; }
        & > TextBlock { height: auto; max-height: 5; color: $text-muted; }
        &.-bad > TextBlock { color: $error; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "Drop", id="devices.set-drop", tooltip="Cancel; the value is kept"),
    ]

    class Requested(Message):
        """A property is to be set. Answer with :meth:`SetBar.done` or :meth:`SetBar.refused`."""

        def __init__(self, control: SetBar, change: Change) -> None:
            super().__init__()
            self._control = control
            self.change = change

        @property
        def control(self) -> SetBar:
            return self._control

    class Closed(Message):
        """The line was closed."""

        def __init__(self, changed: Change | None, *, was_open: bool) -> None:
            super().__init__()
            self.changed = changed
            """What was set; None if nothing."""
            self.was_open = was_open

    def __init__(self) -> None:
        super().__init__()
        self._input = Input(compact=True, select_on_focus=True, disabled=True)
        self._words = TextBlock()
        self._change: Change | None = None
        self._guest = ""
        self._changes: dict[str, list[Change]] = {}
        """The user's changes in each guest, newest last."""
        self.read_only: dict[tuple[str, str], str] = {}
        """Type and property -> QEMU's error when it refused to set it."""

    def compose(self) -> ComposeResult:
        yield self._input
        yield self._words

    def enter(self, guest: str, node: Node, one: Property, info: TypeInfo | None) -> None:
        """Open the line with the property's current value, or report that it is read-only."""
        refused = self.read_only.get((node.type, one.name))
        kind, why = (Access.READ_ONLY, refused) if refused else access(node, one, info)
        if kind is Access.READ_ONLY:
            self._warn(f"{one.name} is read-only{f': {why}' if why else ''}")
            return
        self._guest, self._change = guest, Change(node.path, node.type, one, one.value, harm(node, one))
        self.add_class("-open")
        structured = isinstance(one.value, dict | list)
        self._input.value = json.dumps(one.value, ensure_ascii=False) if structured else brief(one.value)
        self._input.placeholder = one.type
        self._check(self._input.value)
        self._input.disabled = False
        self._input.focus()

    def undo(self, guest: str) -> None:
        """Undo the last change."""
        changes = self._changes.get(guest, [])
        if not changes:
            self._warn("No property change to undo")
            return
        last, self._guest = changes[-1], guest
        back = Change(last.path, last.type, replace(last.old, value=last.value), last.old.value, last.harm, undo=True)
        self.post_message(self.Requested(self, back))

    def done(self, change: Change) -> None:
        """The property was set."""
        changes = self._changes.setdefault(self._guest, [])
        if change.undo:
            changes[:] = changes[:-1]
        else:
            changes.append(change)
        what = f"{change.old.name} = {brief(change.value)}"
        self.notify(what if change.undo else f"{what}; u to undo", title="Set", timeout=4, markup=False)
        self._close(change)

    def refused(self, change: Change, reason: str) -> None:
        """The property was not set. The typed value stays for correction, unless the property is read-only."""
        if is_refusal(reason):
            self.read_only[change.type, change.old.name] = reason
            self._warn(f"{change.old.name} is read-only: {reason}")
            self._close()
        elif self._change is not None:
            self._show_words(reason, bad=True)
        else:
            self._warn(reason)

    def action_drop(self) -> None:
        self._close()

    def _close(self, changed: Change | None = None) -> None:
        was_open, self._change = self._change is not None, None
        self._input.disabled = True
        self.remove_class("-open")
        self.post_message(self.Closed(changed, was_open=was_open))

    def _warn(self, text: str) -> None:
        self.notify(text, severity="warning", timeout=4, markup=False)

    def _check(self, text: str) -> Change | None:
        """The change, shown as the command; None, with the reason shown, when the value is invalid."""
        assert self._change is not None
        try:
            value = parse_value(text, self._change.old)
        except BadValue as error:
            self._show_words(f"{self._change.old.name}: {error}", bad=True)
            return None
        change = Change(self._change.path, self._change.type, self._change.old, value, self._change.harm)
        self._show_words(change.words, bad=False)
        return change

    def _show_words(self, text: str, *, bad: bool) -> None:
        self.set_class(bad, "-bad")
        self._words.show(Content(clean(text)))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._change is not None:
            self._check(event.value)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if self._change is not None and (change := self._check(event.value)) is not None:
            self.post_message(self.Requested(self, change))
