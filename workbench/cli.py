"""The entry point: runs one verb or the screen, and turns errors into a message and an exit code.

Imports nothing that ``workbench --version`` or the screen does not need.
"""

from __future__ import annotations

import gc
import sys

from workbench.settings import Settings

GARBAGE = 50_000
"""New objects after which a verb looks for unused ones."""


def main() -> None:
    """Run, and report errors as ``workbench: what happened``, a ``hint:`` line and an exit code."""
    try:
        code = _run()
    except Exception as error:
        raise SystemExit(_explain(error)) from error
    finally:
        gc.freeze()  # the interpreter's end would look through all objects once more, for a fifth of a verb's time
    raise SystemExit(code)


def _run() -> int:
    if len(sys.argv) == 1:
        # Nothing to parse: without importing the parser the screen opens sooner.
        from workbench.verbs.screen import open_screen

        open_screen(Settings())
        return 0
    # A verb makes many objects that last until its end; looking through them again and again takes a tenth of its time.
    gc.set_threshold(GARBAGE)
    from workbench.verbs.group import run

    return run()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _explain(error: Exception) -> int:
    """Print an error and return its exit code."""
    from workbench.domain.profile.problems import ProfileError
    from workbench.errors import StartError, WorkbenchError

    if not isinstance(error, WorkbenchError):
        return _report_crash(error)
    _say(f"workbench: {error.message}")
    if isinstance(error, ProfileError):
        for problem in error.problems:
            _say(f"  {problem}")
    if isinstance(error, StartError) and error.output:
        for line in error.output.rstrip().splitlines():
            _say(f"  | {line}")
    for line in error.hint.splitlines():
        _say(f"hint: {line}")
    error.__traceback__ = None
    return error.exit_code


def _report_crash(error: Exception) -> int:
    """Print an internal error as one line and keep its traceback in a file."""
    from workbench.crash import keep_traceback

    _say(f"workbench: internal error (please report): {type(error).__name__}: {error}")
    _say(f"hint: {keep_traceback(error, Settings().data)}")
    return 1


if __name__ == "__main__":
    main()
