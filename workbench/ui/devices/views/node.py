"""The lines inside a QOM object: its properties and its children."""

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
"""Items of a list that are shown; the rest are only counted."""
NOT_REPORTED = 2**64 - 1
"""QEMU's value for a statistic that the guest does not report (hw/virtio/virtio-balloon.c)."""
BRIEF = 400
"""Characters of a value in a line; the rest are only counted."""


def inside(row: Row, shown: Shown) -> list[Item]:
    """The inside of an expanded object, as far as it was read."""
    node = shown.nodes.get(row.path)
    return unread(row, shown) if node is None else [*properties(node, row, shown), *children(node, row, shown)]


def unread(row: Row, shown: Shown) -> list[Item]:
    failed = shown.failed.get(row.path)
    if failed is not None:
        return [leaf(f"{row.key}#unread", row, failed, tone="error", muted=True)]
    return [leaf(f"{row.key}#unread", row, "reading …", muted=True)]


def properties(node: Node, row: Row, shown: Shown) -> Iterator[Item]:
    """The properties; the common ones are collapsed."""
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
    """The QOM children, collapsed."""
    if node.children:
        folded = group(f"{row.key}#children", row, "QOM children", str(len(node.children)), shown)
        if folded.row.expanded:
            folded.below = [nested(child, folded.row, shown) for child in node.children]
        yield folded


def nested(child: Child, parent: Row, shown: Shown) -> Item:
    """An object shown inside another object's line."""
    key = f"{NESTED}{child.path}"
    row = Row(
        key, "", child.name, child.type, tone="muted", expandable=True, expanded=shown.is_open(key), path=child.path,
        parent=parent.key, source=child,
    )  # fmt: skip
    return Item(row, inside(row, shown) if row.expanded else [])


def prop(one: Property, parent: Row, base: str, info: TypeInfo | None, shown: Shown) -> Item:
    """One property; a structure or a list can be expanded. Its key starts with its object's key in every view."""
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
    """A value inside a property's value, under its name or index; nested ones are expanded by default."""
    if not isinstance(value, dict | list):
        absent = one.name == "guest-stats" and value == NOT_REPORTED
        text, tone = ("not reported", "muted") if absent else (brief(value), "")
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
    """Its type, its default if the value differs, and its description."""
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
    """A value on one line of bounded length."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= BRIEF else f"{text[:BRIEF]}… ({len(text):,} characters)"


def _name(one: Property) -> tuple[str, int]:
    return natural(one.name)
