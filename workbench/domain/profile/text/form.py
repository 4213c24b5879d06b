"""A profile as a form: a row for every table and key of the model with its value, and typed values as TOML."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.docs import class_doc, default_text, field_docs, is_absent
from workbench.domain.profile.text.layout import MARK, Layout
from workbench.domain.profile.text.shape import fields_of
from workbench.domain.profile.text.write import toml_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from workbench.domain.profile.devices.part import Part
    from workbench.domain.profile.text.places import Path
    from workbench.domain.profile.text.shape import Field, Shape

ORDER = tuple(fields_of(GuestProfile))
"""The model's order of tables, for inserting new ones into a text."""

RowKind = Literal["table", "tables", "element", "names", "value"]


class Row(Struct, frozen=True):
    """One row of the form."""

    path: Path
    label: str
    kind: RowKind
    """``tables``: a list of tables, ``element``: one of them, ``names``: a table with keys chosen by the user."""
    doc: str
    """The key's docstring in the model."""
    must: str
    """What its value must be."""
    default: str = ""
    """As written in the file; empty if it cannot be written."""
    value: str = ""
    """As in the text; empty if not set."""
    plain: str = ""
    """The value as typed: a string without its quotes."""
    here: bool = False
    """Whether it is set in this text, not only in a file that it extends."""
    off: bool = False
    """Whether the table or list is ``false`` in the text."""
    choices: tuple[str, ...] = ()
    """The values to choose from; ``true`` and ``false`` for a switch."""
    switch: bool = False
    """Whether it is true or false."""
    text: bool = False
    """Whether it is a string, which gets quotes."""
    listed: bool = False
    """Whether it is a list of values."""
    opened: bool = False
    """Whether it is expanded: its keys follow."""
    adds: bool = False
    """Whether adding the table, or one more element, adds something to the guest."""
    can_be_off: bool = False
    """Whether ``false`` is allowed in its place."""

    @property
    def depth(self) -> int:
        return len(self.path) - 1


def form_rows(text: str, document: Mapping[str, Any], toggled: Collection[Path] = ()) -> tuple[Row, ...]:
    """The rows of a text. Tables in the text are expanded and others collapsed, except that ``toggled`` are reversed.

    :param document: the text merged with the files that it extends.
    :raise EditError: if the text is not valid TOML.
    """
    return tuple(_Form(Layout(text.removeprefix(MARK)), toggled).table(GuestProfile, document, ()))


class _Form:
    def __init__(self, layout: Layout, toggled: Collection[Path]) -> None:
        self._layout = layout
        self._toggled = toggled

    def table(self, part: type[Part], values: object, path: Path) -> Iterator[Row]:
        docs = field_docs(part)
        known = values if isinstance(values, dict) else {}
        for key, field in fields_of(part).items():
            if not field.hidden:
                yield from self._field(part, field, known.get(key), (*path, key), _prose(docs.get(field.name, "")))

    def _field(self, part: type[Part], field: Field, value: object, path: Path, doc: str) -> Iterator[Row]:
        shape = field.shape
        inner = shape.item or shape
        if shape.kind == "list" and inner.kind == "table":
            yield from self._tables(shape, inner, value, path, doc)
        elif shape.kind == "table":
            given = isinstance(value, dict) or value is True
            opened = self._open(path, given=given)
            words = _prose(class_doc(shape.bare))
            row = self._row(path, str(path[-1]), "table", f"{words} {doc}".strip(), "a table", value, opened=opened)
            adds = not given and (row.off or is_absent(part, field))
            yield replace(row, adds=adds, can_be_off=shape.optional)
            if opened:
                yield from self.table(shape.bare, value, path)
        elif shape.kind == "names":
            opened = self._open(path, given=isinstance(value, dict))
            yield self._row(path, str(path[-1]), "names", doc, f"NAME = {inner.words}", value, opened=opened)
            if opened and isinstance(value, dict):
                for name, one in value.items():
                    yield self._value(inner, one, (*path, name), doc, "")
        else:
            yield self._value(shape, value, path, doc, default_text(part, field))

    def _tables(self, shape: Shape, inner: Shape, value: object, path: Path, doc: str) -> Iterator[Row]:
        alone = shape.lone and (value is True or isinstance(value, dict))
        elements = value if isinstance(value, list) else []
        words = f"{_prose(class_doc(inner.bare))} {doc}".strip()
        opened = self._open(path, given=bool(elements) or alone)
        must = "a table, or a list of tables" if shape.lone else "a list of tables"
        row = self._row(path, str(path[-1]), "tables", words, must, [value] if alone else value, opened=opened)
        yield replace(row, adds=True, can_be_off=True)
        if alone and opened:
            yield from self.table(inner.bare, value, path)
        for index, element in enumerate(elements if opened else ()):
            below = (*path, index)
            inside = self._open(below, given=True)
            yield self._row(below, f"{path[-1]}[{index}]", "element", words, "a table", element, opened=inside)
            if inside:
                yield from self.table(inner.bare, element, below)

    def _open(self, path: Path, *, given: bool) -> bool:
        return given != (path in self._toggled)

    def _row(self, path: Path, label: str, kind: RowKind, doc: str, must: str, value: object, *, opened: bool) -> Row:
        count = f"{len(value)}" if kind == "tables" and isinstance(value, list) else ""
        here = path in self._layout.known
        return Row(path, label, kind, doc, must, value=count, here=here, off=value is False, opened=opened)

    def _value(self, shape: Shape, value: object, path: Path, doc: str, default: str) -> Row:
        span = self._layout.spans.get(path)
        written = "" if value is None else toml_value(value).replace("$${", "${")
        if span is not None:
            written = self._layout.text[span.begin : span.end]
            value = at(self._layout.values, path)  # with its ${...} not expanded
        choices = ("true", "false") if shape.bare is bool else shape.choices
        return Row(
            path,
            str(path[-1]),
            "value",
            doc,
            shape.words,
            default,
            written,
            value if isinstance(value, str) else written,
            here=span is not None,
            choices=choices,
            text=shape.kind == "size" or (shape.kind == "value" and shape.bare is not bool and shape.bare is not int),
            listed=shape.kind == "list",
            switch=shape.bare is bool,
        )


def literal(row: Row, typed: str) -> str:
    """A row's typed value in TOML: a list can be typed as words separated by commas."""
    if row.listed:
        bare = typed.strip()
        if bare in ("true", "false") or (bare.startswith("[") and _reads(bare)):
            return bare
        words = [word.strip() for word in bare.split(",") if word.strip()]
        return toml_value([int(word) if word.isdecimal() else word for word in words]).replace("$${", "${")
    if row.text:
        return toml_value(typed).replace("$${", "${")
    if row.switch:
        return typed
    return typed.strip() if _reads(typed) else toml_value(typed).replace("$${", "${")


def _reads(text: str) -> bool:
    try:
        return list(tomllib.loads(f"x = {text.strip()}")) == ["x"]
    except (tomllib.TOMLDecodeError, ValueError):
        return False


def at(values: Any, path: Path) -> Any:
    """The value at a path of a document."""
    for step in path:
        values = values[step]
    return values


def _prose(text: str) -> str:
    return " ".join(text.replace("``", "").split())
