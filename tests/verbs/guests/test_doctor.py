from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench.cli", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60, check=False
    )


def test_each_line_begins_with_its_status_and_has_no_colours() -> None:
    done = doctor("doctor")
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    findings = [line for line in done.stdout.splitlines()[:-1] if not line.startswith(" ")]
    assert {line.split()[0] for line in findings} <= {"ok", "note", "missing"}
    assert done.returncode == (1 if any(line.startswith("missing") for line in findings) else 0)
    assert done.stdout.splitlines()[-1].startswith("missing: " if done.returncode else "the demo guest can run")


def test_the_texts_stand_in_one_column() -> None:
    from workbench.engine.doctor import Finding, Status
    from workbench.verbs.guests.doctor import report_lines

    findings = [
        Finding("QEMU", Status.OK, "first"),
        Finding("transparent hugepages", Status.OK, "first\nsecond", "third"),
    ]
    words = ("first", "first", "second", "\N{RIGHTWARDS ARROW} third")
    lines = [click.unstyle(line) for line in report_lines(findings)]
    assert len({line.index(word) for line, word in zip(lines, words, strict=True)}) == 1


def test_without_qemu_it_fails_and_says_what_to_do() -> None:
    done = doctor("doctor", WORKBENCH_QEMU="/nowhere/qemu")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("missing  QEMU")
    assert "or unset it" in lines[1]
    assert lines[-1] == "missing: QEMU"


def test_json_has_the_host_and_every_finding(tmp_path: Path) -> None:
    done = doctor("--state", str(tmp_path / "state"), "doctor", "--json")
    told = json.loads(done.stdout)
    assert told["ok"] is (done.returncode == 0)
    assert told["host"]["accelerator"] in ("kvm", "tcg")
    assert told["host"]["accelerator_reason"]
    assert told["findings"][0]["topic"] == "QEMU"
    assert all(set(finding) == {"topic", "status", "text", "advice"} for finding in told["findings"])
