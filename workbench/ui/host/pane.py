"""The host pane: accelerator, QEMU, memory and hugepages of this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual.binding import Binding
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from workbench.domain.host.accelerator import hypervisor_words
from workbench.domain.units import gib_of, size_words
from workbench.ui.host.pool_table import pool_table

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.geometry import Size

    from workbench.domain.host.hugepages import HugepagePool
    from workbench.domain.host.snapshot import HostSnapshot

WIDEST = 40
"""Columns beyond which a label and its number are too far apart to read as one line."""
TABLE_FROM = 66
"""Columns from which the table of pools is shown below."""
FULL, HALF, REST = "\u2501", "\u2578", "\u2501"


class HostPane(Widget, can_focus=True):
    """Accelerator and reason, hypervisor, QEMU, memory and hugepage pools; with a table of the pools when zoomed, or
    alone on a narrow terminal.
    """

    DEFAULT_CSS = "HostPane { height: auto; padding: 0 1; }"
    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "zoom", "Zoom", id="host.zoom", tooltip="Zoom the pane, with a table of all hugepage pools"),
    ]

    snapshot: reactive[HostSnapshot | None] = reactive(None, init=False, repaint=False)
    """None until the host was first read."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane", markup=False)
        self.border_title = "Host"
        self._shown: list[Content] = []

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return min(container.width, WIDEST)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        self._shown = self._lines(self.content_size.width)
        room = self.content_size.height
        if len(self._shown) <= room or room < 2:
            return Content("\n").join(self._shown)
        more = Content.styled(f"↓ {len(self._shown) - room + 1} more: h, then z", "$foreground-muted")
        return Content("\n").join([*self._shown[: room - 1], more])

    def _lines(self, width: int) -> list[Content]:
        if self.snapshot is None or width < TABLE_FROM:
            return host_lines(self.snapshot, width)
        return [*host_lines(replace(self.snapshot, pools=()), width), Content(""), *pool_table(self.snapshot)]

    def action_zoom(self) -> None:
        if self.screen.maximized is None:
            self.screen.maximize(self, container=False)
        else:
            self.screen.minimize()

    def watch_snapshot(self, snapshot: HostSnapshot | None) -> None:
        """Redraw only if the text changed: free memory changes all the time, its first decimal seldom."""
        lines = self._lines(self.content_size.width)
        if lines != self._shown:
            self.refresh(layout=len(lines) != len(self._shown))
        self.tooltip = Content(snapshot.accelerator_advice) if snapshot and snapshot.accelerator_advice else None


def host_lines(host: HostSnapshot | None, width: int) -> list[Content]:
    """The pane's lines, each at most ``width`` columns; words are not cut unless longer than a line."""
    if host is None:
        return [Content.styled("reading \u2026", "$foreground-muted")]
    width = max(1, min(width, WIDEST))
    style = "$success" if host.accelerator == "kvm" else "$warning"
    head = [
        Content.assemble((host.accelerator.upper(), f"bold {style}"), f" {host.accelerator_reason}"),
        Content.styled(f"Host is {hypervisor_words(host.hypervisor)}", "$foreground-muted"),
        Content.styled(f"QEMU {host.qemu}", "$foreground-muted")
        if host.qemu
        else Content.styled("QEMU not found", "$error"),
    ]
    lines = [line for part in head for line in part.wrap(width)]
    used = host.memory_total - host.memory_available
    amount = gib_of(used, host.memory_total)
    lines += [*_row("Memory", amount, width), _bar(used, host.memory_total, width, "$primary")]
    for pool in host.pools:
        lines += _pool_lines(pool, host, width)
    if host.transparent:
        label = "Transparent hugepages" if width >= WIDEST else "Transparent"
        lines += _row(label, {"never": "off", "always": "on"}.get(host.transparent, "for guests"), width)
    return lines


def _pool_lines(pool: HugepagePool, host: HostSnapshot, width: int) -> list[Content]:
    """One pool: pages that a new guest cannot get, of the total, with a bar; and which guest holds how many."""
    label = f"{size_words(pool.page)} pages"
    if not pool.total:
        return _row(label, "none", width)
    used = pool.total - max(0, pool.available)
    lines = [
        *_row(label, f"{used:,} of {pool.total:,}", width),
        _bar(used, pool.total, width, "$secondary"),
    ]
    for node in pool.nodes:
        lines += _row(f"  node {node.node}", f"{node.total - node.free:,} of {node.total:,}", width)
    if pool.reserved:
        lines += _row("  reserved", f"{pool.reserved:,}", width)
    if pool.surplus:
        lines += _row("  surplus", f"{pool.surplus:,}", width)
    held = 0
    for holder in host.holders:
        if holder.page == pool.page:
            held += holder.size // pool.page
            lines += _row(f"  {_short(holder.guest, width - 12)}", f"{holder.size // pool.page:,}", width)
    others = pool.total - pool.free - held
    if others > 0 and held:
        lines += _row("  others", f"{others:,}", width)
    return lines


def _short(name: str, width: int) -> str:
    return name if len(name) <= max(4, width) else f"{name[: max(3, width - 1)]}\u2026"


def _row(label: str, amount: str, width: int) -> list[Content]:
    """A label at the left and a number at the right; on two lines where one is too narrow."""
    gap = width - len(label) - len(amount)
    if gap < 1:
        return [*Content.styled(label, "$foreground-muted").wrap(width), *Content(amount.rjust(width)).wrap(width)]
    return [Content.assemble((label, "$foreground-muted"), " " * gap, amount)]


def _bar(part: int, whole: int, width: int, colour: str) -> Content:
    """A thin bar in half columns; any part above zero shows, and only the whole fills it."""
    halves = round(2 * width * part / whole) if whole else 0
    if part > 0:
        halves = max(1, halves)
    if part < whole:
        halves = min(2 * width - 1, halves)
    full, half = divmod(halves, 2)
    return Content.assemble((FULL * full + HALF * half, colour), (REST * (width - full - half), "$foreground 20%"))
