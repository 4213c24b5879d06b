"""Every verdict of the package is made from the same circumstances, all of them: two diagnoses that know different things
would disagree.
"""

from __future__ import annotations

import ast
from pathlib import Path

from workbench.domain.balloon.diagnosis.causes import Circumstances

PACKAGE = Path(__file__).parents[2] / "workbench"


def made_in(source: str) -> list[set[str | None]]:
    """The keywords of each call that makes circumstances."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = (
        (call, call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")) for call in calls
    )
    return [{keyword.arg for keyword in call.keywords} for call, name in names if name == "Circumstances"]


def test_circumstances_are_put_together_in_one_place_with_all_their_fields() -> None:
    found = {path: made for path in PACKAGE.rglob("*.py") if (made := made_in(path.read_text()))}
    assert [path.relative_to(PACKAGE).as_posix() for path in found] == ["engine/balloon/diagnosis.py"]
    assert list(found.values()) == [[set(Circumstances.__struct_fields__)]]
