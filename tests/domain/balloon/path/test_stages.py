"""The path of a target: its stages, what is known of them, and the timeline of one change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.path.changes import follow, poll, sent
from workbench.domain.balloon.path.evidence import LOOK, MOVES, PROBE, REQUEST, Known, stage_states
from workbench.domain.balloon.path.stages import Proof, Side, stages
from workbench.domain.balloon.path.timeline import KEPT, Kind, Timeline
from workbench.domain.balloon.path.trace_log import COMMAND, READ, TARGET, WRITTEN, TraceLine
from workbench.domain.balloon.reading import Reading, Source
from workbench.domain.units import MIB, PAGE
from workbench.domain.versions import version_of

RAM = 512 * MIB
GUEST = 101


def line(event: str, at: int, *values: int) -> TraceLine:
    return TraceLine(event, at, GUEST, values)


def reading(at: int, num_pages: int, held: int) -> Reading:
    return Reading(at / 1e6, RAM, RAM - num_pages * PAGE, RAM - held * PAGE, Source.CONFIG_SPACE)


def change(num_pages: int, held: int = 0, *, begun: int = 1_000_000) -> Timeline:
    """What a whole change of our own looks like in the log: 100 µs from line to line."""
    timeline = sent(begun, RAM - num_pages * PAGE, held=held, traced=True)
    at = begun
    lines = [(COMMAND, (RAM - num_pages * PAGE,)), (TARGET, (RAM - num_pages * PAGE, num_pages))]
    while True:
        lines.append((READ, (num_pages, held)))
        moved = max(-256, min(256, num_pages - held))
        lines.append((WRITTEN, (held + moved, held)))
        held += moved
        if held == num_pages:
            break
    for event, values in lines:
        at += 100
        timeline = follow(timeline, line(event, at, *values), now=0)
    return timeline


def known(timeline: Timeline | None, *, hugepages: bool = False) -> dict[str, Known]:
    return {state.stage.key: state.known for state in stage_states(stages((7, 2), hugepages=hugepages), timeline)}


def test_a_whole_change() -> None:
    timeline = change(1024)
    assert (timeline.diff, timeline.settled, timeline.held_before) == (0, 1000, 0)
    assert timeline.moved
    assert not timeline.deflating
    assert [(step.kind, step.diff) for step in timeline.steps.kept] == [
        (Kind.READ, 1024), (Kind.WRITTEN, 768), (Kind.READ, 768), (Kind.WRITTEN, 512),
        (Kind.READ, 512), (Kind.WRITTEN, 256), (Kind.READ, 256), (Kind.WRITTEN, 0),
    ]  # fmt: skip
    found = known(timeline)
    assert found.pop("event") is Known.PENDING, "QEMU may hold it back"
    proofs = {stage.key for stage in stages((7, 2)) if stage.proof}
    assert found == {key: Known.SEEN if key in proofs else Known.BETWEEN for key in found}


def test_memory_that_goes_back() -> None:
    timeline = change(0, held=600)
    assert timeline.deflating
    assert timeline.steps.kept[0].diff == -600
    assert [stage.function for stage in stages((10, 0), deflating=True) if stage.key in MOVES] == [
        "leak_balloon()", "tell_host()", "virtio_balloon_handle_output()", "balloon_deflate_page()", "qemu_madvise()",
    ]  # fmt: skip


@given(st.integers(0, 2**20), st.integers(0, 2**20))
def test_a_long_change_takes_little_memory_and_loses_no_end(num_pages: int, held: int) -> None:
    timeline = change(num_pages // 16, held // 16)
    turns = max(1, -(-abs(num_pages // 16 - held // 16) // 256))
    assert len(timeline.steps) == 2 * turns
    assert len(timeline.steps.kept) <= 2 * KEPT
    assert timeline.steps.kept[0].held == held // 16
    assert timeline.steps.kept[-1].diff == 0
    assert [step.at for step in timeline.steps.kept] == sorted(step.at for step in timeline.steps.kept)


def test_thousands_of_mib_are_folded() -> None:
    timeline = change(5000 * 256)
    assert timeline.steps.folded == 10_000 - 2 * KEPT
    assert timeline.seen[Proof.WRITTEN].count == 5000


def test_without_a_trace_the_reply_and_the_readings_tell() -> None:
    timeline: Timeline | None = sent(1_000_000, 256 * MIB, held=0, traced=False)
    assert timeline is not None
    assert known(timeline)["command"] is Known.HIDDEN
    timeline = timeline.answered(1_000_300)
    assert known(timeline) | {"read": Known.HIDDEN} == known(timeline)
    assert known(timeline)["target"] is Known.SEEN
    assert known(timeline)["notify"] is Known.BETWEEN
    for at, held in ((1_100_000, 0), (1_200_000, 30000), (1_300_000, 65536)):
        timeline = poll(timeline, reading(at, 65536, held))
    assert timeline is not None
    assert timeline.settled == 300_000
    assert [step.diff for step in timeline.steps.kept] == [65536, 35536, 0]
    assert known(timeline)["diff"] is Known.BETWEEN
    assert known(timeline)["written"] is Known.SEEN
    late = {proof for proof, sighting in timeline.seen.items() if sighting.late}
    assert late == {Proof.COMMAND, Proof.TARGET, Proof.WRITTEN, Proof.SETTLED}, (
        "they had run by then, and nothing says when"
    )
    assert timeline.settled_late
    assert not change(1024).settled_late
    assert not any(sighting.late for sighting in change(1024).seen.values())


def test_what_a_reading_found_was_there_when_it_came_back() -> None:
    """It was asked for before: the guest may have moved in between."""
    timeline = poll(sent(1_000_000, 256 * MIB, held=0, traced=False), reading(1_100_000, 65536, 65536), 1_100_900)
    assert timeline is not None
    assert timeline.settled == 100_900


def test_a_log_that_stays_silent_is_not_relied_on() -> None:
    """A QEMU built with another trace backend knows the events and writes nothing."""
    timeline = sent(1_000_000, 256 * MIB, held=0, traced=True).answered(1_000_300)
    assert not timeline.traced


def test_polling_adds_nothing_to_what_the_log_says() -> None:
    timeline = change(1024)
    assert poll(timeline, reading(3_000_000, 1024, 512)) == timeline


def test_a_reading_from_before_the_request_says_nothing_of_it() -> None:
    timeline = sent(1_000_000, 256 * MIB, held=0, traced=False)
    assert poll(timeline, reading(999_999, 0, 0)) == timeline


def test_another_clients_target_begins_another_change() -> None:
    timeline = follow(change(1024), line(COMMAND, 9_000_000, 256 * MIB), now=0)
    assert (timeline.ours, timeline.begun, timeline.asked, timeline.held_before) == (False, 9_000_000, 256 * MIB, 1024)
    assert timeline.settled is None
    unseen = poll(Timeline(1, num_pages=0, held=0), reading(5_000_000, 512, 0))
    assert unseen is not None
    assert (unseen.ours, unseen.begun, unseen.diff) == (False, 5_000_000, 512)


def test_a_take_back_is_a_change_of_its_own_without_a_request() -> None:
    timeline = follow(change(1024), line(WRITTEN, 9_000_000, 768, 1024), now=0)
    assert (timeline.diff, timeline.settled, timeline.begun) == (256, None, 9_000_000)
    assert (timeline.ours, timeline.asked, timeline.unasked, timeline.deflating) == (False, None, True, True)
    found = known(timeline)
    assert {found[key] for key in REQUEST | LOOK} == {Known.PENDING}, "none of these ran"
    assert {found[key] for key in ("fill", "tell", "output", "size", "set", "write", "writel")} == {Known.BETWEEN}
    assert found["written"] is Known.SEEN
    again = follow(timeline, line(WRITTEN, 9_000_100, 512, 768), now=0)
    assert (again.begun, again.diff, again.seen[Proof.WRITTEN].count) == (9_000_000, 512, 2), "one change"


def test_changes_by_the_guest_itself_are_seen_in_readings_too() -> None:
    timeline: Timeline | None = sent(1_000_000, 256 * MIB, held=0, traced=False).answered(1_000_300)
    for at, held in ((1_100_000, 65536), (9_000_000, 60000)):
        timeline = poll(timeline, reading(at, 65536, held))
    assert timeline is not None
    assert (timeline.begun, timeline.ours, timeline.diff) == (9_000_000, False, 5536)
    found = known(timeline)
    assert {found[key] for key in REQUEST | LOOK} == {Known.HIDDEN}, "there may have been an unseen request"


def test_a_driver_that_only_looks_begins_no_change() -> None:
    assert follow(None, line(READ, 1_000_000, 0, 0), now=0) is None
    assert follow(None, line(READ, 1_000_000, 1024, 1024), now=0) is None
    begun = follow(None, line(READ, 1_000_000, 1024, 0), now=0)
    assert begun is not None
    assert (begun.diff, begun.unasked) == (1024, False)
    assert known(begun)["target"] is Known.HIDDEN, "it was sent before tracing began"


def test_after_a_reset_the_driver_begins_with_an_empty_balloon() -> None:
    """num_pages and actual outlive a reset in the config space; what the driver holds does not."""
    assert follow(None, line(READ, 1_000_000, 0, 512), now=0, reset=True) is None
    timeline = follow(None, line(READ, 1_000_000, 1024, 1024), now=0, reset=True)
    assert timeline is not None
    assert (timeline.held_before, timeline.diff, timeline.settled, timeline.unasked) == (0, 1024, None, True)
    for held in range(0, 1024, 256):
        timeline = follow(timeline, line(WRITTEN, 1_000_100 + held, held + 256, held or 1024), now=0)
        assert not timeline.deflating
    assert (timeline.settled, timeline.diff) == (868, 0)
    assert [step.diff for step in timeline.steps.kept] == [1024, 768, 512, 256, 0]
    found = known(timeline)
    assert {found[key] for key in REQUEST - PROBE} == {Known.PENDING}
    assert {found[key] for key in (PROBE | LOOK) - {"read"}} == {Known.BETWEEN}
    polled = poll(None, reading(1_000_000, 1024, 256), reset=True)
    assert polled is not None
    assert (polled.held_before, polled.deflating) == (0, False)
    ours = sent(1_000_000, 256 * MIB, held=1024, traced=True, reset=True)
    assert follow(ours, line(READ, 1_000_100, 1024, 1024), now=0).diff == 1024


def test_a_target_that_changes_nothing_moves_no_page() -> None:
    timeline = change(1024, held=1024)
    assert timeline.settled is not None
    assert not timeline.moved
    found = known(timeline)
    assert {found[key] for key in MOVES} == {Known.PENDING}
    assert found["size"] is Known.BETWEEN


def test_an_event_of_the_change_before_is_not_this_ones() -> None:
    timeline = sent(1_000_000, 256 * MIB, held=0, traced=True)
    assert Proof.EVENT not in timeline.event(999_000).seen
    assert Proof.EVENT in timeline.event(1_001_000).seen


def test_on_hugepages_nothing_says_that_a_page_went_back_to_the_host() -> None:
    assert known(change(1024), hugepages=True)["discard"] is Known.HIDDEN
    assert known(change(1024))["discard"] is Known.BETWEEN


def test_without_a_change_nothing_has_run() -> None:
    assert set(known(None).values()) == {Known.PENDING}


@pytest.mark.parametrize(
    ("text", "command", "readl"),
    [
        ("7.2.22", "softmmu/balloon.c", "hw/virtio/virtio.c"),
        ("8.1.0", "softmmu/balloon.c", "hw/virtio/virtio-config-io.c"),
        ("10.0.13", "system/balloon.c", "hw/virtio/virtio-config-io.c"),
        ("", "system/balloon.c", "hw/virtio/virtio-config-io.c"),
    ],
)
def test_files_are_those_of_the_running_version(text: str, command: str, readl: str) -> None:
    files = {stage.key: stage.file for stage in stages(version_of(text))}
    assert (files["command"], files["readl"]) == (command, readl)
    assert not any("{" in file for file in files.values())


@pytest.mark.parametrize("deflating", [False, True])
def test_each_stage_says_what_it_does_in_one_sentence(deflating: bool) -> None:
    path = stages((10, 0), deflating=deflating)
    assert len({stage.key for stage in path}) == len(path)
    for stage in path:
        assert stage.does.endswith("."), stage
        assert stage.does.count(". ") <= 1, stage
        assert stage.file.startswith("drivers/virtio/") == (stage.side is Side.GUEST), stage
