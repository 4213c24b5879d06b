"""A line of the device tree, and lines nested into a tree. Independent of Textual.

A line has a key that is stable across refreshes, so that cursor and expanded lines keep their places when devices come
and go. In every view, the key of a QOM object's line is its path; keys of lines inside it are ``PATH#…``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec import field as field_of

from workbench.ui.common.plain_text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Node
    from workbench.domain.devices.tree import DeviceTree
    from workbench.domain.devices.type_info import TypeInfo

NESTED = "qom:"
"""Prefix of the path in the key of an object shown inside another object's line."""


class Flag(NamedTuple):
    """A warning on a line."""

    words: str
    leaving: bool = False
    """Whether the device's unplug is pending."""


@dataclass(slots=True)
class Row:
    """One line."""

    key: str
    """Identifies this line across refreshes."""
    guide: str
    """The tree guides to the left of the text."""
    text: str
    value: str = ""
    """Right-aligned."""
    short_value: str = ""
    """Replaces the value where it does not fit; empty = cut the value."""
    note: str = ""
    """Muted, after the text, if the notes of all lines fit: a device's id."""
    hint: str = ""
    """Muted, after the text, cut to fit: a property's type, its default, its description."""
    flag: Flag | None = None
    """A warning after the text, cut last: how the line differs from the profile."""
    tone: str = ""
    """Colour of the value: ``ok``, ``warning``, ``error``, ``muted`` or plain."""
    muted: bool = False
    """Whether the text is muted too."""
    expandable: bool = False
    expanded: bool = False
    default_open: bool = False
    """Whether it is expanded until the user collapses it."""
    path: str = ""
    """QOM path of the object that the line belongs to; empty when there is none."""
    parent: str = ""
    """Key of the parent line; empty for a root."""
    source: object = field(default=None, compare=False)
    """What the line shows: PciDevice, Property, Child, Bar …"""


class Item(Struct):
    """A line and its children, before the guides are known."""

    row: Row
    below: list[Item] = field_of(default_factory=list)


@dataclass(slots=True)
class Shown:
    """What the lines are made from."""

    expanded: Collection[str] = frozenset()
    """Keys of the lines that the user expanded."""
    nodes: Mapping[str, Node] = field(default_factory=dict)
    """Objects read so far, by QOM path."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """QOM path -> why it could not be read."""
    closed: Collection[str] = frozenset()
    """Keys of lines that are expanded by default and that the user collapsed."""
    types: Mapping[str, TypeInfo] = field(default_factory=dict)
    tree: DeviceTree | None = None
    buses: Bus | None = None
    differences: Sequence[Difference] = ()
    """How the guest differs from its profile."""
    pending: Mapping[str, str] = field(default_factory=dict)
    """qdev id -> state of its pending unplug."""
    flags: Mapping[str, Flag] = field(init=False)
    """qdev id or QOM path -> how it differs from the profile, or the state of its unplug, in a word or two."""

    def __post_init__(self) -> None:
        running = [one for one in self.differences if one.path]
        flags = {key: Flag(str(one.kind)) for one in running for key in (one.name, one.path)}
        leaving = {name: Flag(words, leaving=True) for name, words in self.pending.items()}
        self.flags = flags | {f"/machine/peripheral/{name}": flag for name, flag in leaving.items()} | leaving

    def is_open(self, key: str, *, default: bool = False) -> bool:
        return key in self.expanded or (default and key not in self.closed)


def flatten(items: list[Item], indent: str | None = None) -> Iterator[Row]:
    """The lines in order, each with its guides; roots have none."""
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
    """A line without children that belongs to the same object as its parent line."""
    return Item(
        Row(
            key, "", text, value, tone=tone, muted=muted, hint=hint, parent=parent.key, path=parent.path, source=source
        )
    )  # fmt: skip


def group(
    key: str, parent: Row, text: str, value: str, shown: Shown, source: object = None, *, default: bool = False
) -> Item:
    """A line that groups others and is collapsed at first.

    :param default: whether it is expanded until the user collapses it.
    """
    return Item(
        Row(
            key, "", text, value, tone="muted", muted=True, expandable=True, default_open=default,
            expanded=shown.is_open(key, default=default), parent=parent.key, path=parent.path, source=source,
        )
    )  # fmt: skip


def path_of(key: str) -> str:
    """The QOM path in a key; empty without one."""
    path = key.removeprefix(NESTED).partition("#")[0]
    return path if path.startswith("/") else ""
