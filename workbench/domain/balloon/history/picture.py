"""Draw a guest's history as SVG, without any library."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.history.marks import LETTERS
from workbench.domain.balloon.history.samples import SERIES, columns
from workbench.domain.balloon.history.window import moment, ticks
from workbench.domain.text import visible
from workbench.domain.units import mib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.history.samples import Column, Past
    from workbench.domain.balloon.reading import Sample

WIDTH, HEIGHT = 1000, 460
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 64, 74
"""Margins around the plot, in pixels."""
LETTER_ROOM = 14.0
"""Least pixels between two letters."""
FONT = "system-ui, 'DejaVu Sans', sans-serif"
NAMES = ("target", "actual", "host resident", "guest available")


class Palette(Struct, frozen=True):
    """SVG colours."""

    background: str
    text: str
    muted: str
    grid: str
    series: tuple[str, str, str, str]
    """In the screen's order: target, actual, resident, available."""


DARK = Palette("#0f1216", "#d6dbe2", "#8b949e", "#242b34", ("#f5b14c", "#4ea1f3", "#a58cf0", "#3fc7bf"))
LIGHT = Palette("#ffffff", "#1c2330", "#5b6573", "#e3e7ec", ("#9a5b00", "#0b62b8", "#6b4bc6", "#007a78"))


class Scene(Struct, frozen=True):
    """The input of :func:`draw_svg`."""

    name: str
    """The guest's name."""
    ram: int
    """Bytes."""
    past: Past
    samples: tuple[Sample, ...]
    """After ``past``, ascending."""
    marks: tuple[Mark, ...]
    start: float
    """Unix time of the left edge."""
    end: float
    """Unix time of the right edge."""


def draw_svg(scene: Scene, palette: Palette = DARK) -> str:
    """A complete SVG document."""
    plot = WIDTH - LEFT - RIGHT
    step = (scene.end - scene.start) / plot
    drawn = columns(scene.past.spans, scene.samples, start=scene.start, step=step, count=plot, now=scene.end)
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{palette.background}"/>',
        *_heading(scene, palette),
        *_grid(scene, palette),
        *_marks(scene, palette),
    ]
    # The target last, on top of the other lines.
    for number in reversed(range(len(SERIES))):
        path = _path(drawn[number], scene.ram)
        if path:
            parts.append(
                f'<path class="{SERIES[number]}" d="{path}" fill="none" stroke="{palette.series[number]}" '
                f'stroke-width="{2 if number < 2 else 1.5}" stroke-linejoin="round"'
                + (' stroke-dasharray="7 5"' if number == 0 else "")
                + "/>"
            )
    parts += _legend(scene, palette)
    title = f"<title>{_text(scene.name)}: memory balloon</title>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="{FONT}" font-size="13">\n{title}\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _text(words: str) -> str:
    """Escape untrusted text for XML, including characters that XML does not allow."""
    return escape(visible(words))


def _label(
    x: float, y: float, words: str, fill: str, *, anchor: str = "start", size: int = 13, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}" font-size="{size}"{weight}>{_text(words)}</text>'


def _heading(scene: Scene, palette: Palette) -> list[str]:
    span = f"{moment(scene.start, 3600)} to {moment(scene.end, 3600)}"
    return [
        _label(LEFT, 30, scene.name, palette.text, size=18, bold=True),
        _label(LEFT, 49, f"memory balloon, {mib(scene.ram)} of RAM", palette.muted),
        _label(WIDTH - RIGHT, 49, span, palette.muted, anchor="end"),
    ]


def _y(size: int, ram: int) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(max(size, 0), ram) / max(ram, 1))


def _grid(scene: Scene, palette: Palette) -> list[str]:
    parts = []
    for quarter in range(5):
        size = scene.ram * quarter // 4
        y = _y(size, scene.ram)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{palette.grid}"/>')
        parts.append(_label(LEFT - 10, y + 4, mib(size), palette.muted, anchor="end"))
    plot = WIDTH - LEFT - RIGHT
    for tick in ticks(scene.start, scene.end, plot // 8):
        x = LEFT + (tick.time - scene.start) / (scene.end - scene.start) * plot
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM + 5}" stroke="{palette.grid}"/>')
        parts.append(_label(x, HEIGHT - BOTTOM + 34, tick.label, palette.muted, anchor="middle"))
    return parts


def _marks(scene: Scene, palette: Palette) -> list[str]:
    """A line for each mark, with its text as a tooltip and, where there is room, its letter below.

    Where letters would overlap, the more important mark wins.
    """
    weight = {kind: rank for rank, kind in enumerate(LETTERS)}
    parts, lettered = [], list[float]()
    for mark in sorted(scene.marks, key=lambda mark: (weight[mark.kind], mark.time)):
        if not scene.start <= mark.time < scene.end:
            continue
        x = LEFT + (mark.time - scene.start) / (scene.end - scene.start) * (WIDTH - LEFT - RIGHT)
        letter = ""
        if all(abs(x - other) >= LETTER_ROOM for other in lettered):
            lettered.append(x)
            below = HEIGHT - BOTTOM + 17
            letter = _label(x, below, LETTERS[mark.kind][0], palette.text, anchor="middle", size=12, bold=True)
        parts.append(
            f'<g class="mark {mark.kind.value}"><title>{_text(mark.text)}</title>'
            f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM + 4}" stroke="{palette.muted}" stroke-dasharray="2 4"/>'
            f"{letter}</g>"
        )
    return parts


def _path(line: Sequence[Column], ram: int) -> str:
    """Steps from column to column, each drawn from its low to its high; a gap starts a new line."""
    commands: list[str] = []
    last: float | None = None
    for at, value in enumerate(line):
        x = LEFT + at
        if value is None:
            last = None
            continue
        low, high, end = (round(_y(size, ram), 1) for size in value)
        if last is None:
            commands.append(f"M{x} {high}")
        elif low == high == end == last:
            commands[-1] = f"H{x + 1}"
            continue
        if not low == high == end:
            commands += [f"V{high}", f"V{low}"]
        commands += [f"V{end}", f"H{x + 1}"]
        last = end
    return "".join(commands)


def _legend(scene: Scene, palette: Palette) -> list[str]:
    parts, x = [], float(LEFT)
    for name, colour in zip(NAMES, palette.series, strict=True):
        parts.append(f'<path d="M{x:.0f} {HEIGHT - 19}h22" stroke="{colour}" stroke-width="3"/>')
        parts.append(_label(x + 30, HEIGHT - 14, name, palette.text))
        x += 64 + 7.2 * len(name)
    there = {mark.kind for mark in scene.marks if scene.start <= mark.time < scene.end}
    words = " \u00b7 ".join(f"{letter} {meaning}" for kind, (letter, meaning) in LETTERS.items() if kind in there)
    if words:
        parts.append(_label(WIDTH - RIGHT, 30, words, palette.muted, anchor="end", size=12))
    return parts
