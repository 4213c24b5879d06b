"""``workbench check`` and ``workbench command`` as a user runs them."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.commandline import CommandLine, command_line

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def workbench() -> Iterator[CommandLine]:
    with command_line() as made:
        yield made


class TestCheck:
    def test_every_problem_of_every_profile(self, workbench: CommandLine) -> None:
        good = workbench.profile("good")
        bad = workbench.profile("bad", "[cpu]\ncount = 0\n[boot]\nkernal = 'x'\n")
        files = workbench.profile("files", "[boot]\nkernel = 'gone'\n")
        done = workbench("check")
        assert (done.code, done.stderr) == (1, "")
        assert done.stdout.splitlines() == [
            f"{bad}:2:1: cpu.count: 0 is not a whole number from 1 to 255",
            f"{bad}:4:1: boot.kernal: unknown key: did you mean kernel?",
            f"{files}:2:1: boot.kernel: {workbench.profiles}/gone: No such file or directory",
        ]
        assert workbench("check", "good").stdout == "1 profile, no problems\n"
        assert workbench("check", str(good)).code == 0
        assert workbench("check", "good", "bad").code == 1

    def test_json_is_an_array_of_objects(self, workbench: CommandLine) -> None:
        bad = workbench.profile("bad", "[[net]]\nbackend = 'usr'\n")
        done = workbench("check", "bad", "--json")
        assert (done.code, done.list) == (
            1,
            [
                {
                    "file": str(bad),
                    "line": 2,
                    "column": 1,
                    "key": "net[0].backend",
                    "message": '"usr" is not one of user, tap, bridge, socket, none: did you mean user?',
                }
            ],
        )
        workbench.profile("good")
        done = workbench("check", "good", "--json")
        assert (done.code, done.list) == (0, [])

    def test_a_file_is_named_as_it_was_given(self, workbench: CommandLine) -> None:
        done = workbench("check", "profiles/demo.toml", "profiles/hugepages.toml")
        assert (done.code, done.stdout) == (0, "2 profiles, no problems\n")
        done = workbench("check", "pyproject.toml")
        assert done.code == 1
        assert all(line.startswith("pyproject.toml:") for line in done.stdout.splitlines())

    def test_what_is_not_there(self, workbench: CommandLine) -> None:
        workbench.profile("debian")
        workbench("check", "debain").check_error(3, "no profile named 'debain'", "hint: did you mean debian?")
        workbench("check", "none.toml").check_error(3, "none.toml: no such file")
        workbench("check", "a[b]").check_error(3, "'a[b]' is not a valid guest name")
        workbench("check", "--frobnicate").check_error(2, "No such option")

    def test_the_samples_are_right(self, workbench: CommandLine) -> None:
        workbench.profiles.rmdir()
        done = workbench("check")
        assert (done.code, done.stdout) == (0, "3 profiles, no problems\n")


class TestCommand:
    def test_the_printed_line_is_the_one_of_json(self, workbench: CommandLine) -> None:
        workbench.profile("vm", "description = 'x'\nqemu.args = ['-rtc', \"base=2000-01-01,\\u0020clock='vm'\"]")
        printed, listed = workbench("command", "vm"), workbench("command", "vm", "--json")
        assert (printed.code, listed.code) == (0, 0)
        argv = json.loads(listed.stdout)
        assert shlex.split(printed.stdout.replace("\\\n", "")) == argv
        assert argv[0] == shutil.which("qemu-system-x86_64")
        assert argv[-2:] == ["-rtc", "base=2000-01-01, clock='vm'"]
        assert argv[argv.index("-pidfile") + 1] == str(workbench.state / "vm" / "pid")
        lines = printed.stdout.splitlines()
        assert all(line.endswith(" \\") for line in lines[:-1])
        assert "  -name guest=vm \\" in lines

    def test_it_is_what_start_runs(self, workbench: CommandLine) -> None:
        workbench.profile("vm", "memory.size = '64M'")
        argv = json.loads(workbench("command", "vm", "--json").stdout)
        pid = workbench.start("vm")
        run = subprocess.run(["cat", f"/proc/{pid}/cmdline"], capture_output=True, check=True).stdout.decode()
        assert run.rstrip("\0").split("\0") == argv

    def test_files_need_not_be_there_yet(self, workbench: CommandLine) -> None:
        workbench.profile("vm", "boot.kernel = 'bzImage'")
        done = workbench("command", "vm")
        assert done.code == 0
        assert f"-kernel {workbench.profiles}/bzImage" in done.stdout

    def test_what_goes_wrong(self, workbench: CommandLine) -> None:
        bad = workbench.profile("bad", "cpu.count = 0")
        workbench("command", "bad").check_error(1, "profile bad has 1 problem", f"{bad}:1:5: cpu.count: 0 is not")
        workbench("command", "none").check_error(3, "no profile named 'none'")
        workbench("command").check_error(2, "Missing argument")
        workbench.profile("vm")
        workbench("command", "vm", WORKBENCH_QEMU="/no/qemu").check_error(
            1, "WORKBENCH_QEMU is set to /no/qemu", "hint: "
        )
        workbench("command", "vm", PATH="/nowhere").check_error(1, "qemu-system-x86_64 is not installed", "hint: ")
