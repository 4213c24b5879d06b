"""A balloon as text and as JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import to_builtins

from workbench.domain.balloon.safety.status import status_of

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.ledger import Ledger
    from workbench.domain.balloon.reading import HostMemory
    from workbench.domain.balloon.safety.ramp import Ramping
    from workbench.domain.balloon.safety.status import SafetyStatus
    from workbench.domain.guest.snapshot import GuestSnapshot

DASH = "\N{EN DASH}"
DAY = 86400.0
"""Seconds."""
LOOK = 0.5
"""Seconds in which a command reads a diff repeatedly to see whether it moves."""


def balloon_object(guest: GuestSnapshot) -> dict[str, object]:
    """The output of ``--json`` for a guest whose balloon was read."""
    assert guest.balloon is not None
    return as_object(guest.name, guest.balloon, status_of(guest.balloon, guest.safety, guest.protection))


def as_object(name: str, balloon: Balloon, safety_status: SafetyStatus) -> dict[str, object]:
    """The output of ``--json``. Sizes are bytes; unknown values are null."""
    reading, host, verdict = balloon.reading, balloon.host, balloon.verdict
    ledger = balloon.ledger
    share = ledger.yield_ if ledger else None
    return {
        "guest": name,
        "ram": reading.ram if reading else None,
        "target": reading.target if reading else None,
        "actual": reading.actual if reading else None,
        "diff": reading.diff if reading else None,
        "diff_pages": reading.diff_pages if reading else None,
        "source": reading.source.value if reading else None,
        "state": verdict.state.value,
        "cause": verdict.cause,
        "cause_code": verdict.code.value if verdict.code else None,
        "advice": verdict.advice,
        "evidence": list(verdict.evidence),
        "notes": [
            {"code": note.code.value, "text": note.text, "advice": note.advice, "evidence": list(note.evidence)}
            for note in verdict.notes
        ],
        "rate": round(balloon.rate),
        "ours": balloon.ours,
        "guest_stats": to_builtins(balloon.stats) if balloon.stats else None,
        "host": {
            "resident": host.resident,
            "time": host.time or None,
            "merged": host.merged,
            "swapped": host.swapped,
            "beyond": host.beyond,
            "reading": ledger.reading if ledger else False,
            "reclaimed": ledger.reclaimed if ledger else None,
            "unreturned": balloon.unreturned,
            "yield": round(share, 4) if share is not None else None,
            "measure": host.measure.value,
            "pool_free": host.pool_free,
        }
        if host
        else None,
        "backing": to_builtins(balloon.backing) if balloon.backing else None,
        "ledger": ledger_object(ledger) if ledger else None,
        **safety_object(safety_status),
    }


def safety_object(safety_status: SafetyStatus) -> dict[str, object]:
    """Floor, ramp and guard."""
    acted = safety_status.acted
    return {
        "floor": to_builtins(safety_status.floor) if safety_status.floor else None,
        "ramp": {
            "profile": to_builtins(safety_status.ramp) if safety_status.ramp else None,
            "under_way": None if safety_status.left else ramping_object(safety_status.ramping),
            "left": ramping_object(safety_status.ramping) if safety_status.left else None,
        },
        "guard": {
            "profile": safety_status.guard,
            "armed": safety_status.armed,
            "acted": {"time": acted.time, "why": acted.why or acted.text, "returned": acted.size} if acted else None,
        },
    }


def ramping_object(ramping: Ramping | None) -> dict[str, object] | None:
    if ramping is None:
        return None
    ramp = {"step_size": ramping.ramp.step, "seconds": ramping.ramp.seconds, "held": ramping.held}
    return {"goal": ramping.goal, "at": ramping.at, "step": ramping.step, "steps": ramping.steps, **ramp}


def ledger_object(ledger: Ledger) -> dict[str, object]:
    """The ledger of the last change of the target."""
    columns = {name: getattr(ledger, name) for name in ("asked", "held", "host", "believed")}
    read = {"before": ledger.before.resident_at if ledger.before else None, "now": ledger.now.resident_at}
    return {
        "since": ledger.before.time if ledger.before else None,
        "settled": ledger.settled.time if ledger.settled else None,
        **{name: {"before": entry.before, "now": entry.now} for name, entry in columns.items()},
        "host_read": read,
        "reading": ledger.reading,
        "otherwise": ledger.otherwise,
        "host_unknown": ledger.unknown,
        "believed_as": ledger.believed_as,
        "never_used": ledger.never_used,
        "never_used_most": ledger.never_used_most,
        "words": list(ledger.words),
    }


def as_lines(name: str, balloon: Balloon, safety_status: SafetyStatus) -> list[str]:
    """The same as text."""
    from workbench.domain.units import ago, mib

    reading, host, verdict = balloon.reading, balloon.host, balloon.verdict
    lines = [f"{name}: {verdict.state.value}" + (f": {verdict.cause}" if verdict.cause else "")]
    if reading is not None:
        direction = "inflate" if reading.diff > 0 else "deflate"
        pages = f"  {abs(reading.diff_pages):,} pages to {direction}" if reading.diff else ""
        lines += [
            f"  target  {mib(reading.target):>10}   ({reading.source.value})",
            f"  actual  {mib(reading.actual):>10}   of {mib(reading.ram)}",
            f"  diff    {mib(reading.diff):>10}{pages}",
        ]
    if host is not None and reading is not None:
        lines.append(f"  host    {mib(host.resident):>10} resident{_aside(host)}, {_concluded(balloon.ledger)}")
    if balloon.stats is not None and balloon.stats.available is not None:
        when = ago(time.time() - balloon.stats.last_update) + _when_it_had_another_size(balloon)
        lines.append(f"  guest   {mib(balloon.stats.available):>10} available, {when}")
    lines += safety_lines(name, safety_status)
    if balloon.ledger is not None:
        lines += ledger_lines(balloon.ledger)
        lines += [f"  {line}" for line in balloon.ledger.words]
    lines += [f"  - {line}" for line in verdict.evidence]
    if verdict.advice:
        lines.append(f"  {verdict.advice}")
    for note in verdict.notes:
        lines.append(f"  note: {note.text}")
        lines += [f"  - {line}" for line in note.evidence]
        lines += [f"  {note.advice}"] * bool(note.advice)
    return lines


def _aside(host: HostMemory) -> str:
    """Guest RAM that is not in memory of its own."""
    from workbench.domain.units import mib

    parts = [f"{mib(host.merged)} merged by KSM"] * bool(host.merged)
    parts += [f"{mib(host.swapped)} swapped out"] * bool(host.swapped)
    parts += [f"with {mib(host.beyond)} that the balloon does not count"] * bool(host.beyond)
    return f" ({', '.join(parts)})" if parts else ""


def _concluded(ledger: Ledger | None) -> str:
    """What the host got and did not get back."""
    from workbench.domain.units import mib

    def known(size: int | None) -> str:
        return "not known" if size is None else mib(size)

    if ledger is None or ledger.reading:
        return "reading"
    return f"{known(ledger.reclaimed if ledger.before else 0)} reclaimed, {known(ledger.unreturned)} unreturned"


def ledger_lines(ledger: Ledger) -> list[str]:
    """The ledger in MiB and pages, before the last change of the target and now; empty without a change."""
    from workbench.domain.units import mib, pages_in, with_sign

    if ledger.before is None:
        return []

    wide, count = 3 + len(mib(ledger.ram)), max(8, 3 + len(f"{pages_in(ledger.ram):,}"))

    def cell(size: int | None, *, signed: bool = False) -> str:
        if size is None:
            return f"{DASH:>{wide}}{DASH:>{count}}"
        found = pages_in(size)
        return f"{mib(size, signed=signed):>{wide}}{with_sign(found) if signed else format(found, ','):>{count}}"

    form = "at %H:%M:%S" if time.time() - ledger.before.time < DAY else "%Y-%m-%d"
    when = time.strftime(form, time.localtime(ledger.before.time))
    lines = [f"  {when:<11}" + "".join(f"{name:>{wide}}{'pages':>{count}}" for name in ("before", "now", "change"))]
    for name in ("asked", "held", "host", "believed"):
        entry = getattr(ledger, name)
        title = ledger.believed_as if name == "believed" else name
        lines.append(f"  {title:<11}" + cell(entry.before) + cell(entry.now) + cell(entry.change, signed=True))
    return [*lines, f"  {_figures(ledger)}"]


def _figures(ledger: Ledger) -> str:
    """The figures derived from the ledger."""
    from workbench.domain.balloon.ledger import percent
    from workbench.domain.units import mib

    def known(size: int | None) -> str:
        return "not known" if size is None else mib(size)

    if ledger.reading:
        return "reading what the host holds"
    least, most, share = ledger.never_used, ledger.never_used_most, ledger.yield_
    never = known(least) if most is None or most == least else f"{known(least)} to {known(most)}"
    parts = [f"reclaimed {known(ledger.reclaimed)}", f"unreturned {known(ledger.unreturned)}"]
    parts += [] if share is None else [f"yield {percent(share)} %"]
    return ", ".join([*parts, f"never used {never}"])


def _when_it_had_another_size(balloon: Balloon) -> str:
    """A remark on guest statistics that are older than the target or came while the balloon moved."""
    from workbench.domain.balloon.safety.floor import is_upper_bound

    ledger = balloon.ledger
    if ledger is not None and ledger.before is not None and ledger.believed.now is None:
        return ", before the target changed"
    return ", while the balloon moved" if is_upper_bound(balloon) else ""


def safety_lines(name: str, safety_status: SafetyStatus) -> list[str]:
    """Floor, ramp and guard, as far as they are in use."""
    from workbench.domain.units import format_size, mib

    lines, ramping, acted = [], safety_status.ramping, safety_status.acted
    if safety_status.floor is not None:
        lines.append(f"  floor   {mib(safety_status.floor.size):>10}   {safety_status.floor.why}")
    if ramping is not None:
        way = f"{mib(ramping.at)}, {ramping.progress}"
        what = (
            f"stopped at {way}; to continue: workbench balloon {name} {format_size(ramping.goal)} --ramp {ramping.ramp}"
        )
        lines.append(f"  ramp    {what if safety_status.left else f'is at {way}'}")
    if safety_status.armed:
        lines.append("  guard   armed")
    if acted is not None:
        clock = time.strftime("%H:%M:%S", time.localtime(acted.time))
        lines.append(f"  guard   gave {mib(acted.size or 0)} back at {clock}: {acted.why or acted.text}")
    return lines
