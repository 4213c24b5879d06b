"""QEMU's run states (qapi/run-state.json, ``RunState``) in which the CPUs are stopped: why, and what to do."""

from __future__ import annotations

from msgspec import Struct


class Stop(Struct, frozen=True):
    """Why the CPUs are stopped."""

    why: str = ""
    """For people, as an addition to the state's name; empty if the name says it."""
    advice: str = "resume the guest"


WAIT = "it continues when this finishes, or when you resume it"
STOPS = {
    "paused": Stop(),
    "debug": Stop("stopped by a debugger", "continue it in the debugger"),
    "prelaunch": Stop("QEMU has not started its CPUs yet", "resume the guest to start it"),
    "preconfig": Stop("QEMU waits for its configuration", "send x-exit-preconfig"),
    "inmigrate": Stop("it waits for an incoming migration", WAIT),
    "finish-migrate": Stop("its migration is about to finish", WAIT),
    "postmigrate": Stop("it was migrated", "resume it only if it does not run at its destination"),
    "restore-vm": Stop("a snapshot is being loaded", WAIT),
    "save-vm": Stop("a snapshot is being saved", WAIT),
    "colo": Stop("COLO keeps it in step with its copy", WAIT),
    "suspended": Stop("to RAM", "wake it with system_wakeup: resuming it has no effect"),
    "io-error": Stop("a disk reported an error", "fix the disk error (out of space?), then resume the guest"),
    "guest-panicked": Stop("its kernel panicked", "check its console, then reset it"),
    "internal-error": Stop("QEMU hit an internal error", "check qemu.log, then reset it"),
    "watchdog": Stop("its watchdog fired", "check its console, then reset it"),
    "shutdown": Stop("it has powered down", ""),
}
