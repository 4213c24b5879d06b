"""Whole processes of ``workbench qmp`` and ``balloon --json``, against a Python client that sends the same commands."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .figures import Figure, ratio

PAIRS = 25
READ = ["query-memory-size-summary", "query-memory-devices", "query-pci", "query-status", "query-balloon"]
"""What a bare client needs to know RAM, run state, actual and where the config space is."""
CLIENT = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile("rw")
f.readline()
for command in ("qmp_capabilities", *sys.argv[2:]):
    f.write(json.dumps({"execute": command}) + "\\n"); f.flush()
    reply = json.loads(f.readline())
print(json.dumps(reply, indent=2))
"""


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wb-bench-") as directory:
        root = Path(directory)
        (root / "profiles").mkdir()
        (root / "profiles" / "fw.toml").write_text('memory.size = "64M"\naccelerator = "tcg"\n[balloon]\n')
        places = {"WORKBENCH_STATE": str(root / "state"), "WORKBENCH_PROFILES": str(root / "profiles")}
        environment = {**os.environ, **places}
        workbench = [sys.executable, "-m", "workbench.cli"]
        subprocess.run([*workbench, "start", "fw"], env=environment, check=True, stdout=subprocess.DEVNULL)
        bare = [sys.executable, "-c", CLIENT, str(root / "state" / "fw" / "qmp-user.sock")]

        def compare(name: str, words: list[str], queries: list[str], limit: float) -> Figure:
            return _compare(name, [*workbench, *words], [*bare, *queries], environment, limit)

        try:
            return [
                compare("qmp, whole process", ["qmp", "fw", "query-status"], ["query-status"], 5.6),
                compare("balloon, whole process", ["balloon", "fw", "--json"], READ, 6.7),
            ]
        finally:
            stop = [*workbench, "stop", "fw", "--timeout", "0", "--kill"]
            subprocess.run(stop, env=environment, stdout=subprocess.DEVNULL, check=False)


def _compare(name: str, ours: list[str], theirs: list[str], environment: dict[str, str], limit: float) -> Figure:
    for command in (ours, theirs):  # fill the byte code, schema and page caches
        _run(command, environment)
    pairs = [(_run(ours, environment), _run(theirs, environment)) for _ in range(PAIRS)]
    return ratio(name, [own for own, _ in pairs], [other for _, other in pairs], limit, "bare Python client")


def _run(command: list[str], environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
