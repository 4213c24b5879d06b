"""``balloon NAME --history`` and ``--picture``: the recorded history of a guest, or of its last run."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from workbench.verbs.common import open_engine, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.history.samples import Past, Span
    from workbench.settings import Settings

EVER = 0.0
LEAST_ROOM = 4096
"""Free bytes on a disk below which it counts as full."""
PICTURE_SINCE = 3600.0
"""Seconds that a picture covers by default."""


class Recorded(Struct, frozen=True):
    """A guest's history."""

    name: str
    ram: int
    """Bytes; 0 when not known."""
    past: Past
    marks: tuple[Mark, ...]
    runs: bool

    @property
    def newest(self) -> float | None:
        return self.past.spans[-1].end if self.past.spans else None


def find(settings: Settings, name: str, since: float, step: float = 0.0) -> Recorded:
    """The history of a guest from ``since`` (Unix time) on.

    :raise NotFound: when it is not running and there is no history of its last run.
    """
    return run(_find(settings, name, since, step))


async def _find(settings: Settings, name: str, since: float, step: float) -> Recorded:
    from workbench.domain.balloon.history.samples import Past

    async with open_engine(settings) as engine:
        guest = engine.guest(name)
        past, marks, runs = await guest.past(since, step), await guest.marks(), guest.snapshot.phase.alive
        if not runs and past.oldest is None:
            await guest.refresh()  # raises NotFound
        ram = guest.snapshot.memory if runs else 0
    spans = tuple(span for span in past.spans if span.end >= since)
    if not ram:  # never more than its RAM
        ram = max((max(span.target.high, span.actual.high) for span in spans), default=0)
    kept = tuple(mark for mark in marks if mark.time >= since)
    return Recorded(name, ram, Past(spans, past.oldest), kept, runs)


def show(settings: Settings, name: str, since: float | None, *, as_json: bool, as_csv: bool) -> None:
    """Print it as a table, JSON or CSV."""
    recorded = find(settings, name, EVER if since is None else time.time() - since)
    if as_json:
        click.echo(json.dumps(_object(recorded), ensure_ascii=False))
    else:
        for line in _csv(recorded) if as_csv else _lines(recorded):
            click.echo(line)
    _warn_if_not_recorded(recorded, settings.state)


def _warn_if_not_recorded(recorded: Recorded, directory: Path) -> None:
    from shutil import disk_usage

    from workbench.domain.balloon.history.samples import GAP

    newest = recorded.newest
    if not recorded.runs or (newest is not None and time.time() - newest <= GAP):
        return
    words = f"{recorded.name} is not being recorded now"
    hint = f"to record it: workbench watch {recorded.name}, or open the screen"
    if disk_usage(directory).free < LEAST_ROOM:
        words = f"{recorded.name} is not being recorded now: no space left on {directory}"
        hint = "free some space there"
    click.echo(f"workbench: {words}\nhint: {hint}", err=True)


def _object(recorded: Recorded) -> dict[str, object]:
    marks = [
        {"time": mark.time, "kind": mark.kind.value, "text": mark.text, "size": mark.size} for mark in recorded.marks
    ]
    return {
        "guest": recorded.name,
        "ram": recorded.ram or None,
        "oldest": recorded.past.oldest,
        "samples": [_sample(span) for span in recorded.past.spans],
        "marks": marks,
    }


def _sample(span: Span) -> dict[str, object]:
    """One sample; a summary of many also has their start, minimum and maximum."""
    from workbench.domain.balloon.history.samples import SERIES

    ranges = dict(zip(SERIES, span[2:], strict=True))
    one: dict[str, object] = {"time": span.end}
    one |= {name: found.last if found else None for name, found in ranges.items()}
    if span.start != span.end:
        one["since"] = span.start
        one["min"] = {name: found.low if found else None for name, found in ranges.items()}
        one["max"] = {name: found.high if found else None for name, found in ranges.items()}
    return one


def _csv(recorded: Recorded) -> Iterator[str]:
    from workbench.domain.balloon.history.samples import SERIES

    yield ",".join(["since", "time", *(f"{name}{part}" for name in SERIES for part in ("", "_min", "_max"))])
    for span in recorded.past.spans:
        values = [span.start, span.end]
        cells = [f"{value:.3f}" for value in values]
        for found in span[2:]:
            cells += [str(found.last), str(found.low), str(found.high)] if found else [""] * 3
        yield ",".join(cells)


def _lines(recorded: Recorded) -> Iterator[str]:
    """Samples in MiB and marks, by time."""
    from workbench.domain.text import visible

    yield f"{'TIME':<19}  {'TARGET':>8}  {'ACTUAL':>8}  {'RESIDENT':>8}  {'AVAILABLE':>9}"
    rows = [(span.end, _row(span)) for span in recorded.past.spans]
    rows += [(mark.time, f"{_clock(mark.time)}  {visible(mark.text)}") for mark in recorded.marks]
    yield from (text for _, text in sorted(rows, key=lambda row: row[0]))


def _row(span: Span) -> str:
    from workbench.domain.units import in_mib

    target, actual, resident, available = ("-" if found is None else in_mib(found.last) for found in span[2:])
    return f"{_clock(span.end)}  {target:>8}  {actual:>8}  {resident:>8}  {available:>9}"


def _clock(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def picture(settings: Settings, name: str, file: Path, since: float | None, *, light: bool) -> None:
    """Write it as a picture in the format of the file's suffix.

    :raise UsageError: for another suffix.
    :raise WorkbenchError: when there is nothing to draw, or the file cannot be written.
    """
    from workbench.domain.balloon.history.picture import DARK, LIGHT, Scene, draw_svg
    from workbench.engine.storage.files import write_atomic
    from workbench.errors import UsageError, WorkbenchError

    if file.suffix.lower() not in (".svg", ".png"):
        raise UsageError(f"{file}: not a .svg or .png file", hint=f"for example: {file.with_suffix('.svg')}")
    length = PICTURE_SINCE if since is None else since
    recorded = find(settings, name, time.time() - length, length / 900)
    if not recorded.past.spans and recorded.past.oldest is not None and not recorded.runs:
        recorded = find(settings, name, EVER)  # its last run ended before that
    newest = recorded.newest
    if newest is None:
        raise WorkbenchError(f"no history of {name} for that time", hint=f"to record it: workbench watch {name}")
    end = time.time() if recorded.runs else newest
    scene = Scene(name, recorded.ram, recorded.past, (), recorded.marks, end - length, end)
    svg = draw_svg(scene, LIGHT if light else DARK)
    data = to_png(svg) if file.suffix.lower() == ".png" else svg.encode()
    try:
        write_atomic(file, data, mode=0o644)
    except OSError as error:
        raise WorkbenchError(f"cannot write {file}: {error.strerror}") from error
    click.echo(f"{file}")


def to_png(svg: str) -> bytes:
    """:raise WorkbenchError: when cairosvg is not installed."""
    from workbench.errors import WorkbenchError

    try:
        import cairosvg  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:  # OSError: cairosvg without the cairo library
        raise WorkbenchError(
            "PNG needs the Python package cairosvg and the cairo library, which are not installed",
            hint="write a .svg file instead, or install qemu-workbench[png]",
        ) from error
    png: bytes = cairosvg.svg2png(bytestring=svg.encode(), scale=2)
    return png
