"""What a session publishes: frozen snapshots of one guest, each only if it differs from the last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.guest.lifecycle import Exit, Phase, Silence, phase_of
from workbench.domain.guest.snapshot import GuestSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.safety.protection import Protection
    from workbench.engine.session.protocols import Source
    from workbench.engine.state.directory import Ended

POWER_DOWN_PATIENCE = 30.0
"""Seconds after which a guest that ignored its power button counts as running again."""


class Published:
    """The last snapshot of one guest, and how the next one is made from it."""

    def __init__(self, snapshot: GuestSnapshot, source: Source, publish: Callable[[GuestSnapshot], None]) -> None:
        """:param publish: gets each new snapshot."""
        self.snapshot = snapshot
        self._source = source
        self._publish = publish
        self._described = False
        self._stopping_since: float | None = None

    def described(self) -> GuestSnapshot:
        """The last snapshot, with what the guest's source says of it; that is read once."""
        if not self._described:
            self._described = True
            self.snapshot = self._source.describe(self.snapshot)
        return self.snapshot

    def answered(self, status: str, version: str) -> GuestSnapshot:
        """The next snapshot of a guest that answers; not published yet.

        :param status: QEMU's ``RunState``.
        :param version: QEMU's.
        """
        phase, since = phase_of(status), self._stopping_since
        if phase is Phase.RUNNING and since is not None and time.monotonic() - since < POWER_DOWN_PATIENCE:
            phase = Phase.STOPPING
        return replace(
            self.described(), phase=phase, status=status, answering=True, trouble="", silence=None, qemu_version=version
        )

    def trouble(self, words: str, silence: Silence, balloon: Balloon | None, protection: Protection) -> None:
        """QEMU cannot be asked.

        :param balloon: as last read, marked as old.
        """
        last = self.described()
        self.send(
            replace(last, answering=False, trouble=words, silence=silence, balloon=balloon, protection=protection)
        )

    def odd(self, error: Exception) -> None:
        """An unexpected error in a round: the snapshot is not rebuilt, which might fail again."""
        words = f"unexpected reply from QEMU: {type(error).__name__}: {error}"
        self.send(replace(self.snapshot, answering=False, trouble=words, silence=Silence.BROKEN))

    def ended(self, ended: Ended) -> Exit:
        """QEMU has ended; returns how."""
        last, how = self.snapshot, Exit(ended.code)
        self.send(
            GuestSnapshot(
                last.name,
                phase=Phase.STOPPED,
                memory=last.memory,
                profile_path=last.profile_path,
                description=last.description,
                backing=last.backing,
                ended=how,
                ended_cause=ended.cause,
                cautions=last.cautions,
                ended_output=ended.output.rstrip() if ended.code else "",
            )
        )
        return how

    def note_event(self, name: str, *, devices: bool) -> None:
        """Take in an event from QEMU; it is published with the next snapshot.

        :param devices: whether the device tree may have changed.
        """
        if devices:
            self.snapshot = replace(self.snapshot, devices_revision=self.snapshot.devices_revision + 1)
        if name == "POWERDOWN":
            self._stopping_since = time.monotonic()
        elif name in {"RESET", "RESUME"}:
            self._stopping_since = None

    def note_power_down(self) -> None:
        """The power button was pressed."""
        self._stopping_since = time.monotonic()
        if self.snapshot.phase is Phase.RUNNING:  # a guest that ends at once is not read again
            self.send(replace(self.snapshot, phase=Phase.STOPPING))

    def send(self, snapshot: GuestSnapshot) -> None:
        """Publish a snapshot, unless it is the last one."""
        if snapshot != self.snapshot:
            self.snapshot = snapshot
            self._publish(snapshot)
