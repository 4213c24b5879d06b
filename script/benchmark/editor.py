"""The delay of a key in the editor: the check of the whole text, and the resulting command line."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from workbench.engine.local.profiles import ProfileFiles
from workbench.engine.profiles.store import ProfileStore, samples_directory
from workbench.settings import Settings

from .figures import Figure, Unavailable, latency

LIMIT = 16.0
"""Milliseconds: one frame."""
CHECKS = 200
DISKS = 20
"""Disks in addition to those of the sample: a long profile."""


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(Path(directory) / "profiles", Path(directory) / "state")
        files = ProfileFiles(ProfileStore(settings.profiles), settings)
        known = asyncio.run(files.read("demo"))
        text = known.text + "".join(f'\n[[scsi.disk]]\nfile = "{number}.img"\n' for number in range(DISKS))
        sample = (samples_directory() / "demo.toml").read_text(encoding="utf-8")
        seconds = []
        for number in range(CHECKS):
            changed = f"{text if number % 2 else sample}# {number}\n"
            begun = time.perf_counter()
            checked = files.check(known, changed)
            seconds.append(time.perf_counter() - begun)
            if not checked.parts:
                raise Unavailable(checked.why or str(checked.problems[0]))
    return [latency("check in the editor", seconds, 0.95, LIMIT)]
