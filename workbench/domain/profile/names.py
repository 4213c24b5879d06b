"""Names of guests."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
NAME_MAX = 48
"""Characters of a guest's name: it names a directory in the path of a socket, which is limited to 107 bytes."""


def check_name(name: str) -> str | None:
    """What is wrong with a guest's name; None if nothing."""
    if not name:
        return "a guest's name cannot be empty"
    if len(name) > NAME_MAX:
        return f"a guest's name has at most {NAME_MAX} characters; this one has {len(name)}"
    if not _NAME.fullmatch(name):
        return f"{name!r} is not a valid guest name: use letters, digits, '.', '_' and '-', not '.' or '-' first"
    return None
