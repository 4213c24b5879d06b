"""The history of the guest shown, on a fake engine."""

from __future__ import annotations

from tests.ui.fake_engine import NOW, RAM, running
from tests.ui.main.fake_windows import Bench
from workbench.domain.balloon.history.picture import Scene
from workbench.domain.balloon.history.samples import Past
from workbench.errors import HostError, WorkbenchError
from workbench.ui.main.controllers.history import HistoryRequests

SCENE = Scene("demo", RAM, Past(), (), (), NOW - 60, NOW)


async def test_the_past_is_that_of_the_guest_shown() -> None:
    bench = Bench()
    assert await HistoryRequests(bench.desk).past(NOW, 2.0) is bench.guest.kept
    assert bench.guest.pasts == [(NOW, 2.0)]


async def test_a_past_that_cannot_be_read_is_not_shown_as_an_error() -> None:
    bench = Bench()

    async def refuse(start: float, step: float) -> Past:
        raise WorkbenchError("gone")

    bench.guest.past = refuse  # type: ignore[method-assign]
    assert await HistoryRequests(bench.desk).past(NOW, 2.0) is None
    assert bench.windows.errors == []


async def test_the_past_of_another_run_is_dropped() -> None:
    bench = Bench()

    async def late(start: float, step: float) -> Past:
        bench.publish(running(pid=4712))
        return Past()

    bench.guest.past = late  # type: ignore[method-assign]
    assert await HistoryRequests(bench.desk).past(NOW, 2.0) is None


async def test_a_picture_has_the_colours_of_the_theme_and_its_path_is_shown() -> None:
    bench = Bench()
    requests = HistoryRequests(bench.desk)
    for dark in (True, False):
        await requests.keep_picture(SCENE, dark=dark)
    assert len(set(bench.engine.pictures)) == 2
    assert bench.windows.told == [("information", "Picture: /pictures/[demo].svg")] * 2


async def test_a_picture_that_cannot_be_saved_is_an_error() -> None:
    bench = Bench()
    bench.engine.start_failure = HostError("disk full")
    await HistoryRequests(bench.desk).keep_picture(SCENE, dark=True)
    assert bench.windows.errors == [bench.engine.start_failure]
    assert bench.windows.told == []
