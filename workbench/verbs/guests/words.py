"""A guest as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.guest.lifecycle import Silence
from workbench.verbs.balloon.words import balloon_object

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot

FROZEN = "frozen"
"""The state of a guest whose QEMU process is stopped."""
UNKNOWN = "unknown"
"""The state of a guest whose QEMU is alive but does not answer."""


def state_of(guest: GuestSnapshot) -> str:
    """Its run state or phase, or :data:`FROZEN` or :data:`UNKNOWN` for a live QEMU that does not answer."""
    if guest.answering:
        return guest.state
    return FROZEN if guest.silence is Silence.STOPPED else UNKNOWN


def as_object(guest: GuestSnapshot) -> dict[str, object]:
    """The output of ``list --json`` and ``status --json``. Sizes are bytes; unknown values are null.

    ``balloon`` is that of ``balloon --json``, null for a guest that was not read.
    """
    return {
        "name": guest.name,
        "state": state_of(guest),
        "pid": guest.pid,
        "memory": guest.memory,
        "accelerator": guest.accelerator,
        "accelerator_reason": guest.accelerator_reason,
        "backing": guest.backing,
        "description": guest.description,
        "problems": guest.problems,
        "ended": guest.ended.words if guest.ended else "",
        "ended_cause": guest.ended_cause,
        "profile": guest.profile_path,
        "directory": guest.directory,
        "qemu": guest.qemu_version,
        "balloon": balloon_object(guest) if guest.answering and guest.balloon is not None else None,
    }
