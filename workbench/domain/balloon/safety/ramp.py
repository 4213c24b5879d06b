"""A ramp: a large inflation in steps, so that the guest can be watched between them. Deflation is never slowed."""

from __future__ import annotations

import re
from fractions import Fraction

from msgspec import Struct

from workbench.domain.units import MIB, PAGE, SizeError, format_size, parse_size

LEAST_STEP = MIB
MOST_SECONDS = 3600

# The number of seconds is bounded in length: a float of 400 digits is infinite.
_SECONDS = re.compile(r"\s*(\d{1,6}(?:\.\d{1,3})?)\s*(?:s|sec|seconds?)?\s*", re.ASCII | re.IGNORECASE)


class Ramp(Struct, frozen=True):
    """How an inflation goes: at most ``step`` bytes at a time, and no sooner than ``seconds`` after the step before."""

    step: int
    """Bytes, whole balloon pages."""
    seconds: float

    def __str__(self) -> str:
        return f"{format_size(self.step)}/{self.seconds:g}s"

    def following(self, now: int, goal: int) -> int:
        """The target to send next, in bytes: a step from ``now`` towards ``goal`` while inflating, else the goal itself.

        :param now: what the guest has, in bytes; whole pages, as the goal is.
        """
        return max(goal, now - self.step)

    def steps(self, now: int, goal: int) -> int:
        """How many targets lead from ``now`` to ``goal``; 1 for what needs no ramp, as every deflation."""
        return max(1, -((goal - now) // self.step))


class Ramping(Struct, frozen=True):
    """A ramp under way. Sizes are bytes."""

    ramp: Ramp
    start: int
    """What the guest had before the first step."""
    goal: int
    at: int
    """The target of the step that was sent last."""
    since: float
    """Unix time at which that was sent."""
    held: str = ""
    """Why the step does not end, in words; empty while it moves or waits for its time."""

    @property
    def step(self) -> int:
        """The number of the step, from 1."""
        return self.ramp.steps(self.start, self.at)

    @property
    def steps(self) -> int:
        return self.ramp.steps(self.start, self.goal)

    @property
    def following(self) -> int:
        """The target that comes next."""
        return self.ramp.following(self.at, self.goal)

    def due(self, now: float) -> float:
        """Seconds until the next step may be sent; the clock may have been set back since."""
        return max(0.0, min(self.ramp.seconds, self.since + self.ramp.seconds - now))


def settle_time(change: int, speed: float, ramp: Ramp | None = None) -> float:
    """Seconds that ``change`` bytes take at ``speed`` bytes a second; in a ramp each step but the last takes its time."""
    if ramp is None or change <= ramp.step:
        return abs(change) / speed
    waits = -(-change // ramp.step) - 1
    return waits * max(ramp.seconds, ramp.step / speed) + (change - waits * ramp.step) / speed


DEFAULT_RAMP = Ramp(128 * MIB, 5.0)
"""What a key switches on where the profile has none."""


def parse_ramp(text: str) -> Ramp:
    """``256M/5s``: at most 256 MiB at a time, and at least 5 seconds from one step to the next.

    :raise SizeError: for anything else; the message says why.
    """
    size, slash, seconds = text.partition("/")
    found = _SECONDS.fullmatch(seconds)
    if not slash or found is None:
        raise SizeError(f"{text.strip()!r} is not a ramp: write 256M/5s, a step and the least seconds between steps")
    step = parse_size(size)
    if step < LEAST_STEP:
        raise SizeError(f"a ramp's step of {format_size(step)} is too small: at least {format_size(LEAST_STEP)}")
    wait = Fraction(found[1])
    if wait > MOST_SECONDS:
        raise SizeError(f"a ramp's step of {found[1]} s is too slow: at most {MOST_SECONDS:,} s")
    return Ramp(step // PAGE * PAGE, float(wait))


def ramp_trouble(text: str) -> str:
    """What is wrong with a ramp; empty when nothing is."""
    try:
        parse_ramp(text)
    except SizeError as error:
        return str(error)
    return ""
