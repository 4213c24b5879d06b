"""Everything that can be said of profiles before a start, beyond what their texts say alone: by this host and by QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.host.qemu import qemu_binary
from workbench.engine.profiles.conflicts import Taken
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
    """Looks once at what runs, and then at as many profiles as there are."""

    def __init__(self, settings: Settings, accelerator: Accelerator | None = None) -> None:
        """
        :param accelerator: what "auto" gives here; None where that was not found out.
        """
        self._settings = settings
        self._accelerator = accelerator
        self._taken = Taken(settings.state)
        self.unasked = ""
        """Why QEMU was not asked what it has; empty when it was."""

    def problems(self, profiles: Sequence[LoadedProfile]) -> list[tuple[Problem, ...]]:
        """All problems of each profile, in the order of its text; of one that is wrong in itself also what can be said
        of the rest of it."""
        said: dict[str, tuple[Problem, ...]] = {}
        try:
            said = BuildReader(qemu_binary(), self._settings.cache).problems(profiles)
        except HostError as error:
            self.unasked = error.message
        return [self._of(loaded, said.get(str(loaded.path), ())) for loaded in profiles]

    def _of(self, loaded: LoadedProfile, said: tuple[Problem, ...]) -> tuple[Problem, ...]:
        found = {
            *file_problems(loaded),
            *host_problems(loaded, self._accelerator),
            *self._taken.problems(loaded),
            *said,
        }
        wrong = {problem.key for problem in loaded.problems}
        more = [problem for problem in found if not _is_guess(problem.key, wrong)]
        return tuple(sorted([*loaded.problems, *more], key=lambda problem: (problem.file == loaded.file, problem)))


def _is_guess(key: str, wrong: Collection[str]) -> bool:
    """Whether what was said of a key may only be so because another one is wrong, and stands at its default meanwhile.

    That an image is missing is no mistake when its ``size`` was meant to make it; a serial number that is too long says
    nothing of it.
    """
    table = key.rpartition(".")[0]
    beside = {above for above, _, name in (one.rpartition(".") for one in wrong) if name.split("[")[0] not in _ALONE}
    return key in wrong or (table.endswith("]") and table in beside) or _DEPENDS.get(key.partition(".")[0]) in wrong


_ALONE = frozenset(
    {"id", "mac", "forward", "queues", "iothread", "serial", "cache", "discard", "name", "period", "max-bytes"}
)
"""Keys of devices on which nothing depends that is said of another one."""
_DEPENDS = {"machine-options": "machine", "cpu": "accelerator"}
"""What is said of these tables, by the key of another one that it depends on."""
