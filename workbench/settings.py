"""Where things are: profiles, running guests, caches. From options, environment and the XDG directories, in that order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

APP = "qemu-workbench"
"""The directory's name below the XDG homes."""


@dataclass(frozen=True)
class Settings:
    profiles_option: Path | None = None
    """``--profiles DIR``."""
    state_option: Path | None = None
    """``--state DIR``."""

    @cached_property
    def profiles(self) -> Path:
        """The directory of profiles."""
        named = self.profiles_option or _from_environment("WORKBENCH_PROFILES")
        return (named or self._xdg("CONFIG", ".config") / APP / "profiles").absolute()

    @cached_property
    def state(self) -> Path:
        """The directory in which each running guest has one of its own."""
        named = self.state_option or _from_environment("WORKBENCH_STATE")
        if named is not None:
            return named.absolute()
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime:
            return Path(runtime) / "workbench"
        # No session directory (a container, cron, su): one per user, whose owner and mode are checked before use.
        return Path("/tmp") / f"workbench-{os.getuid()}"

    @cached_property
    def keys(self) -> Path:
        """The user's own keys: ``"balloon.send" = "space"``, one line for each key that is moved."""
        return self._xdg("CONFIG", ".config") / APP / "keys.toml"

    @cached_property
    def preferences(self) -> Path:
        """How the screen behaves: ``"qmp.ask" = false``, one line for each setting that is changed."""
        return self._xdg("CONFIG", ".config") / APP / "settings.toml"

    @cached_property
    def cache(self) -> Path:
        """Where the demo guest and the QAPI schemas are kept."""
        return self._xdg("CACHE", ".cache") / APP

    @cached_property
    def data(self) -> Path:
        """What lasts between runs and is not configuration: the console's history."""
        return self._xdg("STATE", ".local/state") / APP

    @staticmethod
    def _xdg(kind: str, default: str) -> Path:
        """An XDG base directory; a relative value is invalid and ignored, as the specification says."""
        value = os.environ.get(f"XDG_{kind}_HOME", "")
        return Path(value) if value.startswith("/") else Path.home() / default


def _from_environment(name: str) -> Path | None:
    """A path that a variable gives; an empty one counts as not set."""
    value = os.environ.get(name, "")
    return Path(value) if value else None
