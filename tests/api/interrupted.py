"""Waits for a guest until Ctrl-C, then shows that it can still be used, and that nothing is left when it is closed."""

from __future__ import annotations

import asyncio
import sys
import threading

import workbench


def never(_snapshot: workbench.GuestSnapshot) -> bool:
    print("waiting", flush=True)
    return False


def wait(kind: str, guest: workbench.BlockingGuest) -> None:
    """Wait for what does not come, and print a line once waiting."""
    if kind == "condition":
        guest.wait_until(never, 600)
        return
    with guest.events() as events:
        print("waiting", flush=True)
        next(events)


async def tasks() -> int:
    """How many there are: this one, and the one that keeps the loop running."""
    return len(asyncio.all_tasks())


def main() -> None:
    with workbench.connect() as engine:
        guest = engine.guest("fw")
        try:
            wait(sys.argv[1], guest)
        except KeyboardInterrupt:
            print("interrupted")
        print(engine.run(lambda _engine: tasks()), "tasks")
        print(guest.execute("query-name"))
        with guest.events():
            print("events")
    print(threading.active_count(), "thread")


main()
