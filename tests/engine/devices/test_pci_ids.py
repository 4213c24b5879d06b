"""Names by the host's list of PCI ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.devices.recorded_tree import recorded, tree_of
from workbench.engine.devices import pci_ids

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LIST = """\
# a comment
1af4  Red Hat, Inc.
\t1000  Virtio network device
\t1002  Virtio memory balloon
\t\t1af4 0005  a subsystem
8086  Intel Corporation
\t29c0  82G33/G31/P35/P31 Express DRAM Controller
C 01  Mass storage controller
\t1002  not a device any more
"""


def test_names_of_vendors_and_devices() -> None:
    wanted = frozenset({(0x1AF4, 0x1002), (0x8086, 0x29C0), (0x8086, 0xFFFF), (0x1234, 1)})
    assert pci_ids.parse(LIST, wanted) == {
        (0x1AF4, 0x1002): ("Red Hat, Inc.", "Virtio memory balloon"),
        (0x8086, 0x29C0): ("Intel Corporation", "82G33/G31/P35/P31 Express DRAM Controller"),
        (0x8086, 0xFFFF): ("Intel Corporation", ""),
    }


def test_the_host_s_list_names_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pci.ids"
    monkeypatch.setattr(pci_ids, "FILES", (file,))
    tree = tree_of(recorded("7.2"))
    assert pci_ids.names((one.vendor, one.device) for one in tree) == {}, "no list on this host"
    file.write_text(LIST)
    named = tree.with_names(pci_ids.names((one.vendor, one.device) for one in tree))
    balloon = named.device("00:03.0")
    assert balloon is not None
    assert (balloon.vendor_name, balloon.title) == ("Red Hat, Inc.", "Virtio memory balloon")
    bridge = named.device("00:1f.2")
    assert bridge is not None
    assert (bridge.vendor_name, bridge.title, bridge.name) == ("Intel Corporation", "", "AHCI")


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    pci_ids.parse(text, frozenset({(0x1AF4, 0x1002)}))
