"""Private names of the package, and where tests touch them.

A test that reads or replaces ``_name`` of what it tests breaks when the code is rearranged, and shows nothing that a user
or another module could see.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PATCHERS = frozenset({"attrgetter", "delattr", "getattr", "hasattr", "object", "patch", "setattr"})
"""Functions of Python, pytest and unittest.mock that take an attribute's name, alone or after dots."""


def is_private(name: str) -> bool:
    """Whether a name has one leading underscore: neither ``__init__`` nor ``_``."""
    return name.startswith("_") and not name.startswith("__") and name != "_"


def defined(tree: ast.AST) -> Iterator[str]:
    """The private names that a module defines: functions, classes, variables and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names = [name]
            case _:
                names = []
        yield from filter(is_private, names)


def touched(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The private names of other objects that a test reads, replaces or imports, each with its line.

    Names of ``self`` are the test's own.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                names = []
            case ast.Attribute(attr=name):
                names = [name]
            case ast.ImportFrom(module=str(module), names=imported) if module.split(".")[0] == "workbench":
                names = [one.name for one in imported]
            case ast.Call(func=called, args=arguments, keywords=keywords):
                names = [one.arg for one in keywords if one.arg]
                if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in PATCHERS:
                    names += [word for one in arguments if (word := _last_part(one))]
            case _:
                names = []
        for name in filter(is_private, names):
            yield node.lineno, name  # type: ignore[attr-defined]


def _last_part(argument: ast.expr) -> str:
    """The name in a string such as ``workbench.module.name``."""
    text = argument.value if isinstance(argument, ast.Constant) else None
    return text.rpartition(".")[2] if isinstance(text, str) else ""
