"""The docs match the code: the reference of profiles, and the list of verbs."""

from __future__ import annotations

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.domain.profile.guest import GuestProfile
from workbench.domain.profile.text.shape import dotted_keys
from workbench.verbs.group import VERBS

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
PROFILES = ROOT / "docs/profiles.md"
COMMAND_LINE = ROOT / "docs/command-line.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """script/reference as a module."""
    loader = SourceFileLoader("reference", str(ROOT / "script/reference"))
    spec = spec_from_loader("reference", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


class TestProfiles:
    def test_the_docs_match_the_model(self, script: ModuleType) -> None:
        text = PROFILES.read_text(encoding="utf-8")
        assert script.renewed(text) == text, "run script/reference"

    def test_every_key_is_in_it(self, script: ModuleType) -> None:
        """Compared with the keys that the decoder knows, so that no table can be missing from both."""
        listed: list[str] = []
        above = ""
        for line in script.reference().splitlines():
            if heading := re.fullmatch(r"### `\[+(.+?)\]+`", line):
                above = f"{heading[1]}."
                listed.append(heading[1])
            elif row := re.match(r"\| `([a-z-]+)` \|", line):
                listed.append(above + row[1])
        wanted = [key.replace("[]", "") for key in dotted_keys(GuestProfile)]
        assert sorted(listed) == sorted(wanted)

    def test_a_file_without_the_markers_is_an_error(self, script: ModuleType) -> None:
        with pytest.raises(SystemExit, match="must have the lines"):
            script.renewed("# workbench\n")

    def test_the_text_between_the_markers_is_replaced(self, script: ModuleType) -> None:
        text = script.renewed(f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n")
        assert text.startswith("before\n")
        assert text.endswith("\nafter\n")
        assert "old\n" not in text
        assert "| `prealloc` | true or false | `true` |" in text

    def test_defaults_and_bounds_are_written_as_in_a_file(self, script: ModuleType) -> None:
        text = script.reference()
        assert '| `size` | a size such as 256M or a number of bytes, at least 16M, at most 8T | `"512M"` |' in text
        assert (
            '| `cache` | `"writeback"` or `"none"` or `"writethrough"` or `"directsync"` or `"unsafe"` | `"writeback"` |'
            in text
        )
        assert "| `size` | a size such as 256M or a number of bytes, at least 2M, at most 8T | must be given |" in text
        assert "| `nodes` | a list, each a whole number from 0 to 1,023 | `[]` |" in text


class TestVerbs:
    def test_the_docs_list_every_verb_and_no_other(self) -> None:
        text = COMMAND_LINE.read_text(encoding="utf-8")
        rows = re.findall(r"^\| `workbench ([a-z]+)", text.partition("\n## ")[0], re.MULTILINE)
        assert rows == list(VERBS)
