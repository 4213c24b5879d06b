"""The editor on real files, while another program writes, moves or locks them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.privilege import unprivileged
from tests.ui.editor.opened import answer, area, command, dialog, head, press, wait_until
from tests.ui.fake_engine import FakeEngine
from workbench.engine.local.profiles import ProfileFiles
from workbench.engine.profiles.store import ProfileStore
from workbench.settings import Settings
from workbench.ui.app import WorkbenchApp
from workbench.ui.editor import screen as editor_module
from workbench.ui.editor.screen import EditorScreen
from workbench.ui.main.screen import MainScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from textual.pilot import Pilot

    from workbench.domain.command_line.checked import ProfileText

TEXT = '[memory]\nsize = "256M"\n'


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor_module, "POLL", 0.05)


class Files(ProfileFiles):
    """Counts checks of the disk, and holds checks and saves while a test wants it to."""

    def __init__(self, directory: Path) -> None:
        settings = Settings(directory / "profiles", directory / "state")
        super().__init__(ProfileStore(settings.profiles), settings)
        self.begun = self.checks = 0
        self.check_may_run, self.saved = asyncio.Event(), asyncio.Event()
        """What a check of the disk waits for before it runs, and a save after it."""
        self.check_may_run.set()
        self.saved.set()
        self.writes: list[str] = []

    async def disk(self, known: ProfileText) -> ProfileText:
        try:
            self.begun += 1
            await self.check_may_run.wait()
            return await super().disk(known)
        finally:
            self.checks += 1

    async def save(self, known: ProfileText, text: str, *, anyway: bool = False) -> ProfileText:
        done = await super().save(known, text, anyway=anyway)
        self.writes.append(text)
        await self.saved.wait()
        return done


@asynccontextmanager
async def opened(directory: Path, text: str = TEXT) -> AsyncIterator[tuple[Pilot[None], Files, Path, EditorScreen]]:
    files = Files(directory)
    known = await files.create("mine", text)
    app = WorkbenchApp(FakeEngine())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = EditorScreen(files, known)
        await app.push_screen(screen)
        await pilot.pause()
        yield pilot, files, directory / "profiles/mine.toml", screen


async def looked(files: Files) -> None:
    """Wait until the screen has checked the file and drawn."""
    seen = files.checks
    await wait_until(lambda: files.checks >= seen + 3)


async def test_a_file_that_reappears_is_not_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, _, path, screen):
        path.rename(tmp_path / "away")
        await wait_until(lambda: "unsaved \u00b7 the file is gone" in head(screen))
        (tmp_path / "away").rename(path)
        await wait_until(lambda: "mine \u00b7 saved \u00b7 no problems" in head(screen))


async def test_leaving_the_only_copy_of_a_text_asks(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, _, path, screen):
        path.unlink()
        await wait_until(lambda: "the file is gone" in head(screen))
        await press(pilot, "escape")
        await answer(pilot, "cancel")
        await press(pilot, "escape")
        await answer(pilot, "save")
        await answer(pilot, "overwrite")  # the file is gone: save again?
        await wait_until(lambda: isinstance(pilot.app.screen, MainScreen))
        assert path.read_text() == TEXT


async def test_a_directory_in_its_place_is_reported_briefly(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, _, path, screen):
        path.unlink()
        path.mkdir()
        await wait_until(lambda: "cannot read mine.toml any more: Is a directory \u00b7" in head(screen))
        assert "Errno" not in head(screen)
        await press(pilot, "ctrl+s")
        await answer(pilot, "ok")
        await press(pilot, "escape")
        await answer(pilot, "cancel")
        path.rmdir()
        path.write_text(TEXT)
        await wait_until(lambda: "mine \u00b7 saved \u00b7 no problems" in head(screen))


async def test_a_file_that_became_binary_can_be_overwritten(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, _, path, screen):
        path.write_bytes(b"\xff\xfe")
        await wait_until(lambda: "mine.toml is no longer valid UTF-8 \u00b7" in head(screen))
        await press(pilot, "escape")
        await answer(pilot, "cancel")
        await press(pilot, "ctrl+s")
        await answer(pilot, "cancel")
        assert path.read_bytes() == b"\xff\xfe"
        await press(pilot, "ctrl+s")
        await wait_until(lambda: bool(pilot.app.screen.query("#overwrite")))
        assert not pilot.app.screen.query("#reload"), "there is nothing that could be read"
        await answer(pilot, "overwrite")
        await wait_until(lambda: path.read_text() == TEXT)
        await wait_until(lambda: "mine \u00b7 saved \u00b7 no problems" in head(screen))


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that other users can reach: pytest's own is closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_file_that_became_unreadable(reachable: Path) -> None:
    async with opened(reachable) as (pilot, _, path, screen):
        mode = path.stat().st_mode
        path.chmod(0)
        with unprivileged():
            await wait_until(lambda: "cannot read mine.toml any more: Permission denied" in head(screen))
        path.chmod(mode)
        await wait_until(lambda: "mine \u00b7 saved \u00b7 no problems" in head(screen))
        assert not dialog(pilot)


async def test_an_unwritable_directory_and_file(reachable: Path) -> None:
    async with opened(reachable) as (pilot, _, path, screen):
        await press(pilot, "#")
        for locked in (path.parent, path):
            mode = locked.stat().st_mode
            locked.chmod(mode & 0o555)
            with unprivileged():
                await press(pilot, "ctrl+s")
                await answer(pilot, "ok")
            assert (path.read_text(), area(screen).text) == (TEXT, f"#{TEXT}")
            locked.chmod(mode)
        await press(pilot, "ctrl+s")
        await wait_until(lambda: path.read_text() == f"#{TEXT}")


async def test_what_the_directory_or_the_disk_refuses_stays_in_the_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as (pilot, _, path, screen):
        await press(pilot, "#")
        for trouble in ("No space left on device", "Read-only file system"):

            def refuse(handle: int, trouble: str = trouble) -> None:
                raise OSError(28, trouble)

            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", refuse)
                await press(pilot, "ctrl+s")
                await wait_until(lambda: dialog(pilot))
                assert str(pilot.app.screen.children[0].border_title) == "Not saved"
                await answer(pilot, "ok")
            assert "unsaved" in head(screen)
            assert area(screen).text == f"#{TEXT}"
            assert path.read_text() == TEXT
            assert [one.name for one in path.parent.iterdir()] == ["mine.toml"], (
                "nothing half written is left beside it"
            )
        await press(pilot, "ctrl+s")
        await wait_until(lambda: path.read_text() == f"#{TEXT}")


def put(path: Path, text: str) -> None:
    """Save as other editors do: whole, in a new inode."""
    other = path.with_name("other")
    other.write_text(text)
    other.replace(path)


async def test_another_file_in_its_place_is_read_or_asked_about(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, files, path, screen):
        for size in ("512", "768"):  # twice within a moment, of one length
            put(path, TEXT.replace("256", size))
            await wait_until(partial(shows, screen, size))
        path.write_text(TEXT.replace("256", "384"))
        await wait_until(partial(shows, screen, "384"))
        await press(pilot, "#")
        put(path, TEXT.replace("256", "385"))
        await answer(pilot, "cancel")
        await looked(files)
        assert not dialog(pilot), "asked once for each change"
        put(path, TEXT.replace("256", "386"))
        await answer(pilot, "reload")
        await wait_until(partial(shows, screen, "386"))
        await press(pilot, "ctrl+z")
        assert area(screen).text == "#" + TEXT.replace("256", "384"), "one's own text is one key away"
        assert "unsaved" in head(screen)


def shows(screen: EditorScreen, size: str) -> bool:
    return area(screen).text == TEXT.replace("256", size)


async def test_a_save_is_never_taken_for_another_program_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a second key nor by a check of the disk while it is running."""
    monkeypatch.setattr(editor_module, "POLL", 1000)
    async with opened(tmp_path) as (pilot, files, path, screen):
        await press(pilot, "#")
        files.check_may_run.clear()
        files.saved.clear()
        screen.poll_disk()
        await wait_until(lambda: files.begun == 1)
        await press(pilot, "ctrl+s", "ctrl+s")
        await wait_until(lambda: len(files.writes) == 1)
        files.check_may_run.set()
        await wait_until(lambda: files.checks == 1)
        screen.poll_disk()
        await pilot.pause()
        assert not dialog(pilot)
        assert files.begun == 1, "a file that is being written is not checked"
        files.saved.set()
        await wait_until(lambda: not screen.changed and not screen.saving)
        await pilot.pause()
        assert not dialog(pilot)
        assert area(screen).text == path.read_text() == f"#{TEXT}"


async def test_the_command_line_follows_the_extended_files(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    base, deeper = tmp_path / "profiles/base.inc", tmp_path / "profiles/deeper.inc"
    base.write_text('extends = "deeper.inc"\n')
    deeper.write_text("[cpu]\ncount = 3\n")
    async with opened(tmp_path, f'extends = "base.inc"\n{TEXT}') as (_, _, _, screen):
        await wait_until(lambda: "-smp 3" in command(screen))
        deeper.write_text("[cpu]\ncount = 5\n")
        await wait_until(lambda: "-smp 5" in command(screen))
        deeper.unlink()
        await wait_until(lambda: "1 problem" in head(screen))
        deeper.write_text("[cpu]\ncount = 6\n")
        await wait_until(lambda: "-smp 6" in command(screen) and "no problem" in head(screen))
        assert not screen.changed
