"""The block nodes of a command line: a format and the file behind it, in one option or in two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from workbench.domain.command_line.options import Keys, nested

if TYPE_CHECKING:
    from workbench.domain.convert.qemu.draft import Gathered


class Image(Struct, frozen=True):
    """A node over a plain file."""

    keys: Keys
    """Those of the format; ``implied`` is the format."""
    file: dict[str, Any]
    """Those of the file."""
    filename: str
    indexes: tuple[int, ...]
    """The options that say it."""


def block_node(found: Gathered, name: object) -> Image | None:
    """The node of this name; None when there is none, or it is over something else than a file."""
    index = found.backend("blockdev", name)
    if index is None:
        return None
    keys = _node(found, index)
    inner = keys.pop("file", None)
    indexes: tuple[int, ...] = (index,)
    if isinstance(inner, str):
        behind = found.backend("blockdev", inner)
        if behind is None:
            return None
        file = _node(found, behind)
        inner = {**file, "driver": file.implied}
        inner.pop("node-name", None)
        indexes = (index, behind)
    if not isinstance(inner, dict) or inner.get("driver") != "file" or not isinstance(inner.get("filename"), str):
        return None
    keys.pop("node-name", None)
    return Image(keys, inner, inner["filename"], indexes)


def _node(found: Gathered, index: int) -> Keys:
    keys = nested(found.options[index].keys)
    keys.implied = str(keys.take("driver") or keys.implied)
    return keys
