"""Checks profiles before a start against this host and the installed QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.host.qemu import qemu_binary
from workbench.engine.profiles.conflicts import Conflicts
from workbench.engine.profiles.host_needs import host_problems
from workbench.engine.profiles.named_files import file_problems
from workbench.engine.profiles.qemu_build import BuildReader
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from workbench.domain.host.accelerator import Accelerator
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile
    from workbench.settings import Settings


class Checks:
    """Reads once what is running, then checks any number of profiles."""

    def __init__(self, settings: Settings, accelerator: Accelerator | None = None) -> None:
        """:param accelerator: what "auto" selects here; None if unknown."""
        self._settings = settings
        self._accelerator = accelerator
        self._conflicts = Conflicts(settings.state)
        self.unasked = ""
        """Why QEMU was not queried; empty if it was."""

    def problems(self, profiles: Sequence[LoadedProfile]) -> list[tuple[Problem, ...]]:
        """All problems of each profile, in the order of its text; in a profile with errors, the valid part is checked too."""
        by_qemu: dict[str, tuple[Problem, ...]] = {}
        try:
            by_qemu = BuildReader(qemu_binary(), self._settings.cache).problems(profiles)
        except HostError as error:
            self.unasked = error.message
        return [self._of(loaded, by_qemu.get(str(loaded.path), ())) for loaded in profiles]

    def _of(self, loaded: LoadedProfile, by_qemu: tuple[Problem, ...]) -> tuple[Problem, ...]:
        found = {
            *file_problems(loaded),
            *host_problems(loaded, self._accelerator),
            *self._conflicts.problems(loaded),
            *by_qemu,
        }
        wrong = {problem.key for problem in loaded.problems}
        more = [problem for problem in found if not _is_guess(problem.key, wrong)]
        return tuple(sorted([*loaded.problems, *more], key=lambda problem: (problem.file == loaded.file, problem)))


def _is_guess(key: str, wrong: Collection[str]) -> bool:
    """Whether a problem with a key may only exist because another key is wrong and so has its default.

    A missing image is not an error if its invalid ``size`` was meant to create it; a serial number that is too long has
    nothing to do with it.
    """
    table = key.rpartition(".")[0]
    beside = {above for above, _, name in (one.rpartition(".") for one in wrong) if name.split("[")[0] not in _ALONE}
    return key in wrong or (table.endswith("]") and table in beside) or _DEPENDS.get(key.partition(".")[0]) in wrong


_ALONE = frozenset(
    {"id", "mac", "forward", "queues", "iothread", "serial", "cache", "discard", "name", "period", "max-bytes"}
)
"""Device keys that no check of another key depends on."""
_DEPENDS = {"machine-options": "machine", "cpu": "accelerator"}
"""Tables whose checks depend on another key."""
