"""The device tree out of replies recorded from QEMU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.domain.devices.tree import DeviceTree, Place, build_tree

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"devices-{name}.json").read_text())


def tree_of(reply: Any) -> DeviceTree:
    places = [Place(*place) for place in reply["places"]]
    return build_tree(reply["query-pci"], machine=reply["machine"], places=places)
