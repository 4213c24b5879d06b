"""What the device pane asks for, and the answers. Independent of Textual.

::

    ask ──► pending ──► take_… ──► store        an answer
               │
               └──────► refuse ──► store        QEMU's error, or no answer

A question is sent once until it is answered or dropped. An answer is taken at any time, also one that comes late or was
not asked for: it is what QEMU said of this guest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.devices.buses import ROOT
from workbench.ui.devices.store import Question, Want

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Node, Property
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
    from workbench.ui.devices.store import Store

    Send = Callable[[Question], object]


class Requests:
    """The pending questions about one guest's devices."""

    def __init__(self, store: Store, send: Send) -> None:
        """
        :param store: takes the answers.
        :param send: sends a question, to be answered by one of the methods below.
        """
        self._store = store
        self._send = send
        self._pending: set[tuple[Want, str]] = set()

    @property
    def reading_objects(self) -> bool:
        """Whether an object is being read."""
        return any(want in (Want.NODE, Want.WALK) for want, _ in self._pending)

    def ask(self, questions: Iterable[Question]) -> None:
        """Send those questions that are not pending already."""
        new = [one for one in {one.key: one for one in questions}.values() if one.key not in self._pending]
        self._pending |= {one.key for one in new}
        for question in new:
            self._send(question)

    def ask_again(self, question: Question) -> None:
        """Send a question even if it is pending: the answer on its way may be stale."""
        self._pending.discard(question.key)
        self.ask([question])

    def forget(self) -> None:
        """Drop all pending questions."""
        self._pending.clear()

    # Answers. Each returns whether what is known has changed.

    def take_node(self, node: Node) -> bool:
        self._pending.discard((Want.NODE, node.path))
        moved = self._store.take_registers(node.path, node.virtio)
        return self._store.take_node(node) or moved

    def take_values(self, path: str, values: Iterable[Property]) -> bool:
        self._pending.discard((Want.VALUES, path))
        return self._store.take_values(path, values)

    def take_virtio(self, path: str, virtio: Virtio | None) -> bool:
        self._pending.discard((Want.VIRTIO, path))
        moved = self._store.take_registers(path, virtio)
        return self._store.take_virtio(path, virtio) or moved

    def take_buses(self, root: Bus) -> bool:
        self._pending.discard((Want.BUSES, ROOT))
        return self._store.take_buses(root)

    def take_walk(self, nodes: Mapping[str, Node], *, values: bool) -> bool:
        self._pending.discard((Want.EVERYTHING if values else Want.WALK, ""))
        self._store.take_walk(nodes, values=values)
        return True

    def take_type(self, info: TypeInfo) -> bool:
        self._pending.discard((Want.TYPE, info.name))
        self._store.take_type(info)
        return True

    def refuse(self, question: Question, reason: str) -> bool:
        """Take the answer for something that could not be read.

        :param reason: QEMU's error; empty when it did not answer. Then earlier values are kept.
        """
        self._pending.discard(question.key)
        if not reason:
            return False
        if question.want in (Want.NODE, Want.VALUES, Want.VIRTIO, Want.BUSES):
            self._pending -= {(want, question.path) for want in Want}
            self._store.take_failure(question.path, reason)
        return True
