"""History actions of the main screen: reads the chosen guest's past for the plot, and saves pictures of it."""

from __future__ import annotations

from contextlib import suppress

from textual import on, work
from textual.css.query import NoMatches

from workbench.errors import WorkbenchError
from workbench.ui.balloon.history.plot import HistoryPlot
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.main.balloon import BalloonActions


class HistoryActions(BalloonActions):
    """The part of the main screen that serves the plot."""

    @on(HistoryPlot.PastWanted)
    @work(group="past", exclusive=True)
    async def _read_past(self, message: HistoryPlot.PastWanted) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        # On failure the plot keeps what it has; other panes show that a guest is gone.
        with suppress(WorkbenchError, NoMatches):
            past = await self._guest(chosen.name).past(message.start, message.step)
            if self._chosen is not None and (self._chosen.name, self._chosen.pid) == (chosen.name, chosen.pid):
                self.query_one(BalloonPanel).show_past(past)

    @on(BalloonPanel.PictureWanted)
    @work(group="picture")
    async def _keep_picture(self, message: BalloonPanel.PictureWanted) -> None:
        from workbench.domain.balloon.history.picture import DARK, LIGHT, draw_svg

        svg = draw_svg(message.scene, DARK if self.app.current_theme.dark else LIGHT)
        try:
            path = await self._engine.keep_picture(message.scene.name, svg)
        except WorkbenchError as error:
            self._show_error(error)
        else:
            self.notify(str(path), title="Picture", timeout=10, markup=False)
