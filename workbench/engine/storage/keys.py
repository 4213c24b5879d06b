"""The user's own keys, from a TOML file of binding ids and Textual's key names."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from workbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def read_keys(path: Path) -> dict[str, str]:
    """Binding id -> key, as ``"balloon.send" = "space"``; several keys with commas. Empty when there is no file.

    :raise UsageError: when it cannot be read, is no TOML, or holds anything else.
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
            raise UsageError(f"{path}: {name}: a key is a text", hint=HINT)
    return values


HINT = 'a line for each key that is moved, such as: "balloon.send" = "space"; the ids stand in the help (?)'
