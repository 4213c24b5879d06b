from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

from tests.real import QEMU
from workbench.engine.host.accelerator import choose_accelerator
from workbench.engine.host.host import qemu_version, read_host
from workbench.engine.host.hugepages import read_pools

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_this_host(tmp_path: Path) -> None:
    host = await read_host(tmp_path)
    chosen = await choose_accelerator(tmp_path)
    assert (host.accelerator, host.accelerator_reason) == (chosen.name, chosen.reason)
    assert host.qemu == ".".join(map(str, qemu_version(QEMU, tmp_path)))
    assert host.memory_total == psutil.virtual_memory().total
    assert 0 < host.memory_available < host.memory_total
    assert [pool.page for pool in host.pools] == [pool.page for pool in read_pools()]
    assert host.cpus == os.cpu_count()


async def test_a_host_without_qemu_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WORKBENCH_QEMU", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    host = await read_host(tmp_path)
    assert host.qemu == ""
    assert host.accelerator == "tcg"
    assert host.accelerator_reason
    assert host.memory_total > 0
