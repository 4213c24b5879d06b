"""The user's place in the device tree of each guest: the view, what is expanded in it, and the line under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.devices.buses import sits_on
from workbench.ui.devices.row import NESTED, path_of
from workbench.ui.devices.views.views import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workbench.domain.devices.buses import Bus
    from workbench.ui.devices.row import Row


class Openings(Struct):
    """What is expanded in one view."""

    expanded: set[str] = field(default_factory=set)
    """Keys of lines that the user expanded."""
    closed: set[str] = field(default_factory=set)
    """Keys of lines that are expanded by default and that the user collapsed."""

    def set(self, row: Row, open_: bool) -> None:
        if open_:
            self.open_key(row.key)
        else:
            self.expanded.discard(row.key)
            if row.default_open:
                self.closed.add(row.key)

    def open_key(self, key: str) -> None:
        """Expand a line, which may not exist yet."""
        self.expanded.add(key)
        self.closed.discard(key)


class Place(Struct):
    """The user's place in one guest's tree."""

    view: View = View.PCI
    anchor: str = ""
    """Key of the line that the user chose; a view without it has the cursor on the nearest line that it belongs to."""
    openings: dict[View, Openings] = field(default_factory=lambda: {view: Openings() for view in View})

    @property
    def now(self) -> Openings:
        return self.openings[self.view]

    @property
    def expanded(self) -> set[str]:
        return self.now.expanded


def candidates(key: str, buses: Bus | None = None) -> Iterator[str]:
    """A key, and those of the lines to use where it is not shown: its object, the parents of that, and the devices that
    it is plugged into.
    """
    yield key
    path = path_of(key)
    inside = key.partition("#")[2]
    if not path:
        return
    if inside:
        yield f"{path}#{inside}"
    below = sits_on(buses, path) if buses is not None else []
    while path not in ("", "/"):
        yield path
        yield f"{NESTED}{path}"
        path = path.rpartition("/")[0]
    yield from below


def ancestors(path: str) -> list[str]:
    """``/``, ``/machine`` and so on, without the path itself."""
    parts = path.strip("/").split("/")
    return ["/", *("/" + "/".join(parts[:count]) for count in range(1, len(parts)))]


def _depths(rows: Sequence[Row]) -> list[int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row.key] = found.get(row.parent, -1) + 1 if row.parent else 0
    return [found[row.key] for row in rows]


def open_level(rows: Sequence[Row], openings: Openings, leaves: Callable[[Row], bool]) -> bool:
    """Expand every object on the level nearest to the root with a collapsed one; return whether there was any.

    :param leaves: whether a line is known to have no objects below it; such lines stay collapsed.
    """
    closed = [
        (depth, row)
        for depth, row in zip(_depths(rows), rows, strict=True)
        if row.expandable and not row.expanded and "#" not in row.key and not leaves(row)
    ]
    if not closed:
        return False
    level = min(depth for depth, _ in closed)
    for depth, row in closed:
        if depth == level:
            openings.set(row, True)
    return True


def close_level(rows: Sequence[Row], openings: Openings) -> bool:
    """Collapse every line on the deepest expanded level; return whether there was any."""
    open_ = [(depth, row) for depth, row in zip(_depths(rows), rows, strict=True) if row.expandable and row.expanded]
    if not open_:
        return False
    level = max(depth for depth, _ in open_)
    for depth, row in open_:
        if depth == level:
            openings.set(row, False)
    return True


def open_below(rows: Sequence[Row], start: int, openings: Openings) -> bool:
    """Expand a line and everything shown below it; return whether anything was collapsed."""
    depths = _depths(rows)
    changed = False
    for number in range(start, len(rows)):
        if number > start and depths[number] <= depths[start]:
            break
        row = rows[number]
        if row.expandable and not row.expanded:
            openings.set(row, True)
            changed = True
    return changed
