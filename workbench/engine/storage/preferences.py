"""The user's preferences, from a TOML file."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from workbench.domain.preferences import Preferences
from workbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

HINT = 'the one line that it may have: "qmp.ask" = false'
_FIELDS = {"qmp.ask": "ask"}


def read_preferences(path: Path) -> Preferences:
    """What the file says, such as ``"qmp.ask" = false``; the defaults when there is none.

    :raise UsageError: when it cannot be read, is no TOML, or holds anything else.
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
            raise UsageError(f"{path}: {name}: there is no such setting", hint=HINT)
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {name}: true or false", hint=HINT)
    return Preferences(**{_FIELDS[name]: value for name, value in values.items()})
