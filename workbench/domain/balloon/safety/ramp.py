"""A ramp: a large inflation in steps, so that the guest can be monitored in between. Deflation is never slowed."""

from __future__ import annotations

import re
from fractions import Fraction

from msgspec import Struct

from workbench.domain.units import MIB, PAGE, SizeError, format_size, mib, parse_size

LEAST_STEP = MIB
MOST_SECONDS = 3600

# Digits are limited: a float of 400 digits is infinite.
_SECONDS = re.compile(r"\s*(\d{1,6}(?:\.\d{1,3})?)\s*(?:s|sec|seconds?)?\s*", re.ASCII | re.IGNORECASE)


class Ramp(Struct, frozen=True):
    """Inflate by at most ``step`` bytes at a time, at least ``seconds`` after the previous step."""

    step: int
    """Bytes, whole balloon pages."""
    seconds: float

    def __str__(self) -> str:
        return f"{format_size(self.step)}/{self.seconds:g}s"

    def following(self, now: int, goal: int) -> int:
        """The next target in bytes: one step from ``now`` towards ``goal`` when inflating, else the goal.

        :param now: the guest's actual in bytes; whole pages, like the goal.
        """
        return max(goal, now - self.step)

    def steps(self, now: int, goal: int) -> int:
        """Number of targets from ``now`` to ``goal``; 1 without a ramp, as for every deflation."""
        return max(1, -((goal - now) // self.step))


class Ramping(Struct, frozen=True):
    """A ramp in progress. Sizes are bytes."""

    ramp: Ramp
    start: int
    """The guest's actual before the first step."""
    goal: int
    at: int
    """The target of the last step sent."""
    since: float
    """Unix time at which it was sent."""
    held: str = ""
    """Why the step is stuck; empty while it moves or waits for its time."""

    @property
    def step(self) -> int:
        """The number of the step, from 1."""
        return self.ramp.steps(self.start, self.at)

    @property
    def steps(self) -> int:
        return self.ramp.steps(self.start, self.goal)

    @property
    def progress(self) -> str:
        """Where it is, for people."""
        return f"step {self.step} of {self.steps} to {mib(self.goal)}"

    @property
    def following(self) -> int:
        """The next target."""
        return self.ramp.following(self.at, self.goal)

    def due(self, now: float) -> float:
        """Seconds until the next step may be sent; robust against a clock set back."""
        return max(0.0, min(self.ramp.seconds, self.since + self.ramp.seconds - now))


def settle_time(change: int, speed: float, ramp: Ramp | None = None) -> float:
    """Seconds for ``change`` bytes at ``speed`` bytes a second, including the ramp's waits between steps."""
    if ramp is None or change <= ramp.step:
        return abs(change) / speed
    waits = -(-change // ramp.step) - 1
    return waits * max(ramp.seconds, ramp.step / speed) + (change - waits * ramp.step) / speed


DEFAULT_RAMP = Ramp(128 * MIB, 5.0)
"""The ramp to switch on if the profile has none."""


def parse_ramp(text: str) -> Ramp:
    """Parse ``256M/5s``: at most 256 MiB at a time, at least 5 seconds apart.

    :raise SizeError: for anything else; the message says why.
    """
    size, slash, seconds = text.partition("/")
    found = _SECONDS.fullmatch(seconds)
    if not slash or found is None:
        raise SizeError(f"{text.strip()!r} is not a ramp: use 256M/5s, a step and the seconds between steps")
    step = parse_size(size)
    if step < LEAST_STEP:
        raise SizeError(f"a ramp step of {format_size(step)} is too small: use at least {format_size(LEAST_STEP)}")
    wait = Fraction(found[1])
    if wait > MOST_SECONDS:
        raise SizeError(f"{found[1]} s between ramp steps is too long: use at most {MOST_SECONDS:,} s")
    return Ramp(step // PAGE * PAGE, float(wait))


def ramp_trouble(text: str) -> str:
    """What is wrong with a ramp; empty if it is valid."""
    try:
        parse_ramp(text)
    except SizeError as error:
        return str(error)
    return ""
