"""The history of the guest shown: its past for the plot, and pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.domain.balloon.history.picture import Scene
    from workbench.domain.balloon.history.samples import Past
    from workbench.ui.main.desk import Desk


class HistoryRequests:
    """Carries out what the plot asks for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def past(self, start: float, step: float) -> Past | None:
        """The history of the guest shown from ``start`` (Unix time), in spans of about ``step`` seconds.

        :return: None if it cannot be read, or another run is shown by now.
        """
        chosen = self._desk.chosen
        if chosen is None:
            return None
        try:
            past = await self._desk.guest(chosen.name).past(start, step)
        except WorkbenchError:  # the plot keeps what it has; other panes show that a guest is gone
            return None
        return past if self._desk.still_shown(chosen) else None

    async def keep_picture(self, scene: Scene, *, dark: bool) -> None:
        """Save the plot as a picture, and show where."""
        from workbench.domain.balloon.history.picture import DARK, LIGHT, draw_svg

        svg = draw_svg(scene, DARK if dark else LIGHT)
        try:
            path = await self._desk.engine.keep_picture(scene.name, svg)
        except WorkbenchError as error:
            self._desk.show_error(error)
        else:
            self._desk.tell(str(path), title="Picture", seconds=10)
