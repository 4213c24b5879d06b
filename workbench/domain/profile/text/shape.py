"""The values that a key of a profile can have, derived from its field's type, for decoding and messages."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from workbench.domain.profile.devices.part import Part, extra, metas
from workbench.domain.units import format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Shape(Struct, frozen=True):
    kind: Literal["table", "list", "names", "size", "value"]
    """``names``: a table with keys chosen by the user; its field is a tuple of pairs of name and value."""
    bare: Any
    """The type without annotations and without None."""
    checked: Any
    """The type with its bounds, as msgspec converts to it."""
    optional: bool
    """Whether the field can be None, which is ``false`` in the file for a table."""
    low: int | None
    high: int | None
    """Bounds of a number or size, or the maximum length of a list or table of names."""
    judge: Callable[[Any], str]
    """Returns what is wrong with a value that is within its bounds; empty if nothing."""
    described: str
    """What the value must be, from the field's annotation; empty if the type says it."""
    item: Shape | None = None
    """The shape of each element of a list, or of each value in a table of names."""
    usual: tuple[Any, ...] | None = None
    """What ``true`` means in place of a list; None if it is not allowed."""
    lone: bool = False
    """Whether a single table is allowed in place of a list of tables."""

    @property
    def choices(self) -> tuple[str, ...]:
        """The strings to choose from; empty for other types."""
        return tuple(map(str, get_args(self.bare))) if get_origin(self.bare) is Literal else ()

    @property
    def words(self) -> str:
        """What the value must be: ``a whole number from 1 to 255``."""
        if self.described:
            return self.described
        if self.kind == "size":
            return "a size such as 256M or a number of bytes"
        if self.kind in ("table", "names"):
            return "a table"
        if self.kind == "list":
            return "a list"
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.bare is bool:
            return "true or false"
        if self.bare is int:
            bounded = self.low is not None and self.high is not None
            return f"a whole number from {self.low:,} to {self.high:,}" if bounded else "a whole number"
        return "a string"

    def out_of_bounds(self, size: int) -> str:
        """Why a size is too small or too large; empty if it is neither."""
        if self.low is not None and size < self.low:
            return f"{format_size(size)} is too small: at least {format_size(self.low)}"
        if self.high is not None and size > self.high:
            return f"{format_size(size)} is too large: at most {format_size(self.high)}"
        return ""


class Field(Struct, frozen=True):
    """One key of a table."""

    name: str
    """The field's name in Python."""
    key: str
    """Its key in the file."""
    required: bool
    hidden: str
    """Why it is not a key of the file; empty for all others."""
    shape: Shape


@cache
def fields_of(part: type[Part]) -> Mapping[str, Field]:
    """The fields of a table, by key."""
    return {
        field.encode_name: Field(
            field.name, field.encode_name, field.required, extra(field.type, "hidden") or "", shape_of(field.type)
        )
        for field in msgspec.structs.fields(part)
    }


@cache
def dotted_keys(part: type[Part]) -> tuple[str, ...]:
    """Every key of a table and of the tables in it: ``memory.hugepages.size``, ``net[].mac``."""
    keys: list[str] = []
    for key, field in fields_of(part).items():
        if field.hidden:
            continue
        keys.append(key)
        inner = field.shape.item or field.shape
        if inner.kind == "table":
            mark = "[]" if field.shape.kind == "list" else ""
            keys += [f"{key}{mark}.{below}" for below in dotted_keys(inner.bare)]
    return tuple(keys)


def shape_of(type_: Any) -> Shape:
    """The shape of a field's type: a value, a list of one type, a table, or one of these or None."""
    outer, annotations = metas(type_)
    optional = get_origin(outer) in (Union, UnionType)
    inner = next(option for option in get_args(outer) if option is not NoneType) if optional else outer
    bare, more = metas(inner)
    annotations = (*more, *annotations)
    low = max((int(meta.ge) for meta in annotations if meta.ge is not None), default=None)
    high = min((int(meta.le) for meta in annotations if meta.le is not None), default=None)
    described = [meta.extra["words"] for meta in annotations if meta.extra and "words" in meta.extra]
    kind: Literal["table", "list", "names", "size", "value"] = "value"
    item = None
    if get_origin(bare) is tuple:
        element = get_args(bare)[0]
        pairs = get_origin(element) is tuple
        kind, item = ("names", shape_of(get_args(element)[1])) if pairs else ("list", shape_of(element))
    elif isinstance(bare, type) and issubclass(bare, Part):
        kind = "table"
    elif any(meta.extra and "size" in meta.extra for meta in annotations):
        kind = "size"
    if item is not None:
        high = min((meta.max_length for meta in annotations if meta.max_length is not None), default=None)
    checked = Annotated[(bare, *annotations)] if annotations else bare
    judges = [meta.extra["judge"] for meta in annotations if meta.extra and "judge" in meta.extra]
    judge = judges[-1] if judges else _content
    usual = [meta.extra["usual"] for meta in annotations if meta.extra and "usual" in meta.extra]
    words = described[-1] if described else ""
    lone = any(meta.extra and "lone" in meta.extra for meta in annotations)
    true = (item.bare(),) if lone and item is not None else usual[-1] if usual else None
    return Shape(kind, bare, checked, optional, low, high, judge, words, item, true, lone)


def _content(_: object) -> str:
    return ""
