"""The pending unplug requests of a guest, one file per device in the guest's state directory.

The screen shows requests of other processes. If such a process exits before the guest releases the device, the screen
finishes its work and removes the device's backends.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.domain.hotplug.leftovers import Behind

DIRECTORY = "unplugs"


class Asked(Struct, frozen=True):
    """A device for which an unplug was requested."""

    id: str
    behind: tuple[Behind, ...]
    """Backends to remove with it; none when the user sent ``device_del`` directly."""
    pid: int
    """The process that is waiting for it; 0 when none is."""

    @property
    def elsewhere(self) -> bool:
        """Whether another process is waiting for it."""
        return self.pid not in (0, os.getpid()) and Path(f"/proc/{self.pid}").exists()


class UnplugFiles:
    """The request files of one guest. If they cannot be written, other processes do not see the requests."""

    def __init__(self, directory: Path) -> None:
        """:param directory: the guest's state directory."""
        self._place = directory / DIRECTORY

    def stamp(self) -> int:
        """Changes whenever a request is added or removed; 0 when there never was one."""
        try:
            return self._place.stat().st_mtime_ns
        except OSError:
            return 0

    def note(self, name: str, rest: Iterable[Behind], *, waiting: bool = True) -> None:
        """Store a request; one for a QOM path is ignored, because it has no id."""
        if "/" in name:
            return
        asked = {
            "pid": os.getpid() if waiting else 0,
            "behind": [[one.words, one.command, dict(one.arguments)] for one in rest],
        }
        with suppress(OSError):
            self._place.mkdir(mode=0o700, exist_ok=True)
            write_atomic(self._place / name, json.dumps(asked), lasting=False)

    def forget(self, name: str) -> None:
        """Remove a request that has finished."""
        with suppress(OSError):
            (self._place / name).unlink()

    def load(self) -> Mapping[str, Asked]:
        """The unfinished requests by id; invalid files are skipped."""
        found = {}
        with suppress(OSError):
            for path in sorted(self._place.iterdir()):
                with suppress(OSError, ValueError, TypeError, KeyError):
                    if not path.name.startswith("."):
                        found[path.name] = _asked(path)
        return found


def _asked(path: Path) -> Asked:
    from workbench.domain.hotplug.leftovers import REMOVERS, Behind

    sorts = {command: (sort, argument) for sort, (command, argument) in REMOVERS.items()}
    stored = json.loads(path.read_bytes())
    rest = []
    for _words, command, arguments in stored["behind"]:
        sort, argument = sorts[command]
        rest.append(Behind(sort, str(arguments[argument])))
    return Asked(path.name, tuple(rest), int(stored["pid"]))
