"""The directory of profiles: listing, reading, writing; nothing in it can block or break the reader."""

from __future__ import annotations

import os
import stat
import tempfile
import tomllib
from pathlib import Path

import pytest

import workbench
from tests.privilege import unprivileged
from workbench.engine.profiles.store import SIZE_MAX, ProfileStore, read_profile, samples_directory
from workbench.errors import HostError, NotFound, UsageError


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path)


def names(store: ProfileStore) -> list[str]:
    return [entry.name for entry in store.entries()]


def complaints(store: ProfileStore, name: str) -> list[str]:
    loaded = store.load(name)
    assert loaded.profile is None
    return [problem.message for problem in loaded.problems]


class TestListing:
    def test_every_toml_file_by_name(self, store: ProfileStore, tmp_path: Path) -> None:
        for name in ("b.toml", "a.toml", "a.toml~", ".a.toml", ".a.toml.swp", "a.txt", "toml"):
            (tmp_path / name).touch()
        assert names(store) == ["a", "b"]

    def test_a_name_that_no_guest_can_have_is_listed_with_its_problem(
        self, store: ProfileStore, tmp_path: Path
    ) -> None:
        for name in ("my guest", "a[b]", "-x"):
            (tmp_path / f"{name}.toml").touch()
        assert names(store) == ["-x", "a[b]", "my guest"]
        for name in names(store):
            assert complaints(store, name) == [
                f"{name!r} is not a valid guest name: use letters, digits, '.', '_' and '-', not '.' or '-' first"
            ]

    def test_a_name_that_no_terminal_can_show(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "a\x1b]0;\n.toml").touch()
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.toml")).touch()
        assert names(store) == ["a\N{REPLACEMENT CHARACTER}]0;\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}"]
        for name in names(store):
            assert "is not a valid guest name" in complaints(store, name)[0]
            assert all(problem.file.isprintable() for problem in store.load(name).problems)

    def test_without_a_directory_the_samples_are_used(self, tmp_path: Path) -> None:
        store = ProfileStore(tmp_path / "none")
        assert names(store) == ["demo", "firmware", "hugepages"]
        assert all(store.load(name).profile is not None for name in names(store))
        assert not (tmp_path / "none").exists()

    def test_a_directory_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(HostError, match="Not a directory") as caught:
            ProfileStore(tmp_path / "file").entries()
        assert "--profiles" in caught.value.hint


class TestLoading:
    def test_a_profile(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "one.toml").write_text("machine = 'pc'")
        loaded = store.load("one")
        assert loaded.profile is not None
        assert (loaded.name, loaded.profile.name, loaded.profile.machine) == ("one", "one", "pc")
        assert (loaded.path, loaded.text, loaded.problems) == (tmp_path / "one.toml", "machine = 'pc'", ())
        assert loaded.parsed.place(("machine",)) == (str(tmp_path / "one.toml"), 1, 1)

    def test_it_is_read_again_when_it_changed_and_only_then(self, store: ProfileStore, tmp_path: Path) -> None:
        path = tmp_path / "one.toml"
        path.write_text("cpu.count = 1")
        first = store.load("one")
        assert store.load("one") is first
        path.write_text("cpu.count = 2")
        second = store.load("one")
        assert second.profile is not None
        assert second.profile.cpu.count == 2
        other = tmp_path / "other"
        other.write_text("cpu.count = 3")
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other.replace(path)  # the same size and the same time: another file all the same
        third = store.load("one")
        assert third.profile is not None
        assert third.profile.cpu.count == 3
        path.unlink()
        with pytest.raises(NotFound):
            store.load("one")

    def test_a_sample_can_be_had_beside_profiles_of_ones_own(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "one.toml").touch()
        assert names(store) == ["one"]
        assert store.load("demo").path == samples_directory() / "demo.toml"
        (tmp_path / "demo.toml").write_text("description = 'mine'")
        assert store.load("demo").path == tmp_path / "demo.toml"

    def test_no_such_profile(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "debian.toml").touch()
        with pytest.raises(NotFound, match="no profile named 'debain'") as caught:
            store.load("debain")
        assert caught.value.hint == "did you mean debian?"
        with pytest.raises(NotFound) as caught:
            store.load("xyz")
        assert "workbench list" in caught.value.hint

    @pytest.mark.parametrize("name", ["../one", "a/b", "", ".", "..", "[b]", "one\n", "a\0b"])
    def test_a_name_never_leads_out_of_the_directory(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "one.toml").touch()
        (tmp_path / "in").mkdir()
        with pytest.raises(NotFound, match=r"guest('s)? name"):
            ProfileStore(tmp_path / "in").load(name)


class TestWhatIsNoText:
    def test_bytes_that_are_not_utf8_have_their_place(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "x.toml").write_bytes("# é\ndescription = 'é".encode() + b"\xe4'")
        (problem,) = store.load("x").problems
        assert (problem.line, problem.column, problem.message) == (2, 17, "not UTF-8: byte 0xe4")

    def test_a_huge_file_is_not_read(self, store: ProfileStore, tmp_path: Path) -> None:
        with (tmp_path / "x.toml").open("wb") as file:
            file.truncate(1 << 40)
        assert complaints(store, "x") == [
            f"cannot be read: too large: 1,099,511,627,776 bytes, at most {SIZE_MAX:,} are allowed"
        ]

    def test_a_directory(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "x.toml").mkdir()
        assert complaints(store, "x") == ["cannot be read: Is a directory"]

    def test_a_pipe_without_a_writer_does_not_block(self, store: ProfileStore, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "x.toml")
        assert complaints(store, "x") == ["cannot be read: not a regular file"]

    def test_a_link_to_nowhere(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "x.toml").symlink_to("gone")
        assert names(store) == ["x"]
        assert complaints(store, "x") == ["cannot be read: No such file or directory"]

    def test_a_file_that_this_user_may_not_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with tempfile.TemporaryDirectory() as directory:  # pytest's own cannot be entered by others
            # Nor can the shipped samples, where the checkout is below a home that is closed to others.
            monkeypatch.setattr(
                "workbench.engine.profiles.store.samples_directory", lambda: Path(directory) / "samples"
            )
            Path(directory).chmod(0o755)
            (Path(directory) / "x.toml").touch(0o000)
            with unprivileged():
                assert complaints(ProfileStore(Path(directory)), "x") == ["cannot be read: Permission denied"]

    def test_a_file_by_its_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "x.toml").write_text("cpu.count = 0")
        monkeypatch.chdir(tmp_path)
        loaded = read_profile(Path("x.toml"))
        assert loaded.path == tmp_path / "x.toml"
        assert [str(problem) for problem in loaded.problems] == [
            "x.toml:1:5: cpu.count: 0 is not a whole number from 1 to 255"
        ]


class TestWriting:
    def test_a_profile_is_written(self, tmp_path: Path) -> None:
        store = ProfileStore(tmp_path / "a" / "b")
        assert store.write("one", "# é\n") == tmp_path / "a" / "b" / "one.toml"
        assert store.load("one").text == "# é\n"
        assert names(store) == ["one"]

    def test_mode_and_link_are_kept(self, store: ProfileStore, tmp_path: Path) -> None:
        real = tmp_path / "real"
        real.touch()
        real.chmod(0o640)
        (tmp_path / "one.toml").symlink_to(real)
        store.write("one", "machine = 'pc'")
        assert (tmp_path / "one.toml").is_symlink()
        assert real.read_text() == "machine = 'pc'"
        assert stat.S_IMODE(real.stat().st_mode) == 0o640

    @pytest.mark.parametrize("name", ["a/b", "", "..", "a b"])
    def test_a_name_that_no_guest_can_have(self, name: str, store: ProfileStore, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"guest('s)? name"):
            store.write(name, "")
        assert not list(tmp_path.iterdir())

    def test_what_cannot_be_written_leaves_the_old_file(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "one.toml").mkdir()
        with pytest.raises(HostError, match=r"cannot write one\.toml: Is a directory"):
            store.write("one", "x")
        assert [path.name for path in tmp_path.iterdir()] == ["one.toml"]


class TestSamples:
    def test_they_are_shipped_where_the_package_looks_for_them(self) -> None:
        """The wheel puts the checkout's ``profiles`` where :func:`samples_directory` looks first."""
        checkout = Path(workbench.__file__).parent.parent
        wheel = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
        assert wheel["force-include"] == {"profiles": "workbench/samples"}
        assert samples_directory() == checkout / "profiles"


class TestExtends:
    def test_a_base_that_changes_is_read_again(self, store: ProfileStore, tmp_path: Path) -> None:
        base = tmp_path / "common" / "base.toml"
        base.parent.mkdir()
        base.write_text("cpu.count = 2\nboot.kernel = '${dir}/k'")
        (tmp_path / "one.toml").write_text("extends = 'common/base.toml'")
        first = store.load("one")
        assert first.profile is not None
        assert (first.profile.cpu.count, first.profile.boot.kernel) == (2, f"{base.parent}/k")
        assert first.bases == (base,)
        assert store.load("one") is first
        base.write_text("cpu.count = 33")
        again = store.load("one").profile
        assert again is not None
        assert again.cpu.count == 33

    def test_a_base_that_comes_is_found(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "one.toml").write_text("extends = 'base'")
        assert "No such file" in str(store.load("one").problems[0])
        (tmp_path / "base").write_text("cpu.count = 3")
        assert store.load("one").profile is not None

    def test_two_names_of_one_file_are_one_file(self, store: ProfileStore, tmp_path: Path) -> None:
        (tmp_path / "one.toml").write_text("extends = 'link'")
        (tmp_path / "link").symlink_to(tmp_path / "one.toml")
        assert "extends itself" in str(store.load("one").problems[0])
