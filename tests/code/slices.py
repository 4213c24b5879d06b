"""Classes that are cut into slices: a base that exists only to be inherited by one class of the same room.

Such a base is no class of its own: its methods use attributes of the others, and it can be neither made nor tested alone.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Class(Struct):
    """One class of the package. Names are those of Python, such as ``workbench.ui.app.WorkbenchApp``."""

    name: str
    bases: list[str]
    """Names of its bases in the package."""
    users: set[str] = field(default_factory=set)
    """Who mentions it other than as a base: classes, and modules for what is in no class."""


def room_of(name: str) -> tuple[str, ...]:
    """The floor and the room of a class."""
    return tuple(name.split(".")[1:3])


def slices(modules: Mapping[str, ast.Module]) -> dict[str, str]:
    """Each slice, and the class that it is a part of.

    :param modules: the modules of a package, by name.
    """
    classes = known(modules)
    children: dict[str, list[str]] = {}
    for one in classes.values():
        for base in one.bases:
            children.setdefault(base, []).append(one.name)

    def family(name: str) -> set[str]:
        return {name}.union(*(family(child) for child in children.get(name, ())))

    def wholes(name: str) -> set[str]:
        """The nearest classes below one that are used on their own."""
        return {
            whole
            for child in children.get(name, ())
            for whole in ({child} if child not in children or used(child) else wholes(child))
        }

    def used(name: str) -> bool:
        return not classes[name].users <= family(name)

    found = {name: wholes(name) for name in children if not used(name)}
    return {
        name: whole
        for name, (whole, *others) in sorted((name, sorted(those)) for name, those in found.items())
        if not others and room_of(name) == room_of(whole)
    }


def known(modules: Mapping[str, ast.Module]) -> dict[str, Class]:
    """The classes of a package, with their bases and users."""
    names = {module: names_in(module, tree) for module, tree in modules.items()}
    classes = {name: Class(name, []) for module, tree in modules.items() for name, _ in classes_in(module, tree)}
    for module, tree in modules.items():
        for name, node in classes_in(module, tree):
            bases = [resolved(base, names[module]) for base in node.bases]
            classes[name].bases = [base for base in bases if base in classes]
        for user, mention in mentions(module, tree):
            if (one := resolved(mention, names[module])) in classes:
                classes[one].users.add(user)
    return classes


def names_in(module: str, tree: ast.Module) -> dict[str, str]:
    """What the names of a module stand for, as far as that is in a package: its classes and its imports."""
    names = {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def classes_in(module: str, tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes at the top of a module."""
    yield from ((f"{module}.{node.name}", node) for node in tree.body if isinstance(node, ast.ClassDef))


def mentions(module: str, tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """The expressions that may name a class, with who says so; the bases of a class do not count."""
    for top in tree.body:
        user, parts = module, [top]
        if isinstance(top, ast.ClassDef):
            user, parts = f"{module}.{top.name}", top.body
        for part in parts:
            yield from ((user, node) for node in ast.walk(part) if isinstance(node, ast.Name | ast.Attribute))


def resolved(node: ast.expr, names: Mapping[str, str]) -> str:
    """The full name of a class, or of a class in an imported module; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return f"{names[name]}.{attribute}" if name in names else ""
        case ast.Subscript(value=value):
            return resolved(value, names)
    return ""
