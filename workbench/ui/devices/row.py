"""A line of the device tree, and how lines stand below one another. Nothing of Textual here.

A line is named by a key that stays the same across refreshes, so cursor and openings stay put when devices come and go.
The line of a QOM object has its path as key, in every view; what is inside has ``PATH#…``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec import field as field_of

from workbench.ui.common.text import _CONTROL, clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Node
    from workbench.domain.devices.tree import DeviceTree
    from workbench.domain.devices.type_info import TypeInfo

_CONTROL |= dict.fromkeys((0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)
NESTED = "qom:"
"""Before the path in the key of an object that stands inside another one's line."""


class Flag(NamedTuple):
    """A warning at a line."""

    words: str
    leaving: bool = False
    """Whether the device was asked to go, and it is not known yet whether it does."""


@dataclass(slots=True)
class Row:
    """One line."""

    key: str
    """Names this line across refreshes."""
    guide: str
    """The tree's lines to the left of the text."""
    text: str
    value: str = ""
    """Stands at the right edge."""
    short_value: str = ""
    """The same where there is no room for it; empty = cut the value."""
    note: str = ""
    """Muted, after the text, where there is room for those of all lines: a device's id."""
    hint: str = ""
    """Muted, after the text, as far as there is room: a property's type, its default, what it is."""
    flag: Flag | None = None
    """A warning after the text, cut last of all: how the line differs from the profile."""
    tone: str = ""
    """How the value is coloured: ``ok``, ``warning``, ``error``, ``muted`` or plain."""
    muted: bool = False
    """Whether the text is secondary too."""
    expandable: bool = False
    expanded: bool = False
    default_open: bool = False
    """Whether it is open until the user closes it."""
    path: str = ""
    """QOM path of the object that the line belongs to; empty when there is none."""
    parent: str = ""
    """Key of the line above it in the tree; empty for a root."""
    source: object = field(default=None, compare=False)
    """What the line shows: PciDevice, Property, Child, Bar …"""


class Item(Struct):
    """A line before its guides are known."""

    row: Row
    below: list[Item] = field_of(default_factory=list)


@dataclass(slots=True)
class Shown:
    """What the lines are made of."""

    expanded: Collection[str] = frozenset()
    """Keys of the lines that the user opened."""
    nodes: Mapping[str, Node] = field(default_factory=dict)
    """What was read, by QOM path."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """QOM path -> why it could not be read."""
    closed: Collection[str] = frozenset()
    """Keys of lines that are open by themselves and that the user closed."""
    types: Mapping[str, TypeInfo] = field(default_factory=dict)
    tree: DeviceTree | None = None
    buses: Bus | None = None
    differences: Sequence[Difference] = ()
    """How the guest differs from its profile."""
    pending: Mapping[str, str] = field(default_factory=dict)
    """qdev id -> what becomes of it now: that it was asked to go."""
    flags: Mapping[str, Flag] = field(init=False)
    """qdev id or QOM path -> how it differs from the profile, or what becomes of it, in a word or two."""

    def __post_init__(self) -> None:
        running = [one for one in self.differences if one.path]
        flags = {key: Flag(str(one.kind)) for one in running for key in (one.name, one.path)}
        leaving = {name: Flag(words, leaving=True) for name, words in self.pending.items()}
        self.flags = flags | {f"/machine/peripheral/{name}": flag for name, flag in leaving.items()} | leaving

    def is_open(self, key: str, *, default: bool = False) -> bool:
        return key in self.expanded or (default and key not in self.closed)


def flatten(items: list[Item], indent: str | None = None) -> Iterator[Row]:
    """The lines below one another, each with its guides; those at the root have none."""
    for item in items:
        row = item.row
        row.text, row.value, row.note, row.hint = clean(row.text), clean(row.value), clean(row.note), clean(row.hint)
        if indent is None:
            yield row
            yield from flatten(item.below, "")
            continue
        last = item is items[-1]
        mark = "▾" if row.expanded else "▸" if row.expandable else " "
        row.guide = f"{indent}{'└' if last else '├'}{mark}"
        yield row
        yield from flatten(item.below, indent + ("  " if last else "│ "))


def leaf(
    key: str,
    parent: Row,
    text: str,
    value: str = "",
    *,
    tone: str = "",
    muted: bool = False,
    hint: str = "",
    source: object = None,
) -> Item:
    """A line with nothing below it, that belongs to the same object as the line above."""
    return Item(
        Row(
            key, "", text, value, tone=tone, muted=muted, hint=hint, parent=parent.key, path=parent.path, source=source
        )
    )  # fmt: skip


def group(
    key: str, parent: Row, text: str, value: str, shown: Shown, source: object = None, *, default: bool = False
) -> Item:
    """A line that keeps others folded away.

    :param default: whether it is open until the user closes it.
    """
    return Item(
        Row(
            key, "", text, value, tone="muted", muted=True, expandable=True, default_open=default,
            expanded=shown.is_open(key, default=default), parent=parent.key, path=parent.path, source=source,
        )
    )  # fmt: skip


def path_of(key: str) -> str:
    """The QOM path in a key; empty when it has none."""
    path = key.removeprefix(NESTED).partition("#")[0]
    return path if path.startswith("/") else ""
