"""The device pane's answers: takes what was read for it into its store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.devices.search import spots
from workbench.domain.devices.tree import Registers
from workbench.ui.devices.search import Known
from workbench.ui.devices.showing import DeviceShowing
from workbench.ui.devices.store import Question, Want
from workbench.ui.devices.views.views import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Property
    from workbench.domain.devices.tree import Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio


class DeviceAnswers(DeviceShowing):
    """Takes the answers to :class:`DeviceShowing.Wanted`; a late answer is harmless."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._opening = ""
        """QOM path below which everything is to be expanded once it has been read."""

    def set_node(self, node: Node) -> None:
        """Take the answer to a question for a node."""
        moved = self._take_registers(node.path, node.virtio)
        if self._store.take_node(node) or moved:
            self._show_soon()

    def set_values(self, path: str, values: Iterable[Property]) -> None:
        if self._store.take_values(path, values):
            self._show_soon()

    def set_virtio(self, path: str, virtio: Virtio | None) -> None:
        moved = self._take_registers(path, virtio)
        if self._store.take_virtio(path, virtio) or moved:
            self._show_soon()

    def _take_registers(self, path: str, virtio: Virtio | None) -> bool:
        """Take registers read after the tree; return whether anything changed."""
        if self.tree is None or virtio is None:
            return False
        later = self.tree.with_later(path, Registers(virtio.status, virtio.config))
        moved = later != self.tree
        self.set_reactive(DeviceShowing.tree, later)
        return moved

    def set_buses(self, root: Bus) -> None:
        if self._store.take_buses(root):
            self._show_soon()

    def set_walk(self, nodes: Mapping[str, Node], *, values: bool = False) -> None:
        self._store.take_walk(nodes, values=values)
        if self._opening:
            self._open_whole()
        if self._find_bar.wants_all:
            self._fill_find_bar(Known.ALL if values else self._find_bar.known)
        self._show_soon()

    def _fill_find_bar(self, known: Known) -> None:
        self._find_bar.fill(spots(self.tree, self._store.nodes), known)

    def set_type(self, info: TypeInfo) -> None:
        self._store.take_type(info)
        self._show_soon()

    def set_failure(self, question: Question, reason: str = "") -> None:
        """Take the answer for something that could not be read; a refusal by QEMU is shown in its line.

        :param reason: QEMU's error; empty when it did not answer. Then earlier values are kept, and are read again with
            the next live values, not at once.
        """
        self._store.pending.discard(question.key)
        if question.want is Want.EVERYTHING and self._find_bar.wants_all:
            self._fill_find_bar(Known.PART)
        if not reason:
            return
        if question.want in (Want.NODE, Want.VALUES, Want.VIRTIO, Want.BUSES):
            self._store.take_failure(question.path, reason)
        self._show_soon()

    def _open_whole(self) -> None:
        """Expand every QOM object below the requested one."""
        below, self._opening = self._opening, ""
        inside = below.rstrip("/") + "/"
        for path, node in self._store.nodes.items():
            if node.children and (path == below or path.startswith(inside)):
                self.place.openings[View.QOM].open_key(path)
        self._show()
