"""Garbage collection of the screen: in small steps, and few objects are frozen for good."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import TYPE_CHECKING

import pytest

from workbench.ui.app import MANY, NEVER, RIPE, WorkbenchApp

if TYPE_CHECKING:
    from collections.abc import Iterator

YOUNG, MIDDLE = 700, 10
"""Python's own thresholds; their product is what one collection of the middle generation sees."""
MUCH = (RIPE + 1) * YOUNG * MIDDLE
OUTLIVED = pytest.mark.skipif(sys.version_info >= (3, 14), reason="since 3.14 Python itself collects little by little")


class Node:
    """Refers to itself, like a line on the screen."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_on_the_screen() -> Iterator[None]:
    """Collect as the screen does, with the objects of pytest frozen."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def outlive() -> weakref.ref[Node]:
    """A node that became old and then garbage."""
    node = Node()
    gc.collect(1)
    return weakref.ref(node)


@OUTLIVED
def test_old_garbage_is_collected_once_there_is_enough() -> None:
    garbage = outlive()
    kept = [Node() for _ in range(MUCH)]
    frozen = gc.get_freeze_count()
    del kept[MANY // 4 :]
    WorkbenchApp.collect_garbage()
    assert garbage() is None
    assert gc.get_freeze_count() <= frozen, "the little that stays is looked at again"


def test_a_screen_at_rest_is_not_delayed() -> None:
    gc.collect()
    garbage = outlive()
    WorkbenchApp.collect_garbage()
    assert garbage() is not None


@OUTLIVED
def test_many_live_objects_are_frozen_for_the_next_collection() -> None:
    kept = [Node() for _ in range(MUCH)]
    frozen = gc.get_freeze_count()
    WorkbenchApp.collect_garbage()
    assert gc.get_freeze_count() >= frozen + len(kept)
    assert len(gc.get_objects(generation=2)) < MANY
