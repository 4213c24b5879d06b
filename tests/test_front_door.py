"""The command line opens quickly: what ``workbench --version`` loads, and what a verb's help does not run."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from workbench import __version__
from workbench.verbs.group import VERBS

REPORT = (
    "import atexit, json, sys; atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr));"
    "from workbench.cli import main; sys.argv[0] = 'workbench'; main()"
)
HEAVY = {"textual", "numpy", "asyncio", "rich", "qemu", "psutil", "msgspec", "tomllib", "tomlkit", "importlib.metadata"}
"""What only the screen or a verb needs."""


def loaded(*arguments: str) -> tuple[str, set[str]]:
    """What the front door prints for these arguments, and every module that it has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_nothing_heavy_is_loaded_for(argument: str) -> None:
    out, modules = loaded(argument)
    assert "workbench" in out
    assert modules & HEAVY == set()
    assert {name for name in modules if name.startswith("workbench.verbs.")} == {"workbench.verbs.group"}
    assert {name.split(".")[1] for name in modules if name.startswith("workbench.")} == {"cli", "settings", "verbs"}


def test_the_version() -> None:
    assert loaded("--version")[0] == f"workbench {__version__}\n"


def test_help_lists_every_verb() -> None:
    out = loaded("--help")[0]
    assert [verb for verb in VERBS if f"\n  {verb} " not in out] == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_loads_no_screen(verb: str) -> None:
    out, modules = loaded(verb, "--help")
    assert out.startswith(f"Usage: workbench {verb}")
    assert modules & {"textual", "numpy"} == set()
