"""Which devices of a guest the workbench asked to go, in the guest's state directory: one file for each.

A screen marks what a command asked for, and carries out what that could not wait for: when the device goes at last, what
stood behind it goes too. While the process that asked still waits, that is left to it.
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
    """A device that was asked to go."""

    id: str
    behind: tuple[Behind, ...]
    """What goes with it; nothing of one that was asked for by a QMP command of the user's."""
    pid: int
    """Who waits for it; 0 when nobody does any more."""

    @property
    def elsewhere(self) -> bool:
        """Whether another process waits for it."""
        return self.pid not in (0, os.getpid()) and Path(f"/proc/{self.pid}").exists()


class UnplugFiles:
    """Those of one guest. A full disk costs no more than that others do not see them."""

    def __init__(self, directory: Path) -> None:
        """:param directory: the guest's state directory."""
        self._place = directory / DIRECTORY

    def stamp(self) -> int:
        """Another one when something changed; 0 when nothing was ever asked for."""
        try:
            return self._place.stat().st_mtime_ns
        except OSError:
            return 0

    def note(self, name: str, rest: Iterable[Behind], *, waiting: bool = True) -> None:
        """Remember that a device was asked to go; one that was named by its QOM path has no id to remember it by."""
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
        """It is gone, or stays."""
        with suppress(OSError):
            (self._place / name).unlink()

    def load(self) -> Mapping[str, Asked]:
        """Those that are not known to be over, by id; what is no longer as it was written is passed over."""
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
    said = json.loads(path.read_bytes())
    rest = []
    for _words, command, arguments in said["behind"]:
        sort, argument = sorts[command]
        rest.append(Behind(sort, str(arguments[argument])))
    return Asked(path.name, tuple(rest), int(said["pid"]))
