"""The user's preferences: read from a file, with each error reported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from workbench.domain.preferences import Preferences
from workbench.engine.storage.files import process_has_file
from workbench.engine.storage.preferences import read_preferences
from workbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    assert read_preferences(tmp_path / "settings.toml") == Preferences(ask=True)


def test_the_question_is_switched_off(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('"qmp.ask" = false\n')
    assert read_preferences(path) == Preferences(ask=False)


@pytest.mark.parametrize(
    "text", ['"qmp.ask" = "no"\n', '"qmp.aks" = true\n', "no toml", "[qmp]\nask = false\n", "\xff"]
)
def test_an_error_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"settings\.toml") as caught:
        read_preferences(path)
    assert '"qmp.ask" = false' in caught.value.hint


def test_a_file_is_looked_for_where_the_process_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("x")
    here = os.getpid()
    assert process_has_file(here, "there")
    assert process_has_file(here, str(tmp_path / "there"))
    for path in ("missing", "there/below", str(tmp_path), "/dev/null", "a\0b"):
        assert not process_has_file(here, path)
