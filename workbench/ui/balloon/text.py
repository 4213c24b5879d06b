"""The balloon panel's text: words and numbers, from a snapshot alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.balloon.diagnosis.causes import Cause, State
from workbench.domain.balloon.diagnosis.statistics import is_fresh, is_late
from workbench.domain.balloon.reading import Source
from workbench.domain.balloon.safety.forecast import Risk
from workbench.domain.guest.lifecycle import Phase
from workbench.domain.units import age, ago, duration, mib, with_sign
from workbench.ui.balloon import ledger as ledger_text
from workbench.ui.common.columns import Column, grid
from workbench.ui.common.flow import flow
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.guest.snapshot import GuestSnapshot

STATE_STYLES = {
    State.SETTLED: "$success",
    State.INFLATING: "$warning",
    State.DEFLATING: "$warning",
    State.STALLED: "bold $error",
    State.ABSENT: "$foreground-muted",
}
SHOWN_ELSEWHERE = frozenset({Cause.STATISTICS_OFF, Cause.STATISTICS_NEVER, Cause.QEMU_SILENT})
"""Notes without a line: other parts of the panel show why there are no figures, and that QEMU does not answer."""
ARROW = "\u2192"
DOT = "\u00b7"
DASH = "\u2013"
WORDS_MOST = 6
"""Maximum sentences of the ledger."""

Part = str | tuple[str, str]


def head(balloon: Balloon, ram: int, width: int, now: float, *, answering: bool = True) -> Content:
    """Target, actual and diff in columns, with the state.

    :param answering: whether QEMU answers; otherwise the numbers are the last ones read, and the state is unknown.
    """
    reading = balloon.reading
    state = balloon.verdict.state
    state_column = Column(state.value, "", name_style=STATE_STYLES[state])
    if not answering:
        state_column = Column("unknown", "", name_style="bold $warning")
    if reading is None:
        return grid([[Column("RAM", mib(ram)), state_column]], width)
    eta, moving = balloon.eta, answering and state in (State.INFLATING, State.DEFLATING)
    source = "config space" if reading.source is Source.CONFIG_SPACE else "query-balloon"
    if not answering:
        source = f"read {ago(now - reading.time)}"
    return grid(
        [
            [
                Column("target", mib(reading.target), "bold $target"),
                Column("actual", mib(reading.actual), "bold $actual"),
                Column("RAM", mib(reading.ram)),
            ],
            [
                Column("diff", mib(reading.diff, signed=True), "bold"),
                Column("pages", with_sign(reading.diff_pages)),
                state_column,
            ],
            [
                Column("rate", f"{mib(int(abs(balloon.rate)))}/s" if moving else DASH),
                Column("settles", f"in {duration(eta)}" if eta is not None and moving else DASH),
                Column("", source, "$foreground-muted"),
            ],
        ],
        width,
        least=max(16, len(f"target {mib(reading.ram)}")),
    )


def ledger(balloon: Balloon, now: float, width: int, *, alone: bool = False) -> list[Content]:
    """What was asked, given and gained, what that means, and the age of the guest's figures; the fullest form first.

    Every form explains a loss, and memory that neither side has.

    :param alone: without the plot, in its place too.
    """
    foreign: list[Part] = [] if balloon.ours else [("target set by another client", "$warning"), f"  {DOT} "]
    freshness = Content.assemble(*foreign, *_freshness(balloon, now))
    # Where rows are short, fresh figures need no line that says so.
    pressing = Content("") if balloon.ours and is_fresh(balloon.stats, now) else freshness
    book = balloon.ledger
    if book is None:
        return [freshness]
    figures, all_words = ledger_text.figures(book, width), ledger_text.words(book, WORDS_MOST)
    first = ledger_text.words(book, 1)
    grave = Content("")
    if book.loss or book.void:  # and the reason, with a remedy, in short
        hint = Content.styled(book.backing.hint if book.backing else "", "$foreground-muted")
        grave = Content("\n").join(part for part in (first, hint) if part.plain)
    tall, low = (ledger_text.table(book, width, tall=tall) for tall in (True, False))
    brief = ledger_text.brief(book, width)
    forms = [
        [tall, figures, all_words, freshness],
        [tall, figures, grave or first, freshness],
        [low, figures, grave or first, freshness],
        [low, figures, grave, freshness],
        [brief, grave, freshness],
        [brief, grave, pressing],
    ]
    if alone:
        whole = ledger_text.table(book, width, tall=True, paged=True)
        forms[:0] = [[whole, figures, all_words, freshness], [whole, figures, grave or first, freshness]]
    return [Content("\n").join(part for part in form if part.plain) for form in forms]


def _freshness(balloon: Balloon, now: float) -> list[Part]:
    """The age of the guest's figures, or why there are none."""
    stats = balloon.stats
    if stats is None:
        return [("no guest statistics", "$foreground-muted")]
    if not stats.last_update:
        why = "its driver never sent any" if stats.interval else "polling is off"
        return [(f"no guest statistics: {why}", "$foreground-muted")]
    old = now - stats.last_update
    if not stats.interval:
        return [
            ("guest figures are ", "$foreground-muted"),
            (f"{age(old):>4} old", "$warning"),
            ("; polling is off", "$foreground-muted"),
        ]
    parts: list[Part] = [
        ("guest figures are ", "$foreground-muted"),
        (f"{age(old):>4} old", "$warning" if is_late(stats, now) else "$foreground-muted"),
    ]
    if stats.caches is not None:
        parts.append((f"  {DOT} caches {mib(stats.caches)}", "$foreground-muted"))
    if stats.swap_out:
        parts.append((f"  {DOT} {mib(stats.swap_out)} swapped out", "$foreground-muted"))
    return parts


def silence(trouble: str, balloon: Balloon) -> Content:
    """The text shown while QEMU does not answer."""
    words = Content.assemble((trouble, "bold $error"), ("; the numbers are the last ones read", "$foreground-muted"))
    if balloon.unanswered is None:
        return words
    sent = f"a target of {mib(balloon.unanswered)} was sent and is pending: QEMU applies it when it answers again"
    return Content("\n").join([words, Content.styled(sent, "$warning")])


def situation(balloon: Balloon, *, evidence: int = 3) -> Content:
    """Why the balloon is stalled or absent, what to do, and the evidence; empty otherwise.

    :param evidence: maximum lines of evidence.
    """
    verdict = balloon.verdict
    lines: list[list[Part]] = []
    if verdict.cause:
        lines.append([(verdict.state.value, STATE_STYLES[verdict.state]), f": {verdict.cause}"])
        if verdict.advice:
            lines.append([(f"{ARROW} ", "$accent"), verdict.advice])
        if verdict.send_again:
            key: list[Part] = [(key_name("balloon.again", "a"), "bold $accent"), (" sends it", "$foreground-muted")]
            lines[-1] += ["  ", *key] if verdict.advice else key
        lines += [[(f"  {line}", "$foreground-muted")] for line in verdict.evidence[:evidence]]
    paused = Cause.PAUSED in (verdict.code, *(note.code for note in verdict.notes))
    hidden = SHOWN_ELSEWHERE | ({Cause.STATISTICS_PAUSED} if paused else set())
    for note in verdict.notes:
        if note.code not in hidden:
            lines.append([("note", "$warning"), f": {note.text}"])
            lines += [[(f"{ARROW} ", "$accent"), note.advice]] * bool(note.advice and evidence > 1)
    return _lines(lines)


def staged_lines(plan: Forecast | None, width: int, *, live: bool, roomy: bool = True) -> Content:
    """What the staged target would do, and the keys that send or discard it; at least two lines.

    :param roomy: whether there is room for all reasons why it would gain nothing, or only for one line.
    """
    if plan is None:
        keys = (f"{staging_keys(' ')} 1\u20269 or {key_name('balloon.type', 't')} stage a target", "$foreground-muted")
        live_words = ("live: each change is sent at once", "bold $warning")
        return _lines([[("staged  ", "$foreground-muted"), DASH], [live_words if live else keys]])
    asks = f" asks first: {plan.risk_words}" if plan.risky else " sends it"
    send = Content.assemble(
        (key_name("balloon.send", "enter"), "bold $accent"), (asks, "$warning" if plan.risky else "")
    )
    drop = Content.assemble((key_name("balloon.drop", "esc"), "bold $accent"), (" discards it", "$foreground-muted"))
    reasons = () if plan.gain is None or not plan.gain.taken else plan.gain.why if roomy else (plan.gain.hint,)
    why = [Content.styled(line, "$warning") for line in reasons]
    return Content("\n").join([flow(forecast_parts(plan), width), *why, flow([send, drop], width)])


def staging_keys(between: str) -> str:
    """The four keys that stage a target by steps, small steps first."""
    defaults = (("less", "-"), ("more", "+"), ("much-less", "["), ("much-more", "]"))
    less, more, much_less, much_more = (key_name(f"balloon.{name}", key) for name, key in defaults)
    return f"{less} {more}{between}{much_less} {much_more}"


def forecast_parts(plan: Forecast) -> list[Content]:
    """What a target would do, fact by fact; none is split over two lines."""
    muted = "$foreground-muted"
    parts = [Content.assemble(("staged  ", muted), (mib(plan.target), "bold $target"))]
    if plan.waits:
        parts.append(Content.styled(plan.waits, "$warning"))
    if plan.available is not None:
        style = "bold $error" if plan.risky else "bold"
        parts.append(Content.assemble(("leaves ", muted), (mib(plan.available), style), (" available", muted)))
        if plan.age is not None:
            parts.append(Content.styled(f"figures {age(plan.age)} old", "$warning"))
    if plan.seconds is not None:
        steps = f" and {plan.steps} steps" if plan.steps > 1 else ""
        parts.append(Content.styled(f"in {duration(plan.seconds)}{steps}", muted))
    elif plan.steps > 1:
        parts.append(Content.styled(f"in {plan.steps} steps", muted))
    if plan.gain is not None:
        loss = "bold $error" if plan.gain.low < 0 else "bold $warning"
        parts.append(Content.styled(plan.gain.words, loss if plan.gain.taken else muted))
    if plan.floor is not None:
        parts.append(Content.styled(f"floor {mib(plan.floor.size)}, {plan.floor.why}", muted))
    return parts


def risk_words(name: str, plan: Forecast) -> tuple[str, str]:
    """Title and text of the question before a target that may leave the guest with too little memory."""
    why = f" ({plan.floor.why})" if plan.floor and plan.risk is Risk.BELOW_FLOOR else ""
    facts = [f"That is {plan.risk_words}{why}."]
    if plan.available is not None:
        old = f" (figures {age(plan.age)} old)" if plan.age is not None else ""
        facts.append(f"It would have about {mib(plan.available)} available{old}.")
    facts.append("A guest that runs out of memory kills processes, or stalls while it reclaims pages.")
    return f"Leave {name} with {mib(plan.target)}?", " ".join(facts)


def empty_words(snapshot: GuestSnapshot | None) -> Content:
    """The panel's text when there is no balloon to read."""
    if snapshot is None:
        return _lines([[(f"No guest. Press {key_name('pane.guests', 'g')} for the list.", "$foreground-muted")]])
    if snapshot.phase is Phase.STARTING:
        return _lines([[f"{snapshot.name} is starting", ("\u2026", "$foreground-muted")]])
    if not snapshot.phase.alive:
        lines: list[list[Part]] = []
        if snapshot.ended:
            style = "$success" if snapshot.ended.orderly else "bold $error"
            lines.append([f"{snapshot.name} was ", (snapshot.ended.words, style)])
            if snapshot.ended_cause:
                lines.append([(snapshot.ended_cause, "$warning")])
            lines += [[(f"  {line}", "$foreground-muted")] for line in snapshot.ended_output.splitlines()[-6:]]
        else:
            lines.append([(f"{snapshot.name} is stopped.", "$foreground-muted")])
        if snapshot.problems:
            lines.append([("its profile has problems: run ", "$warning"), f"workbench check {snapshot.name}"])
            return _lines(lines)
        lines.append([(key_name("guest.start", "s"), "bold $accent"), ("  starts it", "$foreground-muted")])
        lines += [[(caution, "$warning")] for caution in snapshot.cautions]
        return _lines(lines)
    if not snapshot.answering:
        return _lines([[(snapshot.trouble, "bold $error")]])
    return _lines([[("Reading the balloon\u2026", "$foreground-muted")]])


def _lines(lines: list[list[Part]]) -> Content:
    return Content("\n").join(Content.assemble(*line) for line in lines)
