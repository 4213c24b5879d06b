"""``script/bench``: print each figure with its limit; exit 1 if one exceeds it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError

from . import completion, console, editor, plot, profiles, roundtrip, screen, verbs, version
from .figures import Figure, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALONE: dict[str, Callable[[], list[Figure]]] = {
    "version": version.measure,
    "verbs": verbs.measure,
    "roundtrip": roundtrip.measure,
    "editor": editor.measure,
    "console": console.measure,
    "completion": completion.measure,
    "plot": plot.measure,
    "profiles": profiles.measure,
}
FAILED = "failed"
WITH_A_GUEST = ("tree", "start", "idle", "change", "sampling", "month", "keys")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measure the performance limits that the workbench promises.",
        epilog=screen.__doc__,
    )
    names = (*ALONE, *WITH_A_GUEST)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"{', '.join(names)}; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    unknown = set(options.what) - set(names)
    if unknown:
        parser.error(f"unknown measurement: {', '.join(sorted(unknown))} (choose from {', '.join(names)})")

    figures, others = [], []
    for measured in _run(set(options.what) or set(names)):
        if isinstance(measured, Figure):
            figures.append(measured)
        else:
            others.append(measured)
        if not options.json:
            print(measured, flush=True)
    if options.json:
        results = [{**asdict(figure), "ok": figure.ok} for figure in figures]
        print(json.dumps({"figures": results, "others": others}, indent=2, ensure_ascii=False))
    failed = any(text.startswith(FAILED) for text in others)
    return 0 if all(figure.ok for figure in figures) and not failed else 1


def _run(wanted: set[str]) -> Iterator[Figure | str]:
    """Each figure as soon as it is measured; a string for each measurement that was skipped or failed."""
    steps = {name: step for name, step in ALONE.items() if name in wanted}
    together = wanted.intersection(WITH_A_GUEST)
    if together:
        steps[", ".join(sorted(together))] = lambda: screen.measure(together)
    for name, step in steps.items():
        try:
            yield from step()
        except (Unavailable, WorkbenchError) as error:
            yield f"skipped: {name}: {error}"
        except (RuntimeError, TimeoutError, OSError) as error:
            yield f"{FAILED}: {name}: {error}"


if __name__ == "__main__":
    sys.exit(main())
