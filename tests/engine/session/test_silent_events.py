"""Why the events of a guest cannot be read: another client reads them, or QEMU is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.session.fake_parts import FakeParts
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.engine.session.guest import SessionGuest
from workbench.errors import MonitorSilent, MonitorUnavailable
from workbench.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.qmp.record.record import Record
    from workbench.engine.session.protocols import Monitor


class SilentParts(FakeParts):
    """A guest whose monitor for events sends no greeting."""

    shared = True
    """Whether QEMU answers on the monitor that commands share."""

    async def connect(self, record: Record, *, deadline: float) -> Monitor:
        if not self.shared:
            raise MonitorSilent("no greeting")
        return await super().connect(record, deadline=deadline)

    async def connect_for_events(self) -> Monitor:
        raise MonitorSilent("no greeting")


@pytest.mark.parametrize("shared", [True, False])
async def test_only_a_qemu_that_answers_elsewhere_has_another_client(tmp_path: Path, shared: bool) -> None:
    parts = SilentParts(tmp_path)
    parts.shared = shared
    guest = SessionGuest(parts, GuestSnapshot("fw"), lambda _: None, Settings(), driven=False)
    with pytest.raises(MonitorUnavailable) as caught:
        async with guest.events():
            pass
    assert ("another client" in str(caught.value)) is shared
