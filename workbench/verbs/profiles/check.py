"""``workbench check``: list the problems of profiles."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run, warn_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.host.accelerator import Accelerator
    from workbench.engine.profiles.store import LoadedProfile
    from workbench.settings import Settings


@click.command("check")
@click.argument("files", nargs=-1, metavar="[FILE|NAME]...")
@json_option
@pass_settings
def command(settings: Settings, files: tuple[str, ...], as_json: bool) -> None:
    """Check profiles and print their problems as FILE:LINE:COL: key: message.

    FILE is a path with a slash or a .toml suffix, NAME the name of a profile. Without arguments, check all profiles.
    Exit 1 when there is a problem. Warnings go to standard error; among them resources that several of the named
    profiles need and only one guest can have.
    """
    from workbench.engine.profiles.checks import Checks

    with _uncollected():
        loaded = _load(settings, files)
        accelerator = _accelerator(loaded, settings)
        checks = Checks(settings, accelerator)
        problems = [problem for found in checks.problems(loaded) for problem in found]
    if checks.unasked:
        click.echo(f"workbench: not checked against QEMU: {checks.unasked}", err=True)
    warn_of(loaded)
    if accelerator is not None:
        _warn_of_kvm(loaded, accelerator)
    _warn_of_pools(loaded, settings)
    if files:  # among all profiles, many are not meant to run together
        _warn_of_each_other(loaded)
    if as_json:
        keys = ("file", "line", "column", "key", "message")
        print_json([{key: getattr(problem, key) for key in keys} for problem in problems])
    else:
        for problem in problems:
            click.echo(str(problem))
        if not problems:
            click.echo(f"{len(loaded)} profile{'s' if len(loaded) != 1 else ''}, no problems")
    if problems:
        raise SystemExit(1)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Switch the garbage collector off: profiles make no cycles, and it takes a tenth of the time of a thousand."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _accelerator(loaded: Sequence[LoadedProfile], settings: Settings) -> Accelerator | None:
    """The accelerator of "auto", if a profile depends on it: finding out may mean trying KVM."""
    from workbench.engine.host.accelerator import choose_accelerator
    from workbench.errors import HostError

    profiles = [one.partial for one in loaded if one.partial]
    if not any(one.accelerator == "kvm" or (one.cpu.hyperv and one.accelerator == "auto") for one in profiles):
        return None
    try:
        return run(choose_accelerator(settings.cache))
    except HostError:  # no QEMU: reported with the other problems
        return None


def _warn_of_kvm(loaded: Sequence[LoadedProfile], accelerator: Accelerator) -> None:
    """Warn of profiles that need KVM where it cannot run: they may be for another host."""
    from workbench.engine.host.accelerator import kvm_warning

    why = kvm_warning(accelerator)
    for one in loaded:
        if why and one.profile is not None and one.profile.accelerator == "kvm":
            click.echo(f"workbench: warning: {one.parsed.problem(one.file, ('accelerator',), why)}", err=True)


def _warn_of_pools(loaded: Sequence[LoadedProfile], settings: Settings) -> None:
    """Warn of hugepage pools that are too small: they may grow before the start."""
    from workbench.domain.host.hugepages import HugepageShortage
    from workbench.engine.host.hugepages import check_hugepages
    from workbench.errors import HostError

    running: set[str] | None = None
    for one in loaded:
        profile = one.profile
        if profile is None or profile.memory.hugepages is None:
            continue
        pages, size = profile.memory.hugepages, profile.memory.size
        try:
            if running is None:
                running = run(_running(settings))
            if profile.name not in running:  # a running guest has its pages
                check_hugepages(size, pages.size, profile.memory.all_nodes, pages.source)
        except HugepageShortage as error:
            why = f"{error.message}: {str(error.hint).splitlines()[0]}"
            click.echo(f"workbench: warning: {one.parsed.problem(one.file, ('memory', 'hugepages'), why)}", err=True)
        except HostError:  # reported as a problem
            continue


async def _running(settings: Settings) -> set[str]:
    async with open_engine(settings) as engine:
        return {guest.name for guest in engine.guests() if guest.phase.alive}


def _warn_of_each_other(loaded: Sequence[LoadedProfile]) -> None:
    """Warn of profiles that cannot run at the same time."""
    from workbench.engine.profiles.mutual_conflicts import both_want

    for problem in both_want(loaded):
        click.echo(f"workbench: warning: {problem}", err=True)


def _load(settings: Settings, files: Sequence[str]) -> list[LoadedProfile]:
    """Load profiles by path, or by name from the directory of profiles."""
    from workbench.engine.profiles.store import SUFFIX, ProfileStore, read_profile
    from workbench.errors import NotFound

    store = ProfileStore(settings.profiles)
    if not files:
        return [store.load(entry.name) for entry in store.entries()]
    loaded = []
    for text in files:
        if "/" not in text and not text.endswith(SUFFIX):
            loaded.append(store.load(text))
        elif Path(text).exists():
            loaded.append(read_profile(Path(text)))
        else:
            raise NotFound(f"{text}: no such file", hint="to check a profile by name, leave out .toml")
    return loaded
