"""Each example of docs/scripting.md, run as it stands against a demo guest."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.commandline import CHECKOUT, CommandLine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEXT = (CHECKOUT / "docs" / "scripting.md").read_text(encoding="utf-8")
MIB = 1 << 20
CELL = """
import asyncio, runpy, sys
async def cell():
    runpy.run_path(sys.argv[1])
asyncio.run(cell())
"""
"""Runs a file as a notebook does: inside a running event loop."""
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio")


def examples() -> Mapping[str, str]:
    """The Python example below each heading."""
    found: dict[str, str] = {}
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        assert len(blocks) <= 1, section
        found.update((section.partition("\n")[0], block) for block in blocks)
    return found


EXAMPLES = examples()


def run(heading: str, line: CommandLine, directory: Path, *how: str) -> str:
    """Run an example as a file and give what it prints.

    :param how: Python's options before the file.
    """
    file = directory / "example.py"
    file.write_text(EXAMPLES[heading], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", *how, str(file)],
        cwd=directory,
        env={**line.environment, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def target(line: CommandLine) -> tuple[object, object]:
    """The demo guest's target in MiB, and whether it is reached."""
    shown = line("balloon", "demo", "--json").json
    assert isinstance(shown["target"], int)
    return shown["target"] // MIB, shown["state"]


def test_every_example_is_run() -> None:
    source = (CHECKOUT / "tests/api/test_documented.py").read_text(encoding="utf-8")
    assert len(EXAMPLES) == TEXT.count("```python")
    assert [heading for heading in EXAMPLES if f'run("{heading}"' not in source] == []


def test_a_target(running_demo: CommandLine, tmp_path: Path) -> None:
    assert run("A target", running_demo, tmp_path) == "the guest has given its memory\n"
    assert target(running_demo) == (256, "settled")


def test_start_and_stop(workbench: CommandLine, demo_guest: object, tmp_path: Path) -> None:
    workbench.sample("demo")
    assert run("Start and stop", workbench, tmp_path) == "demo powered off\n"
    assert workbench.listed("demo")["state"] == "stopped"


def test_commands(running_demo: CommandLine, tmp_path: Path) -> None:
    value, error = run("Commands", running_demo, tmp_path).splitlines()
    assert value == "{'name': 'demo'}"
    assert error.startswith("GenericError ")
    assert "no-such" in error


def test_events(running_demo: CommandLine, tmp_path: Path) -> None:
    running_demo("balloon", "demo", "max", "--wait")
    *_, last = run("Events", running_demo, tmp_path).splitlines()
    assert last.endswith(f" BALLOON_CHANGE {{'actual': {384 * MIB}}}")


def test_in_pytest(running_demo: CommandLine, tmp_path: Path) -> None:
    printed = run("In pytest", running_demo, tmp_path, *PYTEST)
    assert "1 passed" in printed
    assert target(running_demo)[0] == 512


def test_into_a_csv_file(running_demo: CommandLine, tmp_path: Path) -> None:
    assert running_demo("balloon", "demo", "448M", "--wait").code == 0
    run("Into a CSV file", running_demo, tmp_path)
    with (tmp_path / "balloon.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert {(row["target"], row["actual"]) for row in rows} == {(str(448 * MIB), str(448 * MIB))}
    assert all(0 < int(row["resident"]) <= 512 * MIB for row in rows)
    assert sorted({float(row["time"]) for row in rows}) == [float(row["time"]) for row in rows], "a reading each"


@pytest.mark.parametrize("how", [(), ("-c", CELL)], ids=["as a script", "inside a loop"])
def test_in_a_notebook(running_demo: CommandLine, tmp_path: Path, how: tuple[str, ...]) -> None:
    running_demo("balloon", "demo", "max", "--wait")
    assert re.fullmatch(r"\d+ PCI devices, \d+ CPUs\n", run("In a notebook", running_demo, tmp_path, *how))
    assert target(running_demo) == (320, "settled")
