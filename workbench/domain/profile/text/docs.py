"""The model's docstrings for each table and key, for the reference and the form."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.domain.units import format_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.profile.devices.part import Part
    from workbench.domain.profile.text.shape import Field


def class_doc(part: type[Part]) -> str:
    """A table's docstring without the ``[table]`` in front."""
    text = re.sub(r"^``\[+[a-z.-]+\]+``: ", "", inspect.getdoc(part) or "")
    return text[:1].upper() + text[1:]


@cache
def field_docs(part: type[Part]) -> Mapping[str, str]:
    """The docstrings of a table's fields, by field name; empty if the source is not available."""
    try:
        body = ast.parse(inspect.getsource(part)).body[0]
    except OSError:
        return {}
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for first, second in zip(body.body, body.body[1:], strict=False):
        match first, second:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = inspect.cleandoc(text)
    return docs


def is_absent(part: type[Part], field: Field) -> bool:
    """Whether a missing key means that the thing is absent."""
    return _default(part, field) is None


def _default(part: type[Part], field: Field) -> Any:
    return next(one for one in msgspec.structs.fields(part) if one.encode_name == field.key).default


def default_text(part: type[Part], field: Field) -> str:
    """The default as written in the file; empty if it cannot be written, in which case the key's docstring describes it."""
    value = _default(part, field)
    if field.required or value is None or value is msgspec.NODEFAULT or value == "":
        return ""
    if field.shape.kind == "size":
        return f'"{format_size(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'
