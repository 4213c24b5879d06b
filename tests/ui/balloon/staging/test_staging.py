"""The staging of a target without a screen: which target the keys stage and send, whatever is pressed."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ui.fake_engine import NOW, RAM, balloon, running
from workbench.domain.balloon.diagnosis.causes import Cause, State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.balloon.safety.protection import Protection, ProtectionRequest, Safety
from workbench.domain.balloon.safety.ramp import Ramp, Ramping
from workbench.domain.balloon.target import LEAST
from workbench.domain.balloon.target_undo import KEPT, Way
from workbench.domain.guest.lifecycle import Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.units import GIB, MIB, PAGE, SizeError
from workbench.ui.balloon.staging.effects import NO_READING, ChoosePreset, Protect, Refuse, SendTarget
from workbench.ui.balloon.staging.staging import SENT_FOR, Staging

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.ui.balloon.staging.effects import Effect

RAMPING = Ramping(Ramp(64 * MIB, 5), RAM, 256 * MIB, 384 * MIB, NOW - 2)


def typed(staging: Staging, text: str) -> Effect | None:
    """As in the panel's field: a mistake stages nothing."""
    try:
        return staging.typed(text)
    except SizeError:
        return None


STEPS: dict[str, Callable[[Staging], Effect | None]] = {
    "-": lambda staging: staging.step(-16 * MIB),
    "+": lambda staging: staging.step(16 * MIB),
    "[": lambda staging: staging.step(-128 * MIB),
    "]": lambda staging: staging.step(128 * MIB),
    "1": lambda staging: staging.tenth(1),
    "5": lambda staging: staging.tenth(5),
    "9": lambda staging: staging.tenth(9),
    "p1": lambda staging: staging.preset("half"),
    "p2": lambda staging: staging.preset("large"),
    "t max": lambda staging: typed(staging, "max"),
    "t 33%": lambda staging: typed(staging, "33%"),
}
"""Keys that stage."""
SENDS: dict[str, Callable[[Staging], Effect | None]] = {
    "enter": Staging.send,
    "a": Staging.send_again,
    "m": Staging.give_all,
    "u": Staging.undo,
    "U": Staging.redo,
    "l": Staging.toggle_live,
    "esc": Staging.drop,
}
KEYS = STEPS | SENDS
SAFETY = Safety(presets=(("half", "50%"), ("large", "1G")))


class Clock:
    """The time, as a test sets it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Guest:
    """A guest with its staging: what is sent is carried out before the next key."""

    def __init__(self, ram: int = RAM, target: int | None = None, **changes: object) -> None:
        clock = Clock()
        self.staging = Staging(clock)
        self.clock = clock
        reading = balloon().reading
        assert reading is not None
        target = ram if target is None else target
        self.reading = replace(reading, ram=ram, target=target, actual=target)
        self.changes = {"safety": SAFETY} | changes
        self.sent: list[int] = []
        self.show()

    def show(self) -> None:
        now = replace(balloon(), reading=self.reading)
        self.staging.take(running("demo", **({"balloon": now} | self.changes)))

    def press(self, *keys: str) -> Effect | None:
        effect: Effect | None = None
        for key in keys:
            effect = KEYS[key](self.staging)
            if isinstance(effect, SendTarget):
                self.carry_out(effect)
        return effect

    def carry_out(self, effect: SendTarget) -> None:
        size = effect.plan.target
        self.sent.append(size)
        self.staging.target_sent(effect)
        self.reading = replace(self.reading, target=size, actual=size)
        self.show()

    def ways(self) -> tuple[list[int], list[int]]:
        """What undo and redo would send, pressed until there is nothing more."""
        found: tuple[list[int], list[int]] = [], []
        for way, targets in zip("uU", found, strict=True):
            copy = deepcopy(self)
            while isinstance(copy.press(way), SendTarget):
                targets.append(copy.sent[-1])
                assert len(targets) <= KEPT, "it ends"
        return found


keys = st.lists(st.sampled_from(sorted(KEYS)), max_size=40)
sizes = st.integers(1, 64 * 1024).map(lambda mib: mib * MIB) | st.integers(256, 2**24).map(lambda count: count * PAGE)


@settings(deadline=None)
@given(keys, sizes, st.data())
def test_whatever_is_pressed_the_target_is_whole_pages_within_ram(
    pressed: list[str], ram: int, data: st.DataObject
) -> None:
    """Also where another client has set one that no guest survives, or one beyond RAM."""
    guest = Guest(ram, data.draw(st.integers(0, 2 * ram)))
    for key in pressed:
        effect = guest.press(key)
        staged = guest.staging.staged
        assert staged is None or (LEAST <= staged <= ram and staged % PAGE == 0), key
        if isinstance(effect, SendTarget) and effect.way is Way.NEW and key != "a":
            assert LEAST <= effect.plan.target <= ram, key
            assert effect.plan.target % PAGE == 0, key


@settings(deadline=None)
@given(keys)
def test_undo_then_redo_changes_nothing(pressed: list[str]) -> None:
    guest = Guest()
    guest.press(*pressed)
    for one, other in ("uU", "Uu"):
        target, ways = guest.reading.target, guest.ways()
        if isinstance(guest.press(one), SendTarget):
            assert isinstance(guest.press(other), SendTarget)
        assert (guest.reading.target, guest.ways()) == (target, ways)


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
def test_undo_goes_back_through_all_targets(pressed: list[str]) -> None:
    guest = Guest()
    for key in pressed:
        guest.press(key, "enter")
    changes = [size for size, before in zip(guest.sent, [RAM, *guest.sent], strict=False) if size != before]
    back, again = guest.ways()
    assert back == [RAM, *changes][-2::-1]
    assert again == []
    guest.press(*"u" * len(back))
    assert guest.reading.target == RAM
    assert guest.ways() == ([], changes)


@settings(deadline=None)
@given(keys)
def test_in_live_mode_nothing_stays_staged(pressed: list[str]) -> None:
    guest = Guest()
    for key in pressed:
        effect = guest.press(key)
        if guest.staging.live:
            assert guest.staging.staged is None
            if key in STEPS and key != "p2":
                assert isinstance(effect, SendTarget)


@settings(deadline=None)
@given(keys)
def test_what_is_staged_sends_nothing_until_enter(pressed: list[str]) -> None:
    guest = Guest()
    guest.press(*(key for key in pressed if key in STEPS or key == "esc"))
    assert guest.sent == []
    staged = guest.staging.staged
    guest.press("enter")
    assert guest.sent == ([] if staged is None else [staged])
    assert guest.staging.staged is None


@settings(deadline=None)
@given(keys)
def test_what_is_staged_is_what_the_plan_is_about(pressed: list[str]) -> None:
    guest = Guest()
    guest.press(*pressed)
    plan = guest.staging.staged_plan
    assert (plan.target if plan is not None else None) == guest.staging.staged


ABSENT = replace(balloon(), verdict=Verdict(State.ABSENT, "it has no balloon device", code=Cause.NO_DEVICE))


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (None, "No guest is chosen"),
        (GuestSnapshot("demo", memory=RAM), "demo is not running"),
        (running(phase=Phase.STOPPED), "demo is not running"),
        (running(balloon=None), NO_READING),
        (running(balloon=None, trouble="QEMU does not answer"), "QEMU does not answer"),
        (running(balloon=replace(balloon(), reading=None)), NO_READING),
        (running(balloon=ABSENT), "it has no balloon device"),
    ],
)
@settings(deadline=None)
@given(pressed=keys)
def test_without_a_balloon_each_key_says_why(snapshot: GuestSnapshot | None, reason: str, pressed: list[str]) -> None:
    staging = Staging()
    staging.take(snapshot)
    for key in pressed:
        effect = KEYS[key](staging)
        assert staging.staged is None
        if key in STEPS or key == "a":
            assert effect == Refuse(reason)
        elif key in ("enter", "u", "U"):
            assert isinstance(effect, Refuse)


def test_another_guest_has_nothing_staged_and_undo_of_its_own() -> None:
    guest = Guest()
    guest.press("5", "enter", "[")
    guest.staging.take(running("other", safety=SAFETY))
    assert guest.staging.staged is None
    assert guest.staging.undo() == Refuse("No earlier target in this session")
    guest.show()
    assert guest.staging.staged is None
    guest.press("u")
    assert guest.sent == [RAM // 2, RAM]


def test_steps_count_from_the_target_just_sent_until_a_reading_shows_it() -> None:
    guest = Guest()
    sent = guest.staging.give_all(), guest.staging.step(-16 * MIB), guest.staging.send()
    assert isinstance(sent[-1], SendTarget)
    assert guest.staging.target == RAM - 16 * MIB, "no reading shows it yet"
    guest.reading = replace(guest.reading, time=NOW + SENT_FOR)
    guest.show()
    assert guest.staging.target == RAM, "it was refused, or replaced by another client"


def test_steps_count_from_a_risky_target_once_it_is_sent() -> None:
    guest = Guest(safety=Safety(floor=400 * MIB))
    guest.press("-", "enter")
    guest.staging.step(-128 * MIB)
    effect = guest.staging.send()
    assert isinstance(effect, SendTarget)
    assert effect.plan.risky
    assert guest.staging.target == RAM - 16 * MIB, "the user may say no"
    guest.staging.target_sent(effect)
    assert guest.staging.target == RAM - 144 * MIB


def test_a_risky_target_of_another_guest_changes_nothing_here() -> None:
    guest = Guest(safety=Safety(floor=400 * MIB))
    guest.staging.step(-128 * MIB)
    effect = guest.staging.send()
    assert isinstance(effect, SendTarget)
    guest.staging.take(running("other"))
    guest.staging.target_sent(effect)
    assert guest.staging.target == RAM


def test_a_target_just_sent_to_one_guest_is_not_the_next_ones() -> None:
    guest = Guest(target=RAM // 2)
    guest.staging.give_all()
    assert guest.staging.target == RAM
    other = replace(balloon(), reading=guest.reading)
    guest.staging.take(running("other", balloon=other))
    assert guest.staging.target == RAM // 2


def test_a_target_that_was_asked_for_and_not_sent_is_not_undone() -> None:
    staging = Staging()
    staging.take(running())
    staging.step(-16 * MIB)
    assert isinstance(staging.send(), SendTarget)
    assert staging.undo() == Refuse("No earlier target in this session")


def test_a_typed_mistake_keeps_what_is_staged() -> None:
    guest = Guest()
    guest.press("5")
    with pytest.raises(SizeError, match="600M"):
        guest.staging.typed("600M")
    assert guest.staging.staged == RAM // 2


def test_a_preset_that_no_longer_fits_says_so() -> None:
    effect = Guest().press("p2")
    assert isinstance(effect, Refuse)
    assert effect.reason.startswith("large: '1G' is more than the guest's RAM")
    assert Guest(4 * GIB).press("p2") is None


def test_presets_are_offered_if_there_are_any() -> None:
    assert Guest().staging.choose_preset() == ChoosePreset()
    effect = Guest(safety=Safety()).staging.choose_preset()
    assert effect == Refuse("The profile has no presets: see [balloon.presets]")
    assert Staging().choose_preset() == Refuse("No guest is chosen")


def test_a_target_that_is_reached_is_not_sent_again() -> None:
    guest = Guest()
    assert guest.press("a") == Refuse("Already at its target")
    guest.reading = replace(guest.reading, target=RAM // 2)
    guest.show()
    guest.press("a")
    assert guest.sent == [RAM // 2]


def test_live_mode_sends_what_is_staged() -> None:
    guest = Guest()
    guest.press("5", "l")
    assert guest.sent == [RAM // 2]


def test_drop_discards_what_is_staged_before_it_stops_a_ramp() -> None:
    guest = Guest(protection=Protection(ramping=RAMPING))
    guest.press("5")
    assert guest.press("esc") is None
    assert guest.staging.staged is None
    assert guest.press("esc") == Protect("demo", ProtectionRequest.STOP_RAMP)


def test_the_forecast_uses_the_speed_of_each_direction() -> None:
    guest = Guest(target=RAM // 2)
    for rate in (-64.0 * MIB, 256.0 * MIB, 0.0):
        now = replace(balloon(), reading=guest.reading, rate=rate)
        guest.staging.take(running(balloon=now))
    less, more = guest.staging.plan(RAM // 2 - 64 * MIB), guest.staging.plan(RAM // 2 + 64 * MIB)
    assert less is not None
    assert more is not None
    assert (less.seconds, more.seconds) == (1.0, 0.25)
