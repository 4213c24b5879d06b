"""``workbench check``: every problem of a profile, with its line."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run, warn_of

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
    """Print every problem of profiles as FILE:LINE:COL: key: message.

    FILE is a path with a slash or the ending .toml; NAME is a profile's. Without either, all profiles are checked.
    Exits with 1 when there is a problem. What is no mistake and may still harm is a warning, on standard error; so is
    what several profiles that are named want and only one guest can have.
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
    if files:  # of all profiles there are, many are not meant to run beside each other
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
    """Look for no cycles meanwhile: profiles make none, and of a thousand it takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _accelerator(loaded: Sequence[LoadedProfile], settings: Settings) -> Accelerator | None:
    """What "auto" gives on this host, where a profile depends on it: to find out may take a try of KVM."""
    from workbench.engine.host.accelerator import choose_accelerator
    from workbench.errors import HostError

    profiles = [one.partial for one in loaded if one.partial]
    if not any(one.accelerator == "kvm" or (one.cpu.hyperv and one.accelerator == "auto") for one in profiles):
        return None
    try:
        return run(choose_accelerator(settings.cache))
    except HostError:  # no QEMU: that is told with the rest
        return None


def _warn_of_kvm(loaded: Sequence[LoadedProfile], accelerator: Accelerator) -> None:
    """No mistake: a profile may be for another host, and its user may know better."""
    from workbench.engine.host.accelerator import kvm_warning

    why = kvm_warning(accelerator)
    for one in loaded:
        if why and one.profile is not None and one.profile.accelerator == "kvm":
            click.echo(f"workbench: warning: {one.parsed.problem(one.file, ('accelerator',), why)}", err=True)


def _warn_of_pools(loaded: Sequence[LoadedProfile], settings: Settings) -> None:
    """No mistake: a pool can grow until the start, or with it."""
    from workbench.domain.host.hugepages import HugepageShortage
    from workbench.engine.host.hugepages import check_hugepages
    from workbench.engine.state.directory import StateDirectory
    from workbench.errors import HostError

    for one in loaded:
        profile = one.profile
        if profile is None or profile.memory.hugepages is None:
            continue
        pages, size = profile.memory.hugepages, profile.memory.size
        try:
            if StateDirectory(settings.state).find(profile.name) is None:  # a guest that runs has its pages
                check_hugepages(size, pages.size, profile.memory.all_nodes, pages.source)
        except HugepageShortage as error:
            why = f"{error.message}: {str(error.hint).splitlines()[0]}"
            click.echo(f"workbench: warning: {one.parsed.problem(one.file, ('memory', 'hugepages'), why)}", err=True)
        except HostError:  # a problem, which is told as one
            continue


def _warn_of_each_other(loaded: Sequence[LoadedProfile]) -> None:
    """No mistake of either: only one of them can run at a time."""
    from workbench.engine.profiles.mutual_conflicts import both_want

    for problem in both_want(loaded):
        click.echo(f"workbench: warning: {problem}", err=True)


def _load(settings: Settings, files: Sequence[str]) -> list[LoadedProfile]:
    """The profiles that are meant: files as they are, names from the directory of profiles."""
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
            raise NotFound(f"there is no file {text}", hint="to check a profile by its name, leave out .toml")
    return loaded
