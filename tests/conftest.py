"""Fixtures for every floor."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.commandline import command_line
from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import CommandLine
    from workbench.engine.demo import DemoGuest

# pytest imports readline, which puts the terminal's size into the environment (readline: shell.c, sh_set_lines_and_columns);
# the workers of pytest-xdist inherit it, and a screen that a test opens would believe it instead of its own terminal.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# A shell without job control starts what runs in its background with SIGINT ignored, and so would be every program that a
# test interrupts (bash(1), "Signals").
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def demo_guest() -> DemoGuest:
    """The demo guest from the user's own cache, built when it is not there; a machine that cannot build it fails here."""
    from workbench.engine.demo import build
    from workbench.errors import HostError

    try:
        return asyncio.run(build(Settings().cache, print))
    except HostError as error:
        pytest.fail(f"no demo guest for the tests: {error.message}\nhint: {error.hint}", pytrace=False)


@pytest.fixture
def workbench() -> Iterator[CommandLine]:
    """The command line with directories of its own; its guests are ended when the test is over."""
    with command_line() as workbench:
        yield workbench


@pytest.fixture(scope="module")
def running_demo(demo_guest: DemoGuest) -> Iterator[CommandLine]:
    """A command line whose guest ``demo`` runs and is up: one for all tests of a module.

    Each test leaves it running; what a test does to its balloon, the next one may find.
    """
    with command_line() as workbench:
        workbench.sample("demo")
        workbench.start("demo")
        workbench.wait_for_boot()
        yield workbench
