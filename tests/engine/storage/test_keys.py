"""The user's key bindings: read from a file, with each error reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workbench.engine.storage.keys import read_keys
from workbench.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_moves_no_key(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "keys.toml") == {}


def test_ids_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text('"balloon.send" = "space"\n"app.leave" = "ctrl+x,f10"\n')
    assert read_keys(path) == {"balloon.send": "space", "app.leave": "ctrl+x,f10"}


@pytest.mark.parametrize("text", ["balloon.send = 3\n", '"a" = ""\n', "no toml", "[table]\nx = 1\n", '"a" = "\xff"'])
def test_an_error_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"keys\.toml") as caught:
        read_keys(path)
    assert "balloon.send" in caught.value.hint
