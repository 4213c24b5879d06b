"""The host's list of PCI ids, if installed: pci.ids from the hwdata or pci-utils package."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILES = tuple(Path(f"/usr/share/{place}/pci.ids") for place in ("misc", "hwdata"))
_LINE = re.compile(r"(\t?)([0-9a-f]{4})  (.+)")


def names(wanted: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[str, str]]:
    """Vendor and device name for each pair of ids; empty where the list has none, or there is no list."""
    return _names(frozenset(wanted), next((file for file in FILES if file.is_file()), None))


@cache
def _names(wanted: frozenset[tuple[int, int]], file: Path | None) -> Mapping[tuple[int, int], tuple[str, str]]:
    if file is None:
        return {}
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return parse(text, wanted)


def parse(text: str, wanted: frozenset[tuple[int, int]]) -> Mapping[tuple[int, int], tuple[str, str]]:
    """Look up ids in a pci.ids file: each vendor has a line, followed by its devices' lines, indented by a tab."""
    vendors = {vendor for vendor, _ in wanted}
    found: dict[tuple[int, int], tuple[str, str]] = {}
    vendor, name = -1, ""
    for line in text.splitlines():
        if line.startswith("C "):
            break  # classes follow
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        number = int(match[2], 16)
        if not match[1]:
            vendor, name = number, match[3].strip()
            if number in vendors:
                found |= {pair: (name, "") for pair in wanted if pair[0] == number}
        elif (vendor, number) in wanted:
            found[vendor, number] = name, match[3].strip()
    return found
