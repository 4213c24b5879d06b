"""The layout: floors and rooms as pyproject.toml has them, in force, and small enough to be found one's way in."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = ROOT / "workbench", ROOT / "tests"
MODULES_MAX = 15
"""Modules of one folder."""
LINES_MAX = 500
"""Lines of one module: it has one subject."""
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on a checkout, with the contracts of its own pyproject.toml."""
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=checkout, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its contracts, to break them in."""
    checkout = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, checkout / "workbench", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", checkout)
    return checkout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("domain/units.py", "import asyncio", "domain: no clock, file, socket, process or screen"),
        (
            "domain/units.py",
            "def f():\n    from pathlib import Path",
            "domain: no clock, file, socket, process or screen",
        ),
        (
            "domain/units.py",
            "from workbench.engine.base import Engine",
            "floors: each imports only from those below it",
        ),
        ("domain/units.py", "from workbench.domain.rebalance.proposal import *", "domain: the order of its rooms"),
        (
            "domain/balloon/reading.py",
            "from workbench.domain.balloon.balloon import *",
            "no import circles, at any depth",
        ),
        ("errors.py", "import msgspec", "errors.py imports nothing"),
        ("engine/base.py", "from textual.app import App", "engine: no screen and no command line"),
        ("verbs/common.py", "from workbench.api import blocking", "floors: each imports only from those below it"),
        ("api/blocking.py", "from workbench.verbs import common", "api: no screen and no command line"),
        (
            "ui/words.py",
            "import tempfile",
            "ui: nothing but Textual; what it reads and writes goes through engine/base.py",
        ),
        ("ui/balloon/staging/effects.py", "from workbench.ui.common.text import cut", "ui: models know no screen"),
        ("ui/words.py", "import workbench.engine.local.engine", "ui: of the engine it knows base.py alone"),
        ("ui/common/flow.py", "from workbench.ui.main import screen", "ui: the order of its rooms"),
        ("verbs/common.py", "from workbench.verbs.guests import list", "verbs: the order of their rooms"),
        ("engine/storage/files.py", "from workbench.engine.start import launch", "engine: the order of its rooms"),
    ],
)
def test_a_contract_that_is_broken_is_named(copied: Path, module: str, line: str, contract: str) -> None:
    path = copied / "workbench" / module
    whole = path.read_text()
    path.write_text(f"{whole}\n{line}\n")
    try:
        done = lint(copied)
    finally:
        path.write_text(whole)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout


def test_a_room_that_no_contract_names_is_refused(copied: Path) -> None:
    (copied / "workbench/domain/attic.py").touch()
    try:
        done = lint(copied)
    finally:
        (copied / "workbench/domain/attic.py").unlink()
    assert done.returncode == 1
    assert "domain: the order of its rooms BROKEN" in done.stdout


def test_every_contract_holds() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def folders(top: Path) -> list[Path]:
    return sorted({path.parent for path in top.rglob("*.py")})


@pytest.mark.parametrize("folder", [*folders(PACKAGE), *folders(TESTS)], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_folder_is_a_heap(folder: Path) -> None:
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MODULES_MAX, modules


def test_no_module_has_two_subjects() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > LINES_MAX} == {}


def test_the_same_subject_has_the_same_word_on_each_floor() -> None:
    """What is done in a room of the engine, the screen or the verbs is described in the domain, or is theirs alone."""
    own = {
        "engine": {"demo", "local", "session", "start", "state", "storage"},
        "ui": {"common", "console", "editor", "guests", "keys", "main"},
        "verbs": {"guests"},
    }
    for floor, alone in own.items():
        rooms = {path.name for path in (PACKAGE / floor).iterdir() if (path / "__init__.py").exists()}
        subjects = {path.name for path in (PACKAGE / "domain").iterdir() if (path / "__init__.py").exists()}
        assert rooms - alone <= subjects | {f"{word}s" for word in subjects}, floor


def test_tests_are_in_the_rooms_of_what_they_test() -> None:
    floors = ("domain", "engine", "ui", "verbs")
    places = {path.relative_to(TESTS) for floor in floors for path in folders(TESTS / floor)}
    assert {place for place in places if not (PACKAGE / place).is_dir()} == set()


def test_the_contracts_name_each_floor_and_its_rooms() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [contract for contract in contracts if contract["type"] == "layers"]
    assert [contract["containers"] for contract in layers] == [
        ["workbench"], ["workbench.domain"], ["workbench.engine"], ["workbench.ui"], ["workbench.verbs"]
    ]  # fmt: skip
    assert all(contract["exhaustive"] for contract in layers)
