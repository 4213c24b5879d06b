"""What ``import workbench`` offers: each name once, with its type, and imported when it is used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import workbench
from workbench import errors

MODULES = "import json, sys; before = set(sys.modules); {}; print(json.dumps(sorted(set(sys.modules) - before)))"


def loaded(statement: str) -> set[str]:
    """The modules that a statement loads in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES.format(statement)], capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(done.stdout))


def typed() -> dict[str, str]:
    """The module of each name as a type checker sees it."""
    tree = ast.parse(Path(workbench.__file__).read_text(encoding="utf-8"))
    return {
        alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "importlib"
        for alias in node.names
    }


def test_the_import_loads_nothing_else() -> None:
    assert loaded("import workbench") == {"workbench"}


def test_the_api_loads_no_screen_and_no_parser_of_options() -> None:
    modules = loaded("import workbench; workbench.open, workbench.connect")
    assert {"workbench.engine.local.engine"} <= modules
    assert modules & {"click", "rich", "textual"} == set()


def test_every_name_is_typed() -> None:
    assert set(typed()) == set(workbench.__all__)


@pytest.mark.parametrize("name", workbench.__all__)
def test_a_name_is_what_its_type_says(name: str) -> None:
    assert getattr(workbench, name) is getattr(import_module(typed()[name]), name)


def test_every_error_is_offered() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert defined - set(workbench.__all__) == set()
    assert all(issubclass(getattr(workbench, name), workbench.WorkbenchError) for name in defined)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        getattr(workbench, "conect")  # noqa: B009 - a type checker would refuse it
    assert set(workbench.__all__) <= set(dir(workbench))
