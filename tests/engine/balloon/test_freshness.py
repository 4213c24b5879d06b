"""No conclusion from a host's figure that is older than the balloon's last movement, on a real guest.

Counting pages is made so expensive that it happens only where it must.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.engine.balloon.test_ledger import eat_and_free
from tests.engine.local.opened import balloon_of, ledger_of, opened, settled, until, watched
from workbench.domain.units import MIB
from workbench.engine.balloon import host_memory

if TYPE_CHECKING:
    import pytest

    from tests.commandline import CommandLine
    from workbench.engine.demo import DemoGuest

RAM = 512 * MIB
PROFILE = '[memory]\nsize = "512M"\n[boot]\nguest = "demo"\n[balloon]\nfree-page-reporting = false\n'


def rss(pid: int) -> int:
    """Resident bytes of QEMU's mapping of 512 MiB, by a reader of its own."""
    found = 0
    with open(f"/proc/{pid}/smaps") as file:
        inside = False
        for line in file:
            if line[0] in "0123456789abcdef" and "-" in line.split()[0]:
                low, high = (int(part, 16) for part in line.split()[0].split("-"))
                inside = high - low == RAM
            elif inside and line.startswith("Rss:"):
                found = int(line.split()[1]) * 1024
    return found


async def test_a_settled_balloon_is_judged_by_a_figure_from_after_its_end(
    workbench: CommandLine, demo_guest: DemoGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench.profile("guest", PROFILE)
    workbench.start("guest")
    workbench.wait_for_boot("guest")
    pid = int((workbench.state / "guest" / "pid").read_text())
    async with opened(workbench) as engine:
        guest = await watched(engine, "guest")
        await eat_and_free(guest)
        monkeypatch.setattr(host_memory, "SHARE", 1e-9)
        monkeypatch.setattr(host_memory, "MOST", 1e-9)
        await guest.set_target(256 * MIB)
        await until(lambda: ledger_of(guest).reading, "the balloon to move under an old figure")
        assert ledger_of(guest).unreturned is None
        await settled(guest, 256 * MIB)
        ledger, host = ledger_of(guest), balloon_of(guest).host
        assert host is not None
        assert not ledger.reading
        assert abs(host.resident - rss(pid)) < 2 * MIB
        assert host.time <= time.time()
        assert ledger.settled is not None
        assert ledger.reclaimed is not None
        assert ledger.reclaimed > 200 * MIB
        assert ledger.unreturned == 0


def test_a_result_that_was_waited_for_was_read_after_the_end(workbench: CommandLine, demo_guest: DemoGuest) -> None:
    workbench.profile("guest", PROFILE)
    workbench.start("guest")
    workbench.wait_for_boot("guest")
    pid = int((workbench.state / "guest" / "pid").read_text())
    shown = json.loads(workbench("balloon", "guest", "256M", "--wait", "--json").stdout)
    host, ledger = shown["host"], shown["ledger"]
    assert not host["reading"]
    assert abs(host["resident"] - rss(pid)) < 2 * MIB
    assert host["time"] == ledger["host_read"]["now"] >= ledger["settled"] > ledger["since"]
    assert host["unreturned"] == 0
