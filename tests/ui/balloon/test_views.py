"""The choice of the balloon panel's view, without a screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.ui.balloon.views import ViewChoice

KEYS = {"v": ViewChoice.toggle_path, "f": ViewChoice.toggle_ledger, "esc": ViewChoice.back}
keys = st.lists(st.sampled_from(sorted(KEYS)), max_size=12)


def after(*pressed: str) -> ViewChoice:
    view = ViewChoice()
    for key in pressed:
        KEYS[key](view)
    return view


def shown(view: ViewChoice) -> str:
    return "path" if view.path else "ledger" if view.alone else "plot"


def test_the_plot_is_the_first_view() -> None:
    assert shown(after()) == "plot"
    assert after().plot


@given(keys)
def test_the_path_covers_a_view_and_uncovers_it(pressed: list[str]) -> None:
    view = after(*pressed)
    before = shown(view)
    assert (shown(after(*pressed, "v")) == "path") is (before != "path")
    assert shown(after(*pressed, "v", "v")) == before


@given(keys)
def test_the_ledger_is_one_key_away_and_the_plot_another(pressed: list[str]) -> None:
    before = shown(after(*pressed))
    assert shown(after(*pressed, "f")) == ("plot" if before == "ledger" else "ledger")


@given(keys)
def test_two_steps_back_always_lead_to_the_plot(pressed: list[str]) -> None:
    assert after(*pressed, "esc", "esc").plot
    if shown(after(*pressed)) == "ledger":
        assert after(*pressed, "esc").plot


def test_back_from_the_path_leads_to_what_it_covered() -> None:
    assert shown(after("f", "v", "esc")) == "ledger"
    assert shown(after("v", "esc")) == "plot"
