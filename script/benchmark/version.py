"""``workbench --version`` compared with an interpreter that imports argparse and tomllib."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from .figures import Figure, Unavailable, ratio

PAIRS = 31


def measure() -> list[Figure]:
    workbench = Path(sys.executable).parent / "workbench"
    if not workbench.exists():
        raise Unavailable(f"{workbench} not found: install the package into this environment")
    ours, theirs = [str(workbench), "--version"], [sys.executable, "-c", "import argparse, tomllib"]
    for command in (ours, theirs):  # fill the byte code and page caches
        _run(command)
    pairs = [(_run(ours), _run(theirs)) for _ in range(PAIRS)]
    return [ratio("version", [own for own, _ in pairs], [other for _, other in pairs], 2.0, "argparse, tomllib")]


def _run(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
