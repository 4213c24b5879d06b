"""Reads the user's preferences from a TOML file."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from workbench.domain.preferences import Preferences
from workbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

HINT = 'the only setting is: "qmp.ask" = false'
_FIELDS = {"qmp.ask": "ask"}


def read_preferences(path: Path) -> Preferences:
    """Settings from the file, such as ``"qmp.ask" = false``; the defaults without a file.

    :raise UsageError: if it cannot be read, is not valid TOML, or has other content.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        return Preferences()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", hint=HINT) from error
    for name, value in values.items():
        if name not in _FIELDS:
            raise UsageError(f"{path}: {name}: unknown setting", hint=HINT)
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {name}: must be true or false", hint=HINT)
    return Preferences(**{_FIELDS[name]: value for name, value in values.items()})
