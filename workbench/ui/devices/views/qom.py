"""The QOM view: QEMU's whole composition tree, read level by level as it is expanded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.devices.qom import Child, natural
from workbench.ui.devices.row import Item, Row, group
from workbench.ui.devices.views.node import prop, unread

if TYPE_CHECKING:
    from workbench.domain.devices.qom import Node
    from workbench.ui.devices.row import Shown

OPEN = frozenset({"/", "/machine"})
"""Paths that are expanded by default."""


def items(shown: Shown) -> list[Item]:
    """The root with everything expanded below it."""
    return [_object(Child("/", "", "/"), "", shown)]


def _object(child: Child, parent: str, shown: Shown) -> Item:
    path = child.path
    default = path in OPEN
    row = Row(
        path, "", child.name, child.type, tone="muted", expandable=True, default_open=default,
        expanded=shown.is_open(path, default=default), path=path, parent=parent, source=child,
        flag=shown.flags.get(path),
    )  # fmt: skip
    if not row.expanded:
        return Item(row)
    node = shown.nodes.get(path)
    return Item(row, unread(row, shown) if node is None else _inside(node, row, shown))


def _inside(node: Node, row: Row, shown: Shown) -> list[Item]:
    """The properties, collapsed if there are children, and the children."""
    info = shown.types.get(node.type)
    ordered = sorted(node.properties, key=lambda one: natural(one.name))
    if not node.children:
        return [prop(one, row, row.key, info, shown) for one in ordered]
    below = [_object(child, row.key, shown) for child in node.children]
    if not ordered:
        return below
    folded = group(f"{row.key}#common", row, "properties", str(len(ordered)), shown)
    if folded.row.expanded:
        folded.below = [prop(one, folded.row, row.key, info, shown) for one in ordered]
    return [folded, *below]
