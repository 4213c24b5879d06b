"""Why a diff stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.console import Console
from workbench.domain.balloon.diagnosis.judge import BOOT, PATIENCE, Cause, Circumstances, Verdict, judge
from workbench.domain.balloon.diagnosis.movement import TakeBack
from workbench.domain.balloon.diagnosis.run_states import STOPS
from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.rate import RATE_WINDOW
from workbench.domain.balloon.reading import GuestStats, Reading, Sample, Source
from workbench.domain.units import MIB

RAM = 512 * MIB
NOW = 1_800_000_000.0
DRIVER = 0x0F


def reading(target: int, actual: int) -> Reading:
    """With the sizes in MiB."""
    return Reading(NOW, RAM, target * MIB, actual * MIB, Source.CONFIG_SPACE)


def seen(**changes: object) -> Circumstances:
    """A guest that was asked a minute ago, whose driver is up, and in which nothing moved for 30 s."""
    quiet = Circumstances(now=NOW, driver_status=DRIVER, target_since=NOW - 60, moved_at=NOW - 30)
    return replace(quiet, **changes)


def test_no_device() -> None:
    verdict = judge(None, seen(device=False))
    assert (verdict.state, verdict.cause) == (State.ABSENT, "the guest has no balloon device")
    assert "[balloon]" in verdict.advice


@pytest.mark.parametrize("status", [0x00, 0x01, 0x0B])
def test_no_driver(status: int) -> None:
    verdict = judge(reading(256, 512), seen(driver_status=status))
    assert verdict.state is State.ABSENT
    assert "no balloon driver" in verdict.cause
    assert f"0x{status:02x}" in verdict.evidence[0]


def test_nothing_read_yet() -> None:
    assert judge(None, seen()).state is State.ABSENT


def test_no_diff_is_settled_whatever_else() -> None:
    for circumstances in (seen(), seen(status="paused"), seen(answering=False), seen(driver_status=None)):
        verdict = judge(reading(256, 256), circumstances)
        assert replace(verdict, notes=()) == Verdict(State.SETTLED)


@pytest.mark.parametrize(("actual", "state"), [(300, State.INFLATING), (200, State.DEFLATING)])
def test_a_diff_moves_while_pages_move_or_the_target_is_young(actual: int, state: State) -> None:
    for circumstances in (
        seen(moved_at=NOW - PATIENCE + 0.1),
        seen(target_since=NOW - PATIENCE + 0.1),
        seen(target_since=NOW, moved_at=0.0, driver_status=None),
    ):
        assert judge(reading(256, actual), circumstances) == Verdict(state)


def test_a_paused_guest_stalls_at_once() -> None:
    verdict = judge(reading(256, 300), seen(status="paused", moved_at=NOW))
    assert (verdict.state, verdict.advice) == (State.STALLED, "resume the guest")
    assert "the guest is paused" in verdict.cause


def test_a_silent_qemu_stalls_at_once() -> None:
    verdict = judge(reading(256, 300), seen(answering=False, moved_at=NOW))
    assert (verdict.state, verdict.cause) == (State.STALLED, "QEMU does not answer")


def test_a_guest_short_of_pages() -> None:
    stats = GuestStats(last_update=NOW - 1, interval=2, available=10 * MIB)
    verdict = judge(reading(64, 128), seen(stats=stats))
    assert (verdict.state, verdict.cause) == (State.STALLED, "the guest has no more free pages to give")
    assert verdict.evidence == (
        "16,384 pages to inflate, none moved for 30 s",
        "device status 0x0f; QEMU is running",
        "guest statistics: 1 s old, 10 MiB available",
    )


def test_a_stall_without_a_known_cause_says_so() -> None:
    plenty = GuestStats(last_update=NOW, interval=2, available=100 * MIB)
    deflating = judge(reading(128, 64), seen(stats=replace(plenty, available=0), moved_at=0.0))
    for verdict in (judge(reading(64, 128), seen(stats=plenty)), judge(reading(64, 128), seen()), deflating):
        assert (verdict.state, verdict.cause) == (State.STALLED, "the cause is unknown")
        assert verdict.advice
    assert deflating.evidence[0] == "16,384 pages to deflate, none seen to move"


@pytest.mark.parametrize(
    ("stats", "words"),
    [
        (None, "not read"),
        (GuestStats(0.0, 0), "polling is off"),
        (GuestStats(0.0, 2), "never sent"),
        (GuestStats(NOW - 4, 2), "4 s old, without available memory"),
        (GuestStats(NOW + 4, 2, available=MIB), "0 s old, 1 MiB available"),
    ],
)
def test_the_statistics_as_evidence(stats: GuestStats | None, words: str) -> None:
    assert words in judge(reading(128, 64), seen(stats=stats)).evidence[-1]


@given(
    st.none() | st.tuples(st.integers(0, 512), st.integers(0, 512)),
    st.booleans(),
    st.none() | st.integers(0, 255),
    st.sampled_from(["running", "paused", "io-error", ""]),
    st.booleans(),
    st.floats(0, NOW),
)
def test_every_bad_verdict_has_a_cause(
    sizes: tuple[int, int] | None, device: bool, status: int | None, run_state: str, answering: bool, moved: float
) -> None:
    circumstances = seen(
        device=device, driver_status=status, status=run_state, answering=answering, moved_at=moved, target_since=0.0
    )
    verdict = judge(reading(*sizes) if sizes else None, circumstances)
    assert bool(verdict.cause) == (verdict.state in {State.STALLED, State.ABSENT})
    if sizes and device and circumstances.driver_ok is not False:
        assert (verdict.state is State.SETTLED) == (sizes[0] == sizes[1])


def test_the_window_of_the_rate_is_shorter_than_the_patience() -> None:
    assert RATE_WINDOW < PATIENCE, "no stall may be reported while a rate is still shown"


# Causes judged from earlier readings.


def taken(**changes: object) -> Circumstances:
    """A guest that took 40 MiB back 20 s ago, and had reached its target before."""
    marks = (Mark(NOW - 20, MarkKind.TAKE_BACK, "took 40 MiB back", 40 * MIB),)
    plenty = GuestStats(last_update=NOW, interval=2, available=100 * MIB)
    return replace(seen(marks=marks, stats=plenty, deflate_on_oom=True, reached=NOW - 50, moved_at=NOW - 15), **changes)


def test_memory_taken_back() -> None:
    verdict = judge(reading(128, 168), taken())
    assert (verdict.state, verdict.code) == (State.STALLED, Cause.TAKEN_BACK)
    assert verdict.cause == "the guest took 40 MiB back on OOM"
    assert verdict.send_again
    assert verdict.evidence[:2] == (
        "actual rose by 40 MiB 20 s ago, num_pages did not change",
        "deflate-on-oom is on",
    )
    given_again = judge(reading(128, 140), taken())
    assert "took 12 MiB back" in given_again.cause, "it gave some of it again"


def test_what_was_taken_back_is_known_without_a_mark_when_the_target_was_reached() -> None:
    verdict = judge(reading(128, 168), taken(marks=()))
    assert verdict.code is Cause.TAKEN_BACK
    assert verdict.evidence[0] == "the target was reached 50 s ago; num_pages has not changed since"


def test_a_take_back_before_the_target_was_sent_or_the_guest_was_reset_says_nothing() -> None:
    assert judge(reading(128, 168), taken(target_since=NOW - 10)).code is Cause.UNKNOWN
    reset = Mark(NOW - 16, MarkKind.RESET, "reset")
    assert judge(reading(128, 168), taken(marks=(*taken().marks, reset))).code is Cause.UNKNOWN


def test_a_take_back_in_progress_is_reported_at_once_and_one_that_ended_is_inflation() -> None:
    history = (Sample(NOW - 1, 128 * MIB, 128 * MIB), Sample(NOW, 128 * MIB, 168 * MIB))
    run = TakeBack(NOW - 1, NOW, 128 * MIB, 168 * MIB)
    now = taken(marks=(), samples=history, moved_at=NOW, take_back=run)
    assert judge(reading(128, 168), now).code is Cause.TAKEN_BACK
    gives = (*history, Sample(NOW + 0.1, 128 * MIB, 160 * MIB))
    assert judge(reading(128, 160), replace(now, samples=gives)).state is State.INFLATING


def test_what_to_do_depends_on_the_memory_that_is_left() -> None:
    scarce = replace(taken().stats or GuestStats(0, 0), available=2 * MIB)
    first = judge(reading(128, 168), taken(stats=scarce))
    assert first.code is Cause.TAKEN_BACK
    assert "still short of memory" in first.advice
    looking = judge(reading(128, 168), taken(stats=scarce, reached=None))
    assert looking.code is Cause.OUT_OF_PAGES, "a driver that never got there still looks for pages"


def test_a_guest_that_may_not_take_memory_back_has_another_cause() -> None:
    verdict = judge(reading(128, 168), taken(deflate_on_oom=False))
    assert verdict.code is Cause.UNKNOWN
    assert "deflate-on-oom is off" in verdict.cause


def test_an_offered_feature_is_not_reported_as_negotiated() -> None:
    evidence = judge(reading(128, 168), taken(agreed=False)).evidence
    assert any("this QEMU does not show whether the driver accepted it" in line for line in evidence)


def test_inflation_that_fights_is_stalled_though_it_moves() -> None:
    sizes = (200, 205, 200, 206, 199, 204, 201)
    history = tuple(Sample(NOW - 3 + 0.5 * i, 64 * MIB, size * MIB) for i, size in enumerate(sizes))
    verdict = judge(reading(64, 201), seen(samples=history, moved_at=NOW))
    assert (verdict.state, verdict.code) == (State.STALLED, Cause.FIGHTS_OOM)
    assert "given" in verdict.evidence[0]
    assert judge(reading(64, 201), seen(samples=history, moved_at=NOW - 10)).code is not Cause.FIGHTS_OOM


def test_after_a_reset_the_numbers_are_old() -> None:
    verdict = judge(reading(128, 168), seen(driver_status=0, started=NOW - 2))
    assert (verdict.state, verdict.code) == (State.ABSENT, Cause.STALE_AFTER_RESET)
    assert "QEMU still counts 344 MiB as ballooned, but no driver holds them" in verdict.evidence
    empty = judge(reading(128, 512), seen(driver_status=0, started=NOW - 2))
    assert empty.code is Cause.STARTING, "an empty balloon says nothing of a reset"
    assert judge(reading(128, 512), seen(driver_status=0)).code is Cause.NO_DRIVER


@pytest.mark.parametrize("status", [*STOPS, "a-state-of-a-later-qemu"])
def test_the_run_state_comes_first(status: str) -> None:
    """Before the driver, which may not have come up yet, or has left the device as for a suspend to RAM."""
    stopped = seen(status=status, started=NOW - 2)
    stalled = judge(reading(256, 300), stopped)
    absent = judge(reading(256, 512), replace(stopped, driver_status=0))
    reset = judge(reading(256, 300), replace(stopped, driver_status=0))
    for verdict in (stalled, absent, reset):
        assert verdict.code is Cause.PAUSED
        assert f"the guest is {status}" in verdict.cause
        assert bool(verdict.advice) is (status != "shutdown")
        assert "virtio_balloon" not in verdict.advice
    assert [verdict.state for verdict in (stalled, absent, reset)] == [State.STALLED, State.ABSENT, State.ABSENT]
    assert any("DRIVER_OK is not set" in line for line in absent.evidence)
    (note,) = judge(reading(256, 256), stopped).notes
    assert note.code is Cause.PAUSED


def test_a_suspended_guest_is_woken_and_not_resumed() -> None:
    assert "system_wakeup" in judge(reading(256, 512), seen(status="suspended", driver_status=0)).advice


def test_a_run_state_that_is_not_known_proves_nothing() -> None:
    assert judge(reading(64, 128), seen(status="")).code is Cause.UNKNOWN
    assert judge(reading(64, 64), seen(status="")).notes == ()


# A guest that boots.


def boot(**changes: object) -> Circumstances:
    """A guest whose driver is not up 3 minutes after its start."""
    return seen(**{"driver_status": 0, "started": NOW - 180, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"started": NOW - BOOT + 1},
        {"console": Console(NOW - 5, "[  OK  ] Started udev.")},
        {"unmapped": True},
        {"driver_status": 0x03},
        {"driver_status": 0x0B},
        {"stats": GuestStats(NOW - 4, 2)},
    ],
    ids=["young", "console", "firmware", "driver", "features", "a reset that nobody heard"],
)
def test_a_slow_boot_is_a_boot(changes: dict[str, object]) -> None:
    verdict = judge(reading(256, 512), boot(**changes))
    assert (verdict.state, verdict.code, verdict.advice) == (State.ABSENT, Cause.STARTING, "")
    reset = judge(reading(256, 300), boot(**changes))
    assert reset.code is Cause.STALE_AFTER_RESET
    assert reset.advice.startswith("wait: ")


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({}, "once the guest has booted, load virtio_balloon"),
        ({"console": Console(NOW - 100, "Loading initial ramdisk")}, "once the guest has booted"),
        ({"console": Console(NOW - 5, "web login:")}, "load virtio_balloon in the guest (Windows"),
        ({"driver_status": 0x01}, "if it is loaded, bind the device to it"),
        ({"driver_status": 0x01, "stats": GuestStats(NOW - 4, 2)}, "if it is loaded, bind the device to it"),
        ({"driver_status": 0x83}, "kernel log"),
    ],
    ids=["no sign", "quiet", "prompt", "known", "unbound", "failed"],
)
def test_the_advice_fits_what_is_known_of_the_boot(changes: dict[str, object], advice: str) -> None:
    verdict = judge(reading(256, 512), boot(**changes))
    assert verdict.code is Cause.NO_DRIVER
    assert advice in verdict.advice


def test_the_console_is_among_the_evidence() -> None:
    verdict = judge(reading(256, 512), boot(console=Console(NOW - 5, "web login:")))
    assert "console, 5 s ago: web login:" in verdict.evidence


# Evidence that does not count.


def test_frozen_statistics_do_not_prove_that_there_are_no_more_pages() -> None:
    """Seen: a guest whose kernel had panicked, and that was short of memory in its last report."""
    stats = GuestStats(last_update=NOW - 40, interval=2, available=10 * MIB)
    verdict = judge(reading(64, 128), seen(stats=stats, started=NOW - 600))
    assert verdict.code is Cause.UNKNOWN
    assert [note.code for note in verdict.notes] == [Cause.STATISTICS_STOPPED]
    assert verdict.notes[0].text == "the guest's statistics are frozen: its driver last answered 40 s ago"
    off = judge(reading(64, 128), seen(stats=replace(stats, last_update=NOW - 1, interval=0)))
    assert off.code is Cause.UNKNOWN


def test_a_report_of_before_the_stall_is_waited_for_and_not_judged_by() -> None:
    """It is too early for a cause, and for none: the next report decides."""
    stats = GuestStats(last_update=NOW - 5, interval=2, available=10 * MIB)
    waiting = seen(stats=stats, moved_at=NOW - 4)
    assert judge(reading(64, 128), waiting) == Verdict(State.INFLATING)
    reported = replace(waiting, stats=replace(stats, last_update=NOW - 3))
    assert judge(reading(64, 128), reported).code is Cause.OUT_OF_PAGES
    plenty = replace(waiting, stats=replace(stats, available=100 * MIB))
    assert judge(reading(64, 128), plenty).code is Cause.UNKNOWN


def test_a_device_that_qemu_has_stopped_is_not_out_of_pages() -> None:
    stats = GuestStats(last_update=NOW - 1, interval=2, available=10 * MIB)
    verdict = judge(reading(64, 128), seen(stats=stats, driver_status=0x4F))
    assert verdict.code is Cause.UNKNOWN
    assert "stopped the device" in verdict.cause


def test_a_driver_loaded_since_took_nothing_back() -> None:
    verdict = judge(reading(128, 168), taken(driver_since=NOW - 10))
    assert verdict.code is Cause.UNKNOWN
    assert "taken" not in verdict.cause


def test_no_fight_with_deflation_that_is_off() -> None:
    sizes = (200, 205, 200, 206, 199, 204, 201)
    history = tuple(Sample(NOW - 3 + 0.5 * i, 64 * MIB, size * MIB) for i, size in enumerate(sizes))
    assert judge(reading(64, 201), seen(samples=history, moved_at=NOW)).code is Cause.FIGHTS_OOM
    assert judge(reading(64, 201), seen(samples=history, moved_at=NOW, deflate_on_oom=False)).code is None


def test_between_the_steps_of_a_ramp_the_balloon_is_not_settled() -> None:
    between = judge(reading(384, 384), seen(ramp_step="step 2 of 4 to 256 MiB"))
    assert between == Verdict(State.INFLATING, evidence=("a ramp is under way: step 2 of 4 to 256 MiB",))
    assert judge(reading(384, 384), seen()).state is State.SETTLED
    assert judge(reading(384, 512), seen(ramp_step="step 2 of 4", driver_status=0)).state is State.ABSENT


def test_memory_that_was_plugged_in_is_a_note_beside_the_state() -> None:
    change = Mark(NOW - 5, MarkKind.RAM_CHANGE, "128 MiB plugged in", 128 * MIB)
    verdict = judge(reading(384, 384), seen(marks=(change,)))
    assert verdict.state is State.SETTLED
    (note,) = verdict.notes
    assert note.code is Cause.RAM_CHANGED
    assert note.text == "memory was plugged in, so the target rose by 128 MiB to 384 MiB"
    assert note.advice == "send 256 MiB to restore the previous target"
    assert judge(reading(384, 384), seen(marks=(change,), target_since=NOW)).notes == (), "a target was sent since"
    assert judge(reading(512, 512), seen(marks=(change,))).notes == (), "an empty balloon shifts nothing"
    unplugged = judge(reading(256, 256), seen(marks=(replace(change, size=-64 * MIB),))).notes[0]
    assert "unplugged, so the target fell by 64 MiB" in unplugged.text


def test_plugged_memory_that_is_not_online_must_be_brought_online_first() -> None:
    """Seen: a Linux guest had not brought a DIMM online, and what was asked for before would have left it with nothing."""
    change = Mark(NOW - 5, MarkKind.RAM_CHANGE, "128 MiB plugged in", 128 * MIB)
    stats = GuestStats(NOW, 1, total=153 * MIB, available=25 * MIB)
    (note,) = judge(reading(288, 288), seen(marks=(change,), stats=stats)).notes
    assert note.advice.startswith("bring the new memory online")
    assert note.evidence[-1] == "the guest reports 153 MiB total, 25 MiB available"
    roomy = replace(stats, available=200 * MIB)
    (note,) = judge(reading(288, 288), seen(marks=(change,), stats=roomy)).notes
    assert note.advice == "send 160 MiB to restore the previous target"


def test_every_stall_has_a_code_and_evidence() -> None:
    for verdict in (
        judge(reading(64, 128), seen()),
        judge(reading(64, 128), seen(status="paused")),
        judge(reading(64, 128), seen(answering=False, trouble="stopped")),
        judge(reading(128, 168), taken()),
    ):
        assert verdict.state is State.STALLED
        assert verdict.code is not None
        assert len(verdict.evidence) >= 3
    silent = judge(reading(64, 128), seen(answering=False, trouble="its process is stopped"))
    assert silent.evidence[0] == "its process is stopped"
    assert judge(None, seen(answering=False)).code is Cause.QEMU_SILENT
    (note,) = judge(reading(64, 64), seen(answering=False)).notes
    assert note.code is Cause.QEMU_SILENT


def test_what_cannot_be_recorded_is_a_note_beside_any_state() -> None:
    for now in (reading(256, 256), reading(256, 512)):
        verdict = judge(now, seen(unrecorded="No space left on device"))
        (note,) = verdict.notes
        assert (note.code, note.text) == (
            Cause.UNRECORDED,
            "the history is not being recorded: No space left on device",
        )
        assert verdict.state is judge(now, seen()).state
