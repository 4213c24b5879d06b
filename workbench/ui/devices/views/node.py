"""The lines inside a QOM object: its properties, what virtio says of it, and its children."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workbench.domain.devices.qom import Property, natural
from workbench.ui.devices.row import NESTED, Item, Row, group, leaf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.devices.qom import Child, Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.ui.devices.row import Shown

MEMBERS = 200
"""Items of a list that are shown; the rest is counted."""
NOT_TOLD = 2**64 - 1
"""What QEMU has in place of a statistic that the guest does not give (hw/virtio/virtio-balloon.c)."""
BRIEF = 400
"""Characters of a value in a line; the rest is counted."""


def inside(row: Row, shown: Shown) -> list[Item]:
    """What an open object shows, as far as it was read."""
    node = shown.nodes.get(row.path)
    return unread(row, shown) if node is None else [*properties(node, row, shown), *children(node, row, shown)]


def unread(row: Row, shown: Shown) -> list[Item]:
    failed = shown.failed.get(row.path)
    if failed is not None:
        return [leaf(f"{row.key}#unread", row, failed, tone="error", muted=True)]
    return [leaf(f"{row.key}#unread", row, "reading …", muted=True)]


def properties(node: Node, row: Row, shown: Shown) -> Iterator[Item]:
    """Properties, the common ones folded away."""
    own = [one for one in node.properties if not one.is_common]
    common = [one for one in node.properties if one.is_common]
    info = shown.types.get(node.type)
    for one in sorted(own, key=_name):
        yield prop(one, row, row.key, info, shown)
    if common:
        folded = group(f"{row.key}#common", row, "more properties" if own else "properties", str(len(common)), shown)
        if folded.row.expanded:
            folded.below = [prop(one, folded.row, row.key, info, shown) for one in sorted(common, key=_name)]
        yield folded


def children(node: Node, row: Row, shown: Shown) -> Iterator[Item]:
    """Its children in QOM, folded away."""
    if node.children:
        folded = group(f"{row.key}#children", row, "QOM children", str(len(node.children)), shown)
        if folded.row.expanded:
            folded.below = [nested(child, folded.row, shown) for child in node.children]
        yield folded


def nested(child: Child, parent: Row, shown: Shown) -> Item:
    """An object that stands inside another one's line."""
    key = f"{NESTED}{child.path}"
    row = Row(
        key, "", child.name, child.type, tone="muted", expandable=True, expanded=shown.is_open(key), path=child.path,
        parent=parent.key, source=child,
    )  # fmt: skip
    return Item(row, inside(row, shown) if row.expanded else [])


def prop(one: Property, parent: Row, base: str, info: TypeInfo | None, shown: Shown) -> Item:
    """One property; a structure or a list opens. Its key is made of the object's own, wherever the line stands."""
    if one.unread:
        return leaf(f"{base}#property:{one.name}", parent, one.name, "…", tone="muted", source=one)
    if isinstance(one.value, dict | list) and one.value:
        item = _member(f"{base}#property:{one.name}", one.name, one.value, one, parent, shown)
        item.row.hint = hint(one, info)
        return item
    text = one.error or brief(one.value)
    tone = "muted" if one.error or not text else ""
    text = text or ("none" if one.type.startswith("link<") else "empty")
    return leaf(f"{base}#property:{one.name}", parent, one.name, text, tone=tone, hint=hint(one, info), source=one)


def _member(key: str, name: str, value: object, one: Property, parent: Row, shown: Shown) -> Item:
    """A value inside a property's, under its name or number; inside an open one everything is open."""
    if not isinstance(value, dict | list):
        absent = one.name == "guest-stats" and value == NOT_TOLD
        text, tone = ("not told", "muted") if absent else (brief(value), "")
        return leaf(key, parent, name, text, tone=tone, source=one)
    members = list(value.items() if isinstance(value, dict) else enumerate(value))
    word = "values" if isinstance(value, dict) else "items"
    inner = isinstance(parent.source, Property)
    item = group(key, parent, name, f"{len(members)} {word}", shown, source=one, default=inner)
    item.row.muted = False
    if item.row.expanded:
        item.below = [_member(f"{key}.{at}", str(at), each, one, item.row, shown) for at, each in members[:MEMBERS]]
        if len(members) > MEMBERS:
            item.below.append(leaf(f"{key}.more", item.row, f"{len(members) - MEMBERS:,} more", muted=True, source=one))
    return item


def hint(one: Property, info: TypeInfo | None) -> str:
    """Its type, its default where its value is another, and what it is."""
    parts = [one.type]
    if info is not None:
        changed = info.changed_default(one)
        if changed is not None:
            parts.append(f"default {brief(changed.default) or 'empty'}")
        known = info.properties.get(one.name)
        if known is not None and known.description:
            parts.append(known.description)
    return " · ".join(parts)


def brief(value: object) -> str:
    """A value in one line of bounded length, however large it is."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= BRIEF else f"{text[:BRIEF]}… ({len(text):,} characters)"


def _name(one: Property) -> tuple[str, int]:
    return natural(one.name)
