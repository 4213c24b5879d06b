"""Atomic writes, and files of lines with a bounded size."""

from __future__ import annotations

import fcntl
import multiprocessing
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.commandline import wait_until
from workbench.engine.storage.bounded_lines import BoundedLines
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


class TestWriteAtomic:
    @pytest.mark.parametrize("data", ["a\n\u00e9", "a\n\u00e9".encode(), [b"a\n", "\u00e9".encode()]])
    def test_text_bytes_and_pieces(self, tmp_path: Path, data: str | bytes | list[bytes]) -> None:
        write_atomic(tmp_path / "file", data)
        assert (tmp_path / "file").read_text() == "a\n\u00e9"
        assert mode(tmp_path / "file") == 0o600
        assert names(tmp_path) == ["file"]

    def test_it_replaces_and_sets_the_mode(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("old")
        write_atomic(tmp_path / "file", "new", mode=0o644, lasting=False)
        assert (tmp_path / "file").read_text() == "new"
        assert mode(tmp_path / "file") == 0o644

    def test_a_new_file_never_replaces_one(self, tmp_path: Path) -> None:
        write_atomic(tmp_path / "file", "first", new=True)
        with pytest.raises(FileExistsError):
            write_atomic(tmp_path / "file", "second", new=True)
        assert (tmp_path / "file").read_text() == "first"
        assert names(tmp_path) == ["file"]

    def test_what_fails_halfway_leaves_the_old_file_and_nothing_else(self, tmp_path: Path) -> None:
        def pieces() -> Iterator[bytes]:
            yield b"half"
            raise OSError(28, "No space left on device")

        (tmp_path / "file").write_text("old")
        with pytest.raises(OSError, match="No space"):
            write_atomic(tmp_path / "file", pieces())
        assert (tmp_path / "file").read_text() == "old"
        assert names(tmp_path) == ["file"]


def add_many(path: Path, name: str) -> None:
    lines = BoundedLines(path, 2000)
    for number in range(300):
        lines.append(f"{name} {number}".encode())


class TestBoundedLines:
    def test_lines_read_back(self, tmp_path: Path) -> None:
        lines = BoundedLines(tmp_path / "lines", 1000)
        assert (lines.tail(), lines.head(), lines.stamp) == ([], b"", (0, 0, 0))
        lines.append(b"a", b"b")
        lines.append()
        lines.append(b"c\rd")
        assert lines.tail() == [b"a", b"b", b"c\rd"]
        assert lines.head() == b"a"
        assert (tmp_path / "lines").read_bytes() == b"a\nb\nc\rd\n"
        assert mode(tmp_path / "lines") == 0o600

    def test_of_the_last_bytes_only_whole_lines_count(self, tmp_path: Path) -> None:
        lines = BoundedLines(tmp_path / "lines", 1000)
        lines.append(b"first", b"second", b"third")
        assert lines.tail(9) == [b"third"]
        assert lines.tail(100) == [b"first", b"second", b"third"]

    @given(cut=st.integers(0, 6))
    def test_a_line_that_was_cut_short_spoils_no_other(
        self, tmp_path_factory: pytest.TempPathFactory, cut: int
    ) -> None:
        path = tmp_path_factory.mktemp("lines") / "lines"
        lines = BoundedLines(path, 1000)
        lines.append(b"first")
        with path.open("ab") as file:
            file.write(b"second"[:cut])
        lines.append(b"third")
        assert lines.tail() == [b"first", *filter(None, [b"second"[:cut]]), b"third"]

    @given(st.lists(st.binary(min_size=1, max_size=30).filter(lambda line: b"\n" not in line), max_size=60))
    def test_it_is_bounded_and_keeps_the_newest(
        self, tmp_path_factory: pytest.TempPathFactory, some: list[bytes]
    ) -> None:
        path = tmp_path_factory.mktemp("lines") / "lines"
        lines = BoundedLines(path, 200)
        for line in some:
            lines.append(line)
            assert path.stat().st_size <= 200
            assert lines.tail()[-1:] == [line]
        kept = lines.tail()
        assert kept == some[len(some) - len(kept) :]

    def test_what_is_kept_can_be_chosen(self, tmp_path: Path) -> None:
        lines = BoundedLines(tmp_path / "lines", 20, lambda all_: sorted(set(all_)))
        for _ in range(50):
            lines.append(b"b", b"a")
        assert set(lines.tail()) == {b"a", b"b"}
        assert (tmp_path / "lines").stat().st_size <= 24

    def test_processes_that_add_at_once_lose_nothing_and_mix_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "lines"
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=add_many, args=(path, name)) for name in ("one", "two", "three")]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
        found = [line.decode().split(" ") for line in BoundedLines(path, 2000).tail()]
        assert found
        for name in ("one", "two", "three"):
            numbers = [int(number) for who, number in found if who == name]
            assert numbers == list(range(300 - len(numbers), 300)), "the newest, each of them, in order"

    def test_a_missing_directory_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            BoundedLines(tmp_path / "gone" / "lines", 100).append(b"a")


def test_a_line_added_while_the_file_is_shortened_is_not_lost(tmp_path: Path) -> None:
    """Another process holds the lock and then replaces the file: the line goes to the new one."""
    path = tmp_path / "lines"
    path.write_bytes(b"old\n")
    inode = path.stat().st_ino
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        adding = threading.Thread(target=BoundedLines(path, 1000).append, args=(b"added",))
        adding.start()
        wait_until(lambda: not adding.is_alive() or _is_waited_for(inode), "the lock to be waited for")
        write_atomic(path, b"shortened\n")
    adding.join()
    assert path.read_bytes() == b"shortened\nadded\n"


def _is_waited_for(inode: int) -> bool:
    """Whether a lock of that file has a waiter: proc_locks(5)."""
    return any(
        "->" in line and line.split()[-3].endswith(f":{inode}") for line in Path("/proc/locks").read_text().splitlines()
    )
