"""What was plugged into a running guest by the workbench, kept beside its sockets: what "keep it" writes into a profile."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from workbench.engine.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.hotplug import Plan

FILE = "plugged.json"


def note_plugged(directory: Path, plan: Plan) -> None:
    """Remember it until the guest ends.

    :raise OSError: when the disk refuses.
    """
    kept = {"kind": plan.kind.value, "bus": plan.bus, "document": plan.document, "extra": list(plan.extra)}
    write_atomic(directory / FILE, json.dumps({**plugged(directory), plan.id: kept}), lasting=False)


def note_unplugged(directory: Path, name: str) -> None:
    """Forget it: it is gone."""
    now = plugged(directory)
    if now.pop(name, None) is not None:
        with suppress(OSError):
            write_atomic(directory / FILE, json.dumps(now), lasting=False)


def plugged(directory: Path) -> dict[str, dict[str, Any]]:
    """What was plugged in, by id; empty where nothing was, or the file is no longer what we wrote."""
    try:
        found = json.loads((directory / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
