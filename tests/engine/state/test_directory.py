"""The state directory: which guests are alive, which may start, what is cleaned up. Processes are real, QEMUs only if needed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from msgspec.structs import replace

from tests.commandline import wait_until
from workbench.engine.state.directory import (
    LONGEST_SOCKET,
    Ended,
    GuestFacts,
    Running,
    StateDirectory,
    check_socket_path,
    read_end,
    read_facts,
    read_tail,
    try_lock,
    write_facts,
)
from workbench.engine.state.liveness import KEEPER, is_over, keeper_of, live_pid
from workbench.errors import HostError, NotFound, StartError

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = GuestFacts("demo", 512 << 20, "tcg", "no vmx or svm here", "/usr/bin/qemu-system-x86_64", 1_700_000_000.5)

SLEEP = "import sys, time; print(flush=True); time.sleep(600)"
"""A process that reports when it has its command line, and stays."""


@pytest.fixture
def state() -> Iterator[StateDirectory]:
    """Below a short path: pytest's own may pass what a socket takes."""
    with tempfile.TemporaryDirectory(prefix="wb-") as base:
        state = StateDirectory(Path(base) / "state")
        state.prepare()
        yield state


@contextmanager
def process(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has these words on its command line and does nothing."""
    running = subprocess.Popen([sys.executable, "-c", SLEEP, *argv], stdout=subprocess.PIPE)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == b"\n"
        running.stdout.close()
        yield running
    finally:
        running.kill()
        running.wait()


@contextmanager
def guest(state: StateDirectory, name: str = "demo", pid_file: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A guest directory, and a process that names its pid file as a QEMU does."""
    directory = state.path(name)
    directory.mkdir()
    with process("-pidfile", pid_file or str(directory / "pid")) as running:
        (directory / "pid").write_text(f"{running.pid}\n")
        write_facts(directory, FACTS)
        yield running


# Who lives.


def test_a_guest_lives_while_its_process_does(state: StateDirectory) -> None:
    with guest(state) as running:
        assert live_pid(state.path("demo")) == running.pid
        found = state.find("demo")
        assert found is not None
        assert (found.name, found.pid, found.facts, found.alive) == ("demo", running.pid, FACTS, True)
        running.kill()
        # Not waited for: a zombie has ended, although its pid is still taken.
        wait_until(lambda: psutil.Process(running.pid).status() == psutil.STATUS_ZOMBIE, "the zombie")
        assert live_pid(state.path("demo")) is None
        assert not found.alive
    assert state.find("demo") is None


def test_a_pid_of_another_program_is_not_a_guest(state: StateDirectory) -> None:
    state.path("demo").mkdir()
    for argv in ([], ["-pidfile", str(state.path("other") / "pid")], [str(state.path("demo") / "pid")]):
        with process(*argv) as other:
            (state.path("demo") / "pid").write_text(str(other.pid))
            assert state.find("demo") is None, argv


@pytest.mark.parametrize("content", ["", "abc", "-1", "0", "99999999999999999999", "1 2", "\0"])
def test_a_damaged_pid_file_is_not_a_guest(state: StateDirectory, content: str) -> None:
    state.path("demo").mkdir()
    (state.path("demo") / "pid").write_text(content)
    assert state.find("demo") is None


def test_a_directory_without_a_pid_is_not_a_guest(state: StateDirectory) -> None:
    state.path("demo").mkdir()
    assert (state.names(), state.find("demo")) == (["demo"], None)


def test_a_guest_is_found_by_any_path_that_leads_to_it(state: StateDirectory) -> None:
    """A live guest whose directory is named through a link or with ``..`` must never be taken for a stale one."""
    link = state.root.parent / "link"
    link.symlink_to(state.root)
    with guest(state, pid_file=f"{state.root.parent}/state/../state/demo/pid") as running:
        for root in (state.root, link, state.root.parent / "state" / ".." / "state"):
            other = StateDirectory(root)
            assert other.running("demo").pid == running.pid, root
            assert other.clean("demo") is None
    assert state.clean("demo") is not None


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", "null", '{"name": "demo"}', '{"name": 1, "memory": "x"}', "\0\xff"]
)
def test_damaged_facts_keep_a_live_guest_findable(state: StateDirectory, content: str | None) -> None:
    with guest(state) as running:
        file = state.path("demo") / "guest.json"
        file.unlink()
        if content is not None:
            file.write_text(content)
        found = state.running("demo")
    assert (found.pid, found.facts) == (running.pid, GuestFacts("demo", 0, "", "", "", 0.0))


def test_facts_of_a_newer_workbench_are_read(state: StateDirectory) -> None:
    state.path("demo").mkdir()
    write_facts(state.path("demo"), FACTS)
    file = state.path("demo") / "guest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "later": True}))
    assert read_facts(state.path("demo")) == FACTS


def test_no_guest_of_that_name(state: StateDirectory) -> None:
    with pytest.raises(NotFound, match="no running guest named 'demo'") as caught:
        state.running("demo")
    assert caught.value.hint == "no guest is running; to start it: workbench start demo"
    with guest(state, "one"), guest(state, "two"), pytest.raises(NotFound) as caught:
        state.running("demo")
    assert caught.value.hint == "running: one, two; to start it: workbench start demo"


@pytest.mark.parametrize("name", ["../state/demo", "demo/", "./demo", "", ".", "..", "demo/../demo"])
def test_a_name_is_not_a_path(state: StateDirectory, name: str) -> None:
    with guest(state):
        assert state.find("demo") is not None
        assert state.find(name) is None


# Claims.


def test_a_claim_is_a_fresh_private_directory(state: StateDirectory) -> None:
    stale = state.path("demo")
    (stale / "sub").mkdir(parents=True)
    (stale / "sub" / "file").touch()
    (stale / "link").symlink_to("/")
    (stale / "exit").write_text("1\n")
    with state.claim("demo") as directory:
        assert list(directory.iterdir()) == []
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert directory.is_dir(), "it stays for the guest"
    assert Path("/etc").is_dir()


def test_a_failed_start_leaves_nothing(state: StateDirectory) -> None:
    def fail() -> None:
        with state.claim("demo") as directory:
            (directory / "qemu.log").write_text("text")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not state.path("demo").exists()
    with state.claim("demo"):
        pass


def test_a_running_guest_cannot_be_claimed(state: StateDirectory) -> None:
    with guest(state) as running:
        with pytest.raises(StartError, match=f"demo is already running, pid {running.pid}"), state.claim("demo"):
            pass
        assert state.find("demo") is not None, "its directory was not touched"


def test_a_guest_that_another_process_starts_cannot_be_claimed(state: StateDirectory) -> None:
    with state.claim("demo") as directory:
        (directory / "guest.json").touch()
        result = in_another_process(state, "with state.claim('demo'): pass")
        assert "StartError: demo is already being started" in result
        assert in_another_process(state, "print(state.clean('demo'))") == "None"
        assert (directory / "guest.json").exists()
    assert in_another_process(state, "with state.claim('demo'): print('claimed')") == "claimed"


def test_a_lock_ends_with_its_process_and_is_not_inherited(state: StateDirectory) -> None:
    """A QEMU that inherited the lock would keep it for as long as it runs."""
    with state.claim("demo") as directory:
        child = subprocess.Popen(["sleep", "600"], close_fds=False)
    try:
        with try_lock(directory) as locked:
            assert locked
    finally:
        child.kill()
        child.wait()


def test_a_lock_of_a_directory_that_was_replaced_is_none(state: StateDirectory) -> None:
    directory = state.path("demo")
    directory.mkdir()
    real = fcntl.flock

    def replaced(handle: int, how: int) -> None:
        directory.rename(state.root / "moved")
        directory.mkdir()
        real(handle, how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", replaced)
        with try_lock(directory) as locked:
            assert not locked
    with try_lock(directory) as locked:
        assert locked
    with try_lock(state.root / "nothing") as locked:
        assert not locked


@pytest.mark.parametrize("round_", range(3))
def test_of_many_claims_at_once_exactly_one_wins(state: StateDirectory, round_: int) -> None:
    """Eight processes begin together, again and again; the winner holds until all others were refused."""
    script = """
import sys, time
from pathlib import Path
from workbench.engine.state.directory import StateDirectory
from workbench.errors import StartError
state = StateDirectory(Path(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    try:
        with state.claim("demo") as directory:
            (directory / "pid").write_text("")
            print("won", flush=True)
            sys.stdin.readline()
            raise KeyError
    except KeyError:
        print("left", flush=True)
    except StartError:
        print("refused", flush=True)
"""
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", script, str(state.root)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    bufsize=1,
                )
            )
            for _ in range(8)
        ]
        assert [read(racer) for racer in racers] == ["ready"] * 8
        for _ in range(10):
            for racer in racers:
                write(racer)
            answers = [read(racer) for racer in racers]
            assert sorted(answers) == ["refused"] * 7 + ["won"]
            winner = racers[answers.index("won")]
            write(winner)
            assert read(winner) == "left"
            assert not state.path("demo").exists()
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.close()


def test_a_claim_forgets_how_the_last_run_ended(state: StateDirectory) -> None:
    leave_end(state, "137\n")
    state.clean("demo")
    assert state.last_end("demo") is not None
    with state.claim("demo"):
        assert state.last_end("demo") is None


def test_a_watcher_gets_the_end_of_its_run_even_if_the_next_one_was_quicker(state: StateDirectory) -> None:
    with guest(state):
        watched = state.running("demo")
    (state.path("demo") / "exit").write_text("137\n")
    with state.claim("demo") as directory:
        assert state.end_of(watched) == Ended(137, "", FACTS.started)
        write_facts(directory, replace(FACTS, started=FACTS.started + 1))
        (directory / "exit").write_text("0\n")
    again = Running(watched.path, 1, replace(FACTS, started=FACTS.started + 1))
    assert state.end_of(again) == Ended(0, "", FACTS.started + 1)
    assert state.end_of(watched) is None, "another run's end is not taken for it"


# The directory itself.


def test_it_is_made_for_this_user_only(state: StateDirectory) -> None:
    assert stat.S_IMODE(state.root.stat().st_mode) == 0o700
    state.root.chmod(0o755)
    state.prepare()
    assert stat.S_IMODE(state.root.stat().st_mode) == 0o700


def test_without_a_state_directory_there_is_no_guest(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "nothing")
    assert (state.names(), state.find("demo"), state.clean("demo"), state.last_end("demo")) == ([], None, None, None)
    assert not state.root.exists(), "a look makes nothing"


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(HostError, match=r"cannot create the state directory .*: File exists") as caught:
        StateDirectory(tmp_path / "state").prepare()
    assert "--state" in caught.value.hint
    with pytest.raises(HostError):
        StateDirectory(tmp_path / "state").names()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
@pytest.mark.parametrize("kind", ["directory", "link"])
def test_a_directory_of_another_user_is_rejected(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "state"
    if kind == "directory":
        root.mkdir()
        os.chown(root, 12345, -1)
    else:
        (tmp_path / "mine").mkdir()
        root.symlink_to(tmp_path / "mine")
        os.chown(root, 12345, -1, follow_symlinks=False)
    state = StateDirectory(root)
    for look in (state.prepare, state.names, lambda: state.find("demo"), lambda: state.running("demo")):
        with pytest.raises(HostError, match="is not a directory owned by you"):
            look()


def test_a_link_of_ones_own_is_followed(state: StateDirectory) -> None:
    link = state.root.parent / "link"
    link.symlink_to(state.root)
    with StateDirectory(link).claim("demo"):
        assert state.names() == ["demo"]


def test_a_guest_directory_that_is_a_link_is_not_claimed(state: StateDirectory) -> None:
    elsewhere = state.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    state.path("demo").symlink_to(elsewhere)
    with pytest.raises(StartError), state.claim("demo"):
        pass
    assert state.clean("demo") is None
    assert (elsewhere / "file").exists()


def test_a_path_too_deep_for_a_socket_is_refused_before_anything_is_made() -> None:
    with tempfile.TemporaryDirectory(prefix="wb-") as base:
        room = 107 - len(os.fsencode(f"{base}//demo/{LONGEST_SOCKET}"))
        StateDirectory(Path(base) / ("d" * room)).prepare()
        check_socket_path(Path(base) / ("d" * room) / "demo")
        deep = StateDirectory(Path(base) / ("d" * (room + 1)))
        with pytest.raises(HostError, match=r"108 bytes, a socket's path can have at most 107"), deep.claim("demo"):
            pass
        assert not deep.root.exists()


# The end.


def leave_end(state: StateDirectory, code: str | None, log: bytes = b"") -> None:
    directory = state.path("demo")
    directory.mkdir()
    (directory / "qemu.log").write_bytes(log)
    if code is not None:
        (directory / "exit").write_text(code)


@pytest.mark.parametrize(("code", "expected"), [("0\n", 0), ("137\n", 137), (None, None), ("", None), ("x", None)])
def test_what_ended_is_cleaned_and_remembered(state: StateDirectory, code: str | None, expected: int | None) -> None:
    leave_end(state, code, b"some words\n\xff")
    ended = Ended(expected, "some words\n\N{REPLACEMENT CHARACTER}")
    assert state.clean("demo") == ended
    assert not state.path("demo").exists()
    assert state.last_end("demo") == ended
    assert state.names() == [], "what is kept of the dead is no guest"
    assert state.clean("demo") is None


def kept_logs(state: StateDirectory) -> list[str | None]:
    files = [state.kept_log("demo", log) for log in ("serial.log", "qemu.log")]
    return [file.read_text() if file.exists() else None for file in files]


def test_the_logs_of_what_ended_are_kept_until_the_next_start(state: StateDirectory) -> None:
    leave_end(state, "137\n", b"qemu's words")
    (state.path("demo") / "serial.log").write_text("Kernel panic")
    state.clean("demo")
    assert kept_logs(state) == ["Kernel panic", "qemu's words"]
    assert state.names() == []
    with pytest.raises(StartError), state.claim("demo"):
        raise StartError("no")
    assert kept_logs(state) == ["Kernel panic", "qemu's words"], "a start that fails is no run"
    with state.claim("demo"):
        pass
    assert kept_logs(state) == [None, None]


def test_the_logs_of_a_run_without_one_are_not_those_of_the_run_before(state: StateDirectory) -> None:
    leave_end(state, "0\n", b"first")
    (state.path("demo") / "serial.log").write_text("first")
    state.clean("demo")
    leave_end(state, "0\n", b"second")
    with pytest.raises(StartError), state.claim("demo"):  # nobody cleaned up after it
        raise StartError("no")
    assert kept_logs(state) == [None, "second"]


def test_only_the_last_of_a_long_log_is_kept(state: StateDirectory) -> None:
    leave_end(state, "1\n", b"x" * 100_000 + b"the end")
    end = read_end(state.path("demo"))
    assert len(end.output) == 8192
    assert end.output.endswith("the end")
    assert read_tail(state.path("demo") / "qemu.log", 3) == "end"
    assert read_tail(state.path("demo") / "nothing") == ""


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"code": "x", "output": 1}', '{"code": 1}'])
def test_a_damaged_end_is_not_known(state: StateDirectory, content: str) -> None:
    leave_end(state, "0\n")
    state.clean("demo")
    file = state.root / ".ended" / "demo"
    assert file.exists()
    file.write_text(content)
    assert state.last_end("demo") is None


def test_a_live_guest_is_never_cleaned(state: StateDirectory) -> None:
    with guest(state):
        (state.path("demo") / "exit").write_text("0")
        assert state.clean("demo") is None
        assert state.find("demo") is not None


def test_a_directory_is_not_over_while_its_keeper_lives(state: StateDirectory) -> None:
    """QEMU may not have written its pid yet; or it is gone, and how it ended is about to be written."""
    directory = state.path("demo")
    directory.mkdir()
    (directory / "profile.toml").touch()
    argv = [
        "/bin/sh",
        "-c",
        KEEPER,
        str(directory),
        "/bin/sh",
        "-c",
        'echo $$ >"$0"; exec sleep 600',
        f"{directory}/kept",
    ]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, start_new_session=True)
    wait_until((directory / "kept").exists, "the kept process")
    wait_until(lambda: (directory / "kept").read_text().endswith("\n"), "its pid")
    kept = int((directory / "kept").read_text())
    try:
        assert keeper_of(directory) is not None
        assert keeper_of(state.path("other")) is None
        assert not is_over(directory)
        assert state.clean("demo") is None
        with pytest.raises(StartError, match="is just starting or ending"), state.claim("demo"):
            pass
        assert (directory / "profile.toml").exists()
    finally:
        os.kill(kept, signal.SIGTERM)
    wait_until((directory / "exit").exists, "the keeper's word")
    assert state.clean("demo") == Ended(128 + signal.SIGTERM, "Terminated\n")


def test_a_keeper_is_one_until_its_word_is_written(state: StateDirectory) -> None:
    """A shell becomes the last command of a subshell; while that is ``mv``, nothing is over yet. Here it takes long."""
    directory, base = state.path("demo"), state.root.parent
    directory.mkdir()
    mv = shutil.which("mv")
    (base / "mv").write_text(f'#!/bin/sh\ntouch {base}/moving; until [ -e {base}/go ]; do :; done; exec {mv} "$@"\n')
    (base / "mv").chmod(0o755)
    environment = {**os.environ, "PATH": f"{base}:{os.environ['PATH']}"}
    argv = ["/bin/sh", "-c", KEEPER, str(directory), "/bin/sh", "-c", "exit 7"]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, start_new_session=True, env=environment)
    try:
        wait_until((base / "moving").exists, "the keeper to move its word into place")
        assert keeper_of(directory) is not None
        assert state.clean("demo") is None
    finally:
        (base / "go").touch()
    wait_until((directory / "exit").exists, "the keeper's word")
    assert state.clean("demo") == Ended(7, "")


# What the tests above need.


def in_another_process(state: StateDirectory, code: str) -> str:
    """The last line that the code prints, or of its traceback; it has ``state``."""
    head = "import sys; from pathlib import Path; from workbench.engine.state.directory import StateDirectory\n"
    script = f"{head}state = StateDirectory(Path(sys.argv[1]))\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(state.root)], capture_output=True, text=True, timeout=60, check=False
    )
    return (done.stdout + done.stderr).rstrip().splitlines()[-1].removeprefix("workbench.errors.")


def read(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout is not None
    return racer.stdout.readline().strip()


def write(racer: subprocess.Popen[str]) -> None:
    assert racer.stdin is not None
    racer.stdin.write("\n")
    racer.stdin.flush()
