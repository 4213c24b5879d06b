"""Pictures of a screen: its cells as lines of text, and the same with colours as SVG."""

from __future__ import annotations

import asyncio
import io
import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.pilot import Pilot

PATIENCE = 30.0
"""Seconds to wait for a screen. No picture depends on it: it is spent only where a test fails."""
ALIKE = 2
"""Pictures in a row that are equal once nothing moves."""
CELL = 0.6
"""Width to height of a character: that of most fonts for terminals."""
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", monospace; font-size: {char_height}px }}
{styles}
</style>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
</g>
<g transform="translate({terminal_x}, {terminal_y})" class="{unique_id}-matrix">
{matrix}
</g>
</svg>
"""
"""As Rich's own template (rich/_export_format.py), without its web font, window frame and clip paths."""
PREFIX = "rich-terminal-"
"""In front of Rich's names of classes; each picture is a file of its own and needs none."""


class TextFile(SingleFileSnapshotExtension):
    """Each picture is a file, so that a change reads well in a diff."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


class SvgFile(TextFile):
    file_extension = "svg"


class Picture(NamedTuple):
    text: str
    """A line for each row, without the spaces at its end."""
    svg: str


def picture(app: App[None]) -> Picture:
    """What is on the screen now; equal for equal cells and colours."""
    console = _recorded(app)
    lines = console.export_text(clear=False).splitlines()
    svg = console.export_svg(title="", code_format=SVG, unique_id=PREFIX.removesuffix("-"), font_aspect_ratio=CELL)
    return Picture("".join(f"{line.rstrip()}\n" for line in lines), small(svg))


def _recorded(app: App[None]) -> Console:
    """A console on which the screen was printed, as ``App.export_screenshot()`` does it."""
    width, height = app.size
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
        _environ={},
    )
    # Only Textual's compositor has the screens below a window, too.
    console.print(app.screen._compositor.render_update(full=True, screen_stack=app._background_screens, simplify=True))
    return console


def small(svg: str) -> str:
    """The same picture in half the bytes, one tag a line: the most frequent background is drawn once, below all others."""
    for long, short in (
        ("&#160;", "\N{NO-BREAK SPACE}"),
        (PREFIX, ""),
        ("><rect", ">\n<rect"),
        ("><text", ">\n<text"),
    ):
        svg = svg.replace(long, short)
    svg = re.sub(r' (?:clip-path|shape-rendering)="[^"]*"', "", svg)
    areas: defaultdict[str, float] = defaultdict(float)
    for colour, width in re.findall(r'<rect fill="([^"]+)".* width="([^"]+)"', svg):
        areas[colour] += float(width)
    common = f'<rect fill="{max(areas, key=areas.__getitem__)}"'
    lines = [line.rstrip() for line in svg.splitlines() if line.strip() and not line.startswith(common)]
    lines.insert(lines.index("</style>") + 1, f'{common} width="100%" height="100%"/>')
    return "".join(f"{line}\n" for line in lines)


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait for something on the screen."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await pilot.pause()


async def still(pilot: Pilot[None]) -> Picture:
    """The picture of a screen on which nothing moves any more."""
    last, alike = "", 0
    async with asyncio.timeout(PATIENCE):
        while alike < ALIKE:
            await pilot.pause()
            now = _recorded(pilot.app).export_text(styles=True)
            last, alike = now, alike + 1 if now == last else 1
    return picture(pilot.app)
