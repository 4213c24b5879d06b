"""The package with its messages reworded at random: its decisions must not depend on them.

:func:`private` imports ``workbench`` a second time, into separate modules, and replaces each message before compiling it.
Each place in the source gets a different text, so a literal that is compared with a message from elsewhere no longer
equals it. :func:`comparisons` finds such comparisons without running anything.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import random
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

PACKAGE = "workbench"

FOREIGN: Mapping[str, str] = {
    # Texts of QEMU, which the workbench looks for in answers and in logs.
    "workbench.domain.hotplug.unplug:ALREADY": "QEMU's error for a device that was asked to go before",
    "workbench.domain.hotplug.unplug:NO_HOTPLUG": "QEMU's error for a bus that takes nothing while it runs",
    "workbench.domain.command_line.start_advice": "what QEMU and its bridge helper write to standard error",
    "workbench.domain.devices.type_info:REFUSALS": "QEMU's descriptions of properties that cannot be set",
    "workbench.engine.hotplug.backends": "QEMU's errors for what is gone, and HMP command lines",
    "workbench.engine.balloon.backing": "a line of QEMU's log, and HMP command lines",
    "workbench.engine.balloon.ram_blocks:TREE": "an HMP command line",
    "workbench.engine.balloon.ram_blocks:places_of": "what info mtree writes",
    "workbench.engine.hotplug.plug:HINTS": "QEMU's errors, each with what to do about it",
    # Texts that QEMU reads, or that ``info`` and ``help`` write.
    "workbench.domain.qmp.effects:_HMP": "names of HMP commands",
    "workbench.domain.qmp.effects:_of_hmp": "names of HMP commands",
    "workbench.domain.qmp.completion.complete_hmp": "names of HMP commands",
    "workbench.domain.qmp.hmp": "what help of HMP writes",
    "workbench.engine.session.lookups:SessionLookups._hmp_commands": "HMP command lines",
    "workbench.engine.session.lookups:_buses": "HMP command lines, and what they answer",
    "workbench.engine.session.lookups:_netdevs": "QEMU's name for a card's end of a network",
    "workbench.engine.session.lookups:_nets": "HMP command lines, and what they answer",
    "workbench.ui.qmp.hmp_help": "what help of HMP writes",
    "workbench.engine.devices.virtio_pci": "HMP command lines",
    "workbench.ui.devices.set_property:Change.words": "a command for the console",
    # Texts of the host.
    "workbench.domain.host.accelerator:DOM0": "the name of a hypervisor",
    "workbench.domain.qmp.input_error": "errors of Python's JSON reader",
    "workbench.engine.demo:READY": "a line that the demo guest prints",
    "workbench.engine.demo.packages": "errors of apt",
    "workbench.engine.host.hypervisor": "names in DMI and in lscpu's output",
    "workbench.engine.host.kvm_probe:_reason": "what QEMU writes to standard error",
    "workbench.engine.state.liveness": "the shell text that waits for QEMU's end",
    "workbench.engine.host.pool_growth:returning_script": "a program for the shell",
    "workbench.engine.balloon.path.trace:_is_gone": "a mark of the kernel's in /proc",
    # Words that a user types.
    "workbench.domain.host.hugepages:Supply": "values of an option of the command line",
    # Languages of their own.
    "workbench.domain.convert": "options of QEMU, shell and XML that are read",
    "workbench.domain.balloon.history.picture": "SVG",
    "workbench.domain.devices.source_table": "files of QEMU's source",
    "workbench.engine.local.profiles:EMPTY": "TOML",
    "workbench.engine.start.prepare:make_image": "what qemu-img writes to standard error",
    "workbench.engine.qmp.schema": "templates of log lines",
}
"""What looks like a message and is not one: a module, a package, a name at a module's top level or a method; and why."""

MESSAGES = frozenset({"workbench.domain.host.accelerator:UNNAMED"})
"""Names of messages that have only one word."""

_WORDS = [
    "another", "client", "floor", "below", "powered", "off", "starts", "stopped", "absent", "reached", "device",
    "balloon", "guest", "QEMU", "none", "unknown", "no", "not", "with", "told", "left", "held", "late", "moved",
    "killed", "signal", "true", "false", "unplug", "guard", "pages", "empty", "deprecated", "amber", "birch",
    "cedar", "dune", "ember", "fjord", "glade", "heath", "isle", "jetty", "knoll", "larch", "marsh", "north",
    "oasis", "pier", "quarry", "ridge", "slope", "tarn",
]  # fmt: skip
"""Some are words that decisions hung on: a message that has them by chance must not be taken for another one."""
_PROSE = re.compile(
    r"[^\W\d_]{2,}[,;:.!?)'\"]*(?:\s+\d+)?\s+[(\"']?(?:[^\W\d_]|\0)|\0[,;:.!?)'\"]*\s+[(\"']?[^\W\d_]{2,}", re.ASCII
)
_STYLE = re.compile(r"(?:(?:bold|dim|italic|reverse|underline|not|on|\$[a-z-]+|#[0-9a-f]+|\d+%)\s*)+")
_PATTERN = re.compile(r"\\[dswbSWDAZ.|(){}\[\]*+?]|\(\?[:P=!<]")
_TYPE = re.compile(r"[\w.]+(?:\[.*\]| \| .*)")
_BRACED = re.compile(r"\{[\w.!:,+-]*\}|%[sdrf]")
_LABEL = re.compile(r"(?:[^\W\d_]{2,}|\0): $")
"""How a message begins that goes on with another one: ``guard: ``."""
_WORD = re.compile(r"[A-Za-z]{2,}")
_STYLED = frozenset({"classes", "id", "style", "metavar", "name"})
"""Keyword arguments that never hold messages."""


def is_prose(text: str) -> bool:
    """Whether a text is for people: two words at least, and no style, pattern or type. ``\\0`` is a value put in."""
    if not _PROSE.search(text) or _PATTERN.search(text):
        return False
    return not _STYLE.fullmatch(text.strip()) and not _TYPE.fullmatch(text)


def is_foreign(module: str, name: str) -> bool:
    """Whether a top-level name of a module, or ``Class.method``, holds something other than messages."""
    above = module.split(".")
    packages = {".".join(above[:length]) for length in range(1, len(above) + 1)}
    return not packages.isdisjoint(FOREIGN) or f"{module}:{name}" in FOREIGN


class _Own(ast.NodeVisitor):
    """Visits all of a module but what is foreign in it."""

    def __init__(self, module: str) -> None:
        self._module = module

    def visit_Module(self, node: ast.Module) -> None:
        for statement in node.body:
            if not any(is_foreign(self._module, name) for name in top_names(statement) or [""]):
                self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            if not any(is_foreign(self._module, f"{node.name}.{name}") for name in top_names(statement)):
                self.visit(statement)


class _Places(_Own):
    """Every message of a module, handed to ``found`` with whether it must stay one word."""

    def __init__(self, module: str, found: Callable[[ast.Constant, bool], None]) -> None:
        super().__init__(module)
        self._found = found

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # not a docstring
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any(dotted(base).endswith("Enum") for base in node.bases):
            for statement in node.body:
                if isinstance(statement, ast.Assign):
                    self._give(statement.value, one=True)
                else:
                    self.visit(statement)
        else:
            super().visit_ClassDef(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = top_names(node)
        if any(f"{self._module}:{name}" in MESSAGES for name in names):
            self._give(node.value, one=True)
        elif not any(name.endswith("CSS") for name in names):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if not (isinstance(node.target, ast.Name) and node.target.id.endswith("CSS")):
            self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not dotted(node.value).endswith("Literal"):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = dotted(node.func)
        if called.startswith("re.") or called in ("cast", "bytes.fromhex"):
            for argument in node.args[1:] if called == "cast" else ():
                self.visit(argument)
            return
        if called != ".split":  # a table of words
            self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in _STYLED:
                self.visit(keyword.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pieces = [value for value in node.values if isinstance(value, ast.Constant)]
        whole = "".join(str(one.value) if isinstance(one, ast.Constant) else "\0" for one in node.values)
        if is_prose(whole):
            for piece in pieces:
                self._found(piece, False)
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self.visit(value.value)  # its format stays as it is

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and is_prose(node.value):
            self._found(node, False)

    def _give(self, node: ast.expr, *, one: bool) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._found(node, one and not is_prose(node.value))
        else:
            self.visit(node)


def dotted(node: ast.expr) -> str:
    """``re.compile``, ``cast``, or ``.split`` for what is called of a text."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute(value=ast.Constant()):
            return f".{node.attr}"
        case ast.Attribute() if above := dotted(node.value):
            return f"{above}.{node.attr}"
    return ""


def top_names(statement: ast.stmt) -> list[str]:
    """The names that a statement at a module's top level makes."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [statement.name]
        case ast.Assign():
            return [target.id for target in statement.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def messages(tree: ast.Module, module: str) -> list[tuple[ast.Constant, bool]]:
    """Every message of a module, with whether it must stay one word."""
    found: list[tuple[ast.Constant, bool]] = []
    _Places(module, lambda node, one: found.append((node, one))).visit(tree)
    return found


def reword(text: str, chance: random.Random, *, one: bool = False) -> str:
    """Another text in its place: other words, as many as chance says, with the blanks at its ends and what is filled in.

    :param one: it stays one word.
    """
    if one:
        return _new_word(chance)
    return "\n".join(_line(line, chance) for line in text.split("\n"))


def _new_word(chance: random.Random) -> str:
    """A word that occurs nowhere else."""
    return "".join(chance.choices("bcdfgjklmnpqrtvwxz", k=10))


def _line(line: str, chance: random.Random) -> str:
    bare = line.strip()
    if not _WORD.search(bare):
        return line
    before, after = line[: len(line) - len(line.lstrip())], line[len(line.rstrip()) :]
    words = [*chance.choices(_WORDS, k=chance.randint(1, 5)), _new_word(chance)]
    chance.shuffle(words)
    words += _BRACED.findall(bare)
    joined = words[0] + "".join(chance.choice((" ", " ", " ", ", ", "; ", ": ")) + word for word in words[1:])
    return f"{before}{joined}{after}"


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, module: str, path: str, seed: int) -> None:
        super().__init__(module, path)
        self._seed = seed

    def get_code(self, fullname: str) -> CodeType:
        """The module's code with other messages, never from a cache."""
        tree = ast.parse(self.get_data(self.path))
        for node, one in messages(tree, fullname):
            assert isinstance(node.value, str)
            chance = random.Random(f"{self._seed} {fullname} {node.lineno} {node.col_offset}")
            node.value = reword(node.value, chance, one=one)
        return compile(tree, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, seed: int) -> None:
        self._seed = seed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, self._seed)
        return spec


LOOKING = frozenset({
    "startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "rsplit",
    "replace", "find", "rfind", "index", "count",
})  # fmt: skip
"""Methods of a text that look for another one in it."""
WORDED = frozenset({
    "accelerator_reason", "advice", "cause", "detail", "ended", "flag", "hint", "message", "reason", "remark",
    "risk", "trouble", "why", "words",
})  # fmt: skip
"""Attributes whose texts are for people."""


class _Decisions(_Own):
    """Comparisons of messages in one module."""

    def __init__(self, module: str, known: Mapping[str, str]) -> None:
        super().__init__(module)
        self._known = known
        self.lines: list[int] = []

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        texts = [text for side in sides for text in self._texts(side)]
        attributes = {side.attr for side in sides if isinstance(side, ast.Attribute)}
        of_enum = "value" in attributes and bool(texts)
        worded = not attributes.isdisjoint(WORDED) and any(_WORD.search(text) for text in texts)
        if of_enum or worded or any(is_prose(text) for text in texts):
            self.lines.append(node.lineno)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in LOOKING:
            texts = [text for argument in node.args for text in self._texts(argument)]
            looked_in = node.func.value
            worded = isinstance(looked_in, ast.Attribute) and looked_in.attr in WORDED and bool(texts)
            if worded or any(is_prose(text) or _LABEL.search(text) for text in texts):
                self.lines.append(node.lineno)
        self.generic_visit(node)

    def visit_MatchValue(self, node: ast.MatchValue) -> None:
        if any(is_prose(text) for text in self._texts(node.value)):
            self.lines.append(node.value.lineno)

    def _texts(self, node: ast.expr) -> list[str]:
        """The texts that an expression is, or may be."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Name() if node.id in self._known:
                return [self._known[node.id]]
            case ast.JoinedStr():
                return ["".join(str(one.value) if isinstance(one, ast.Constant) else "\0" for one in node.values)]
            case ast.Tuple() | ast.List() | ast.Set():
                return [text for one in node.elts for text in self._texts(one)]
            case ast.Dict():
                return [text for one in node.keys if one is not None for text in self._texts(one)]
            case ast.Call(func=ast.Name(id="frozenset" | "set" | "tuple"), args=[argument]):
                return self._texts(argument)
        return []


def comparisons(trees: Mapping[str, ast.Module]) -> list[str]:
    """Every place that decides by what a message says, ``module:line``."""
    constants = {module: _constants(module, tree) for module, tree in trees.items()}
    found = []
    for module, tree in trees.items():
        known = dict(constants[module])
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in constants:
                there = constants[node.module]
                known |= {one.asname or one.name: there[one.name] for one in node.names if one.name in there}
        decisions = _Decisions(module, known)
        decisions.visit(tree)
        found += [f"{module}:{line}" for line in sorted(set(decisions.lines))]
    return found


def _constants(module: str, tree: ast.Module) -> dict[str, str]:
    """The messages that have a name at a module's top level."""
    return {
        name: statement.value.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
        for name in top_names(statement)
        if not is_foreign(module, name)
    }


@contextmanager
def private(seed: int | None) -> Iterator[Callable[[str], ModuleType]]:
    """Modules of the package, and of the tests, that nothing else sees; with a seed, reworded.

    It gives a function that imports one. All that belongs to them must be over when the context ends.
    """
    kept = {name: sys.modules.pop(name) for name in tuple(sys.modules) if name.partition(".")[0] in (PACKAGE, "tests")}
    finder = None if seed is None else _Finder(seed)
    if finder is not None:
        sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module
    finally:
        if finder is not None:
            sys.meta_path.remove(finder)
        for name in tuple(sys.modules):
            if name.partition(".")[0] in (PACKAGE, "tests"):
                del sys.modules[name]
        sys.modules.update(kept)
