"""The picture of a history: well-formed whatever a guest is called, every series and mark in it, gaps left open."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.history.picture import DARK, HEIGHT, LIGHT, Scene, draw_svg
from workbench.domain.balloon.history.samples import GAP, Past, span_of
from workbench.domain.balloon.reading import Sample
from workbench.ui import theme

RAM = 512 << 20
SVG = "{http://www.w3.org/2000/svg}"


def scene(*samples: Sample, name: str = "demo", marks: tuple[Mark, ...] = (), past: Past | None = None) -> Scene:
    return Scene(name, RAM, past or Past(), samples, marks, 1000.0, 1900.0)


def samples(count: int = 900, start: float = 1000.0) -> list[Sample]:
    return [Sample(start + at, RAM // 2, RAM - at * 1000, RAM // 4, RAM // 8) for at in range(count)]


def paths(svg: str) -> dict[str, str]:
    root = ElementTree.fromstring(svg)
    return {str(path.get("class")): str(path.get("d")) for path in root.iter(f"{SVG}path") if path.get("class")}


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_name_and_any_mark_give_well_formed_xml(name: str, words: str) -> None:
    svg = draw_svg(scene(*samples(3), name=name, marks=(Mark(1001.0, MarkKind.RESET, words),)))
    svg.encode()
    ElementTree.fromstring(svg)


def test_a_name_is_text_and_not_markup() -> None:
    svg = draw_svg(scene(*samples(3), name="<b>&\"'</b>"))
    root = ElementTree.fromstring(svg)
    assert "<b>&\"'</b>" in [text.text for text in root.iter(f"{SVG}text")]
    assert not list(root.iter(f"{SVG}b"))


def test_every_series_is_drawn_in_its_colour() -> None:
    for palette, ours in ((DARK, theme.DARK), (LIGHT, theme.LIGHT)):
        svg = draw_svg(scene(*samples()), palette)
        assert set(paths(svg)) == {"target", "actual", "resident", "available"}
        colours = (ours.warning, ours.primary, ours.secondary, ours.variables["available"])
        assert palette.series == colours, "a series has one colour everywhere"
        assert all(colour in svg for colour in palette.series)


def test_a_gap_is_no_line_and_a_dip_is_seen() -> None:
    early, late = samples(100), samples(100, 1100.0 + GAP + 300)
    late[50] = Sample(late[50].time, RAM // 2, 0, None, None)
    drawn = paths(draw_svg(scene(*early, *late)))
    assert drawn["actual"].count("M") == 2
    assert drawn["target"].count("M") == 2
    heights = [float(number) for number in re.findall(r"V([\d.]+)", drawn["actual"])]
    assert max(heights) > HEIGHT * 0.8


def test_what_was_known_only_now_and_then() -> None:
    drawn = paths(draw_svg(scene(Sample(1500.0, RAM, RAM))))
    assert set(drawn) == {"target", "actual"}
    assert draw_svg(scene()).startswith("<svg")


def test_the_past_and_the_samples_are_one_line() -> None:
    old = tuple(map(span_of, samples(400)))
    drawn = paths(draw_svg(scene(*samples(500, 1400.0), past=Past(old, 1000.0))))
    assert drawn["target"].count("M") == 1


def test_marks_have_their_letter_and_their_words() -> None:
    marks = (
        Mark(1100.0, MarkKind.TAKE_BACK, "took 12 MiB back"),
        Mark(1200.0, MarkKind.REQUEST, "target <256 MiB>"),
        Mark(5.0, MarkKind.PAUSE, "long ago"),
    )
    root = ElementTree.fromstring(draw_svg(scene(*samples(), marks=marks)))
    titles = [str(title.text) for group in root.iter(f"{SVG}g") for title in group.iter(f"{SVG}title")]
    assert titles == ["took 12 MiB back", "target <256 MiB>"]
    texts = [str(text.text) for text in root.iter(f"{SVG}text")]
    assert {"O", "T"} <= set(texts)
    assert any("O taken back" in text and "T target set" in text and "paused" not in text for text in texts)


def test_letters_do_not_lie_over_one_another() -> None:
    """Three targets and a take-back within a second: a line for each, and the letter of the one that matters most."""
    times = [
        (1500.0, MarkKind.REQUEST),
        (1500.4, MarkKind.REQUEST),
        (1500.6, MarkKind.TAKE_BACK),
        (1800.0, MarkKind.REQUEST),
    ]
    root = ElementTree.fromstring(
        draw_svg(scene(*samples(), marks=tuple(Mark(at, kind, "words") for at, kind in times)))
    )
    groups = [group for group in root.iter(f"{SVG}g") if str(group.get("class")).startswith("mark")]
    assert len([path for group in groups for path in group.iter(f"{SVG}path")]) == 4
    assert sorted(str(text.text) for group in groups for text in group.iter(f"{SVG}text")) == ["O", "T"]
