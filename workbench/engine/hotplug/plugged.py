"""The devices that the workbench plugged into a running guest, stored next to its sockets until they are kept in a profile."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from workbench.domain.hotplug.unplug import Kind, Plugged
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

FILE = "plugged.json"


def note_plugged(directory: Path, one: Plugged) -> None:
    """Store a device until the guest exits. If this fails, the device cannot be kept in the profile."""
    kept = {
        "kind": one.kind.value,
        "bus": one.bus,
        "document": one.document,
        "extra": one.extra,
        "controller": one.controller,
    }
    with suppress(OSError):
        write_atomic(directory / FILE, json.dumps({**_read(directory), one.id: kept}), lasting=False)


def note_unplugged(directory: Path, name: str) -> None:
    """Remove a device that is gone."""
    now = _read(directory)
    if now.pop(name, None) is not None:
        with suppress(OSError):
            write_atomic(directory / FILE, json.dumps(now), lasting=False)


def note_kept(directory: Path, name: str, place: str) -> None:
    """Store where a device was added to the profile.

    :param place: such as ``demo.toml:14``.
    """
    now = _read(directory)
    if isinstance(now.get(name), dict):
        with suppress(OSError):
            write_atomic(directory / FILE, json.dumps({**now, name: {**now[name], "kept": place}}), lasting=False)


def kept_lines(directory: Path) -> dict[str, str]:
    """Id -> place in the profile, for each device that was kept."""
    return {name: str(one["kept"]) for name, one in _read(directory).items() if isinstance(one, dict) and "kept" in one}


def plugged(directory: Path) -> dict[str, Plugged]:
    """The plugged devices by id; invalid entries are skipped."""
    found = {}
    for name, one in _read(directory).items():
        with suppress(KeyError, TypeError, ValueError):
            kind, bus, document = Kind(one["kind"]), str(one["bus"]), dict(one["document"])
            found[name] = Plugged(kind, name, bus, document, tuple(one["extra"]), bool(one.get("controller")))
    return found


def _read(directory: Path) -> dict[str, Any]:
    try:
        found = json.loads((directory / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
