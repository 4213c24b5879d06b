"""The front door: reads arguments, then runs one verb or the screen, and turns errors into words and an exit code.

Nothing is imported here that ``workbench --version`` or the screen can do without.
"""

from __future__ import annotations

import sys

from workbench.settings import Settings


def main() -> None:
    """Run, and turn errors into ``workbench: what happened``, a ``hint:`` line and an exit code."""
    try:
        code = _run()
    except Exception as error:
        raise SystemExit(_explain(error)) from error
    raise SystemExit(code)


def _run() -> int:
    if len(sys.argv) == 1:
        # Nothing to parse, and the screen is there sooner without importing what parses it.
        from workbench.verbs.screen import open_screen

        open_screen(Settings())
        return 0
    from workbench.verbs.group import run

    return run()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _explain(error: Exception) -> int:
    """Print an error for people and give its exit code."""
    from workbench.domain.profile.problems import ProfileError
    from workbench.errors import StartError, WorkbenchError

    if not isinstance(error, WorkbenchError):
        return _confess(error)
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


def _confess(error: Exception) -> int:
    """A defect of ours: one line on the terminal, and the traceback kept in a file."""
    from workbench.crash import keep_traceback

    _say(f"workbench: a defect of its own: {type(error).__name__}: {error}")
    _say(f"hint: {keep_traceback(error, Settings().data)}")
    return 1


if __name__ == "__main__":
    main()
