"""Compares the edited text with the running guest or another profile, as the user chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.errors import WorkbenchError
from workbench.ui.common.value_dialog import ValueDialog

if TYPE_CHECKING:
    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Profiles
    from workbench.ui.editor.desk import Desk

RUNS = "the running guest"


async def compare(profiles: Profiles, known: ProfileText, desk: Desk) -> None:
    """Show what the text changes."""
    names = {name or RUNS: name for name in profiles.comparable(known.name)}
    if not names:
        desk.tell("Nothing to compare with: no other profile, and the guest is not running", seconds=3)
        return
    words = Content(
        "Compare the text with another profile or the guest: what it adds (+), removes (\u2212) and changes (~)."
    )
    choice = await desk.ask(ValueDialog("Compare", words, choices=tuple(names)))
    if choice is None:
        return
    try:
        found = await profiles.compare(known, desk.text, names[choice])
    except WorkbenchError as error:
        desk.report(error)
        return
    from workbench.ui.editor.compare_dialog import CompareDialog

    title = f"{choice} \u2192 {known.name} (as edited)"
    desk.show(CompareDialog(title, found, runs=not names[choice]))
