"""docs/keys.md lists every key of every pane."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from textual.binding import Binding

import workbench.ui

DOCUMENT = Path(__file__).parents[1] / "docs" / "keys.md"
TABLES = {
    "Everywhere": "pane app help",
    "Dialogs": "dialog",
    "Guests": "guest guests profile",
    "Balloon": "balloon history",
    "Rebalance": "rebalance",
    "Editor": "editor form problems text value",
    "QMP console": "qmp events",
    "Serial console": "console",
    "Devices": "devices",
    "Host": "host",
    "Plug in": "plug",
}
"""Each table, and the prefixes of the ids of its keys."""
NAMES = {
    "up": "↑", "down": "↓", "left": "←", "right": "→", "escape": "esc", "plus": "+", "minus": "-", "slash": "/",
    "colon": ":", "question_mark": "?", "asterisk": "*", "left_square_bracket": "[", "right_square_bracket": "]",
    "pageup": "page up", "pagedown": "page down", "delete": "del", "percent_sign": "%", "equals_sign": "=",
}  # fmt: skip


def tables() -> dict[str, set[str]]:
    """The keys in backticks in the first column of each table, by the table's title."""
    found: dict[str, set[str]] = {}
    title = ""
    for line in DOCUMENT.read_text().splitlines():
        if head := re.match(r"\| Key \| (.*) \|$", line):
            title = head[1]
        elif title and line.startswith("| ") and "---" not in line:
            cell = line.split(" | ")[0]
            keys = set(re.findall(r"`([^`]+)`", cell))
            if "…" in cell and {"1", "9"} <= keys:
                keys |= set("12345678")
            found.setdefault(title, set()).update(keys)
        elif not line:
            title = ""
    return found


def bindings() -> list[Binding]:
    """Every binding with an id and a tooltip."""
    found: dict[str, Binding] = {}
    for module in pkgutil.walk_packages(workbench.ui.__path__, "workbench.ui."):
        for thing in vars(importlib.import_module(module.name)).values():
            for one in getattr(thing, "BINDINGS", ()) if isinstance(thing, type) else ():
                if isinstance(one, Binding) and one.id and one.tooltip:
                    found[one.id] = one
    return list(found.values())


@pytest.mark.parametrize("binding", bindings(), ids=lambda one: str(one.id))
def test_each_key_is_in_its_table(binding: Binding) -> None:
    subject = str(binding.id).partition(".")[0]
    table = next(title for title, subjects in TABLES.items() if subject in subjects.split())
    keys = {NAMES.get(key.strip(), key.strip()) for key in binding.key.split(",")}
    known = tables()
    assert keys & (known[table] | known["Everywhere"]), f"{keys} is not in the table {table}"


def test_the_document_has_all_tables() -> None:
    assert set(tables()) == set(TABLES)
