"""Fixtures for every floor."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.commandline import command_line
from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import CommandLine
    from workbench.engine.demo import DemoGuest

# How long an example takes depends on what else the machine does.
settings.register_profile("any speed", settings.get_profile("ci" if os.environ.get("CI") else "default"), deadline=None)
settings.load_profile("any speed")

# pytest imports readline, which puts the terminal's size into the environment (readline: shell.c, sh_set_lines_and_columns);
# the workers of pytest-xdist inherit it, and a screen that a test opens would believe it instead of its own terminal.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)

# A shell without job control starts what runs in its background with SIGINT ignored, and so would be every program that a
# test interrupts (bash(1), "Signals").
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers for each CPU: most of a test's time is spent waiting for a guest, a command or an idle screen."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from the thousands of collected tests, which it would go through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


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


@pytest.fixture(scope="session")
def session_demo(demo_guest: DemoGuest) -> Iterator[CommandLine]:
    """A command line with the profile ``demo``, for all tests of a worker."""
    with command_line() as workbench:
        workbench.sample("demo")
        yield workbench


@pytest.fixture(scope="module")
def running_demo(session_demo: CommandLine) -> CommandLine:
    """A command line whose guest ``demo`` runs and is up: one boot for all tests of a worker.

    Each test leaves it running; what a test does to its balloon, the next one of its module may find. Each module
    finds it with all its RAM, and booted again where it has ended.
    """
    if session_demo.listed("demo")["state"] == "stopped":
        session_demo.start("demo")
        session_demo.wait_for_boot()
    else:
        session_demo("resume", "demo")
        done = session_demo("balloon", "demo", "max", "--wait")
        assert done.code == 0, done
    return session_demo
