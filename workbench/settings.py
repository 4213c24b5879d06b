"""Directories of profiles, running guests and caches: from options, then environment variables, then XDG."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

APP = "qemu-workbench"
"""The directory's name under the XDG base directories."""


class Settings:
    """Not a dataclass: importing that module takes longer than ``workbench --version`` itself."""

    def __init__(self, profiles_option: Path | None = None, state_option: Path | None = None) -> None:
        """
        :param profiles_option: ``--profiles DIR``.
        :param state_option: ``--state DIR``.
        """
        self.profiles_option = profiles_option
        self.state_option = state_option

    @cached_property
    def profiles(self) -> Path:
        """The directory of profiles."""
        named = self.profiles_option or _from_environment("WORKBENCH_PROFILES")
        return (named or self._xdg("CONFIG", ".config") / APP / "profiles").absolute()

    @cached_property
    def state(self) -> Path:
        """The directory that holds one directory per running guest."""
        named = self.state_option or _from_environment("WORKBENCH_STATE")
        if named is not None:
            return named.absolute()
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime:
            return Path(runtime) / "workbench"
        # No session directory (container, cron, su): one per user; its owner and mode are checked before use.
        return Path("/tmp") / f"workbench-{os.getuid()}"

    @cached_property
    def keys(self) -> Path:
        """The user's key bindings: ``"balloon.send" = "space"``, one line for each changed key."""
        return self._xdg("CONFIG", ".config") / APP / "keys.toml"

    @cached_property
    def preferences(self) -> Path:
        """The screen's settings: ``"qmp.ask" = false``, one line for each changed setting."""
        return self._xdg("CONFIG", ".config") / APP / "settings.toml"

    @cached_property
    def cache(self) -> Path:
        """The directory of the demo guest and the QAPI schemas."""
        return self._xdg("CACHE", ".cache") / APP

    @cached_property
    def data(self) -> Path:
        """The directory of data kept between runs, such as the QMP console's history."""
        return self._xdg("STATE", ".local/state") / APP

    @staticmethod
    def _xdg(kind: str, default: str) -> Path:
        """An XDG base directory; relative values are invalid and ignored, as the specification requires."""
        value = os.environ.get(f"XDG_{kind}_HOME", "")
        return Path(value) if value.startswith("/") else Path.home() / default


def _from_environment(name: str) -> Path | None:
    """The path in a variable; an empty one counts as unset."""
    value = os.environ.get(name, "")
    return Path(value) if value else None
