"""The editor's side of the engine, on real files: reading, checking, saving, and changes by other programs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from workbench.domain.profile.problems import ProfileChanged, ProfileError
from workbench.engine.local.profiles import TRASH, ProfileFiles
from workbench.engine.profiles.store import ProfileStore, samples_directory
from workbench.errors import HostError, NotFound, UsageError
from workbench.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

TEXT = '# mine\n[memory]\nsize = "256M"\n'


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfileFiles:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "data"))
    settings = Settings(tmp_path / "profiles", tmp_path / "state")
    return ProfileFiles(ProfileStore(settings.profiles), settings)


async def test_saved_and_read_again(files: ProfileFiles, tmp_path: Path) -> None:
    known = await files.create("mine", TEXT)
    assert (known.text, known.path) == (TEXT, str(tmp_path / "profiles/mine.toml"))
    saved = await files.save(known, TEXT + "# more\n")
    assert (tmp_path / "profiles/mine.toml").read_text() == TEXT + "# more\n"
    assert await files.disk(saved) is saved
    with pytest.raises(UsageError):
        await files.create("mine", "")
    with pytest.raises(UsageError):
        await files.create("../mine", "")


async def test_changes_by_another_program_are_not_overwritten(files: ProfileFiles, tmp_path: Path) -> None:
    known = await files.create("mine", TEXT)
    path = tmp_path / "profiles/mine.toml"
    path.write_text("theirs = 1\n")
    assert (await files.disk(known)).text == "theirs = 1\n"
    with pytest.raises(ProfileChanged):
        await files.save(known, "ours = 1\n")
    assert path.read_text() == "theirs = 1\n"
    await files.save(known, "ours = 1\n", anyway=True)
    assert path.read_text() == "ours = 1\n"
    path.unlink()
    assert (await files.disk(known)).stamp == ()
    with pytest.raises(ProfileChanged, match="was deleted"):
        await files.save(known, "ours = 2\n")


async def test_a_file_that_appeared_where_a_sample_stood_in_is_not_overwritten(
    files: ProfileFiles, tmp_path: Path
) -> None:
    known = await files.read("demo")
    assert known.sample == str(samples_directory() / "demo.toml")
    assert files.uses_samples
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/demo.toml").write_text("theirs = 1\n")
    with pytest.raises(ProfileChanged):
        await files.save(known, TEXT)
    assert (tmp_path / "profiles/demo.toml").read_text() == "theirs = 1\n"


async def test_a_sample_is_saved_as_the_user_s_own(files: ProfileFiles, tmp_path: Path) -> None:
    known = await files.read("demo")
    before = (samples_directory() / "demo.toml").read_text()
    saved = await files.save(known, known.text + "# mine\n")
    assert not saved.sample
    assert (tmp_path / "profiles/demo.toml").read_text() == before + "# mine\n"
    assert (samples_directory() / "demo.toml").read_text() == before


async def test_checked_as_a_start_would(files: ProfileFiles) -> None:
    known = await files.create("mine", TEXT)
    checked = files.check(known, TEXT)
    assert not checked.problems
    memory = next(part for part in checked.parts if part.options == ("-m", "256M"))
    assert checked.place(memory) == ("", 3)
    wrong = files.check(known, TEXT.replace("size", "seize"))
    assert str(wrong.problems[0]).startswith("mine.toml:3:1: memory.seize: unknown key")
    assert not files.check(known, "[").parts


async def test_files_and_qemu_are_asked_too(files: ProfileFiles) -> None:
    known = await files.create("mine", TEXT)
    text = TEXT + '[cpu]\nmodel = "no-such-cpu"\n[[scsi]]\n[[scsi.disk]]\nfile = "missing.qcow2"\n'
    assert not files.check(known, text).problems
    found = [str(problem) for problem in await files.check_host(known, text)]
    assert any(one.startswith("mine.toml:5:1: cpu.model") for one in found)
    assert any("missing.qcow2" in one and one.startswith("mine.toml:8:") for one in found)


async def test_a_base_is_read_and_its_options_are_distinguished(files: ProfileFiles, tmp_path: Path) -> None:
    known = await files.create("mine", TEXT)
    (tmp_path / "profiles/base.inc").write_text("[cpu]\ncount = 3\n")
    checked = files.check(known, f'extends = "base.inc"\n{TEXT}')
    smp = next(part for part in checked.parts if part.options[0] == "-smp")
    assert checked.place(smp) == ("base.inc", 2)


async def test_renamed_with_its_variables(files: ProfileFiles, tmp_path: Path) -> None:
    await files.create("mine", TEXT)
    await files.create("other", TEXT)
    variables = tmp_path / "data/qemu-workbench/uefi/mine.fd"
    variables.parent.mkdir(parents=True)
    variables.write_bytes(b"vars")
    with pytest.raises(UsageError):
        await files.rename("mine", "other")
    assert (await files.rename("mine", "new")).text == TEXT
    assert not (tmp_path / "profiles/mine.toml").exists()
    assert variables.with_name("new.fd").read_bytes() == b"vars"
    with pytest.raises(NotFound):
        await files.rename("demo", "mydemo")


async def test_the_trash_keeps_each(files: ProfileFiles, tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        await files.create("mine", f"# {number}\n")
        paths.append(await files.trash("mine"))
    assert [path.read_text() for path in paths] == ["# 0\n", "# 1\n", "# 2\n"]
    assert {path.parent for path in paths} == {tmp_path / "profiles" / TRASH}
    assert "mine" not in [entry.name for entry in ProfileStore(tmp_path / "profiles").entries()]
    with pytest.raises(NotFound):
        await files.trash("mine")


async def test_compared_with_another_and_with_what_runs(files: ProfileFiles, tmp_path: Path) -> None:
    known = await files.create("mine", TEXT)
    await files.create("other", TEXT.replace("256M", "512M"))
    assert files.comparable("mine") == ("other",)
    found = await files.compare(known, TEXT, "other")
    assert [change.name for change in found.options] == ["-m", "-object ram0"]
    assert [(key.key, key.one, key.other) for key in found.keys] == [("memory.size", '"512M"', '"256M"')]
    (tmp_path / "state/mine").mkdir(parents=True)
    (tmp_path / "state/mine/profile.toml").write_text(TEXT)
    assert files.comparable("mine") == ("", "other")
    assert not await files.compare(known, TEXT, "")
    found = await files.compare(known, f'{TEXT}[[net]]\nmac = "52:54:00:00:00:01"\n[balloon]\nguard = true\n', "")
    assert [change.name for change in found.options] == ["-device net0"]
    assert [(key.key, key.no_option) for key in found.keys] == [("net[0].mac", False), ("balloon.guard", True)]
    with pytest.raises(ProfileError):
        await files.compare(known, "x = 1", "")


async def test_extending_profiles_are_known(files: ProfileFiles, tmp_path: Path) -> None:
    await files.create("mine", TEXT)
    await files.create("near", 'extends = "mine.toml"\n')
    await files.create("far", 'extends = "near.toml"\n')
    await files.create("other", TEXT)
    (tmp_path / "profiles/broken.toml").write_text("[")
    assert await files.extended_by("mine") == ("far", "near")
    assert await files.extended_by("near") == ("far",)
    assert await files.extended_by("other") == ()


async def test_a_rename_that_fails_half_way_is_undone(
    files: ProfileFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await files.create("mine", TEXT)
    variables = tmp_path / "data/qemu-workbench/uefi/mine.fd"
    variables.parent.mkdir(parents=True)
    variables.write_bytes(b"vars")

    def rename(source: Path, target: Path) -> None:
        if source == variables:
            raise OSError(28, "No space left on device")
        move(source, target)

    move = os.rename
    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(HostError, match="No space left"):
        await files.rename("mine", "new")
    assert [path.name for path in (tmp_path / "profiles").iterdir()] == ["mine.toml"]
