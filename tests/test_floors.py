"""Imports go down only: domain < engine < ui, and verbs and the front door on top."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import workbench

PACKAGE = Path(workbench.__file__).parent
GROUND = frozenset({"workbench", "workbench.errors"})
"""What every floor may use."""
WORLD = frozenset({
    "asyncio", "concurrent", "fcntl", "glob", "grp", "io", "multiprocessing", "os", "pathlib",
    "psutil", "pwd", "qemu", "random", "select", "selectors", "shutil", "signal",
    "socket", "subprocess", "sys", "tempfile", "termios", "threading", "time", "urllib",
})  # fmt: skip
"""What reaches a clock, a file, a socket or a process: nothing for the domain. ``datetime`` and ``posixpath`` are pure."""

ALLOWED = {
    "domain": ("workbench.domain",),
    "engine": ("workbench.domain", "workbench.engine", "workbench.settings"),
    "ui": ("workbench.domain", "workbench.engine.base", "workbench.ui"),
}
"""Which of the workbench's own modules each floor may import, besides the ground."""
OUTSIDE = {
    "domain": WORLD | {"textual", "rich", "click", "numpy"},
    "engine": frozenset({"textual", "rich", "click"}),
    "ui": frozenset({"qemu", "psutil", "subprocess", "socket", "click"}),
}
"""Which modules from elsewhere each floor may not import."""


def imports(source: str, module: str) -> set[str]:
    """The modules that a source names, wherever it does and for whatever reason: also late, also for types alone."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: -node.level]
                base = ".".join([*above, base] if base else above)
            # "from workbench import engine" names a module too.
            found |= {f"{base}.{alias.name}" for alias in node.names} if base == "workbench" else {base}
    return found


def trespasses(floor: str, source: str, module: str) -> set[str]:
    """The imports of a source that its floor may not have."""
    wrong = set()
    for name in imports(source, module):
        top = name.partition(".")[0]
        if top == "workbench":
            inside = any(name == start or name.startswith(f"{start}.") for start in ALLOWED[floor])
            if not inside and name not in GROUND and name != "workbench.__version__":
                wrong.add(name)
        elif top in OUTSIDE[floor]:
            wrong.add(name)
    return wrong


def sources(floor: str) -> list[Path]:
    return sorted((PACKAGE / floor).rglob("*.py"))


def module_of(path: Path) -> str:
    return ".".join(("workbench", *path.relative_to(PACKAGE).with_suffix("").parts))


@pytest.mark.parametrize("floor", ALLOWED)
def test_a_floor_imports_from_below_alone(floor: str) -> None:
    assert len(sources(floor)) > 1
    found = {module_of(path): trespasses(floor, path.read_text(), module_of(path)) for path in sources(floor)}
    assert {module: names for module, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("floor", "source", "wrong"),
    [
        ("domain", "import asyncio", {"asyncio"}),
        ("domain", "import os.path", {"os.path"}),
        ("domain", "def f():\n    from pathlib import Path", {"pathlib"}),
        ("domain", "from workbench.engine.qmp.monitor import Monitor", {"workbench.engine.qmp.monitor"}),
        ("domain", "from ..engine import monitor", {"workbench.engine"}),
        ("domain", "from workbench import engine", {"workbench.engine"}),
        ("domain", "from workbench.errors import UsageError\nfrom .units import MIB\nimport re", set()),
        ("engine", "from workbench.ui.app import WorkbenchApp", {"workbench.ui.app"}),
        ("engine", "if TYPE_CHECKING:\n    from textual.app import App", {"textual.app"}),
        ("engine", "import asyncio, os\nfrom workbench.settings import Settings\nimport workbench.domain", set()),
        ("ui", "from workbench.engine.base import Engine\nfrom textual.app import App", set()),
        ("ui", "from workbench.engine.baseline import x", {"workbench.engine.baseline"}),
        ("ui", "import workbench.engine.local.engine", {"workbench.engine.local.engine"}),
        ("ui", "from workbench.verbs.common import run", {"workbench.verbs.common"}),
    ],
)
def test_what_is_a_trespass(floor: str, source: str, wrong: set[str]) -> None:
    assert trespasses(floor, source, f"workbench.{floor}.somewhere") == wrong


def test_nobody_below_knows_the_front_door() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "cli.py":
            assert "workbench.cli" not in imports(path.read_text(), module_of(path)), path
