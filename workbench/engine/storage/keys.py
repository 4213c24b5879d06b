"""Reads the user's key bindings from a TOML file of binding ids and Textual key names."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from workbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def read_keys(path: Path) -> dict[str, str]:
    """Binding id -> key, as in ``"balloon.send" = "space"``; several keys are separated by commas. Empty without a file.

    :raise UsageError: if it cannot be read, is not valid TOML, or has other content.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", hint=HINT) from error
    for name, key in values.items():
        if not isinstance(key, str) or not key:
            raise UsageError(f"{path}: {name}: a key must be a string", hint=HINT)
    return values


HINT = 'one line for each changed key, such as: "balloon.send" = "space"; the ids are in the help (?)'
