"""The entry point: runs one command line and turns every way to end into an exit code.

Nothing but this module is imported before `main` runs, so that even Ctrl-C during start-up ends without a traceback.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.cli.door import Door

DEBUG = "ESTUDIO_DEBUG"
"""Set it to 1 to see the traceback of a failure in estudio itself."""
COLLECT_AFTER_OBJECTS = 50_000
"""Python's 700 collects garbage dozens of times while a command is imported, and finds none."""
OUTPUT_FAILED, INTERRUPTED, OUTPUT_CLOSED = 3, 130, 141
"""As in `estudio.cli.exit_codes`, which is not imported before it is needed; a test compares them."""


def main(argv: Sequence[str] | None = None, *, door: Door | None = None) -> int:
    """Run a command line.

    Args:
        argv: the arguments without the program's name; those of the process when left out.
        door: what the commands ask; the real workspace when left out.

    Returns:
        The exit code: see `estudio.cli.exit_codes`.
    """
    if argv is None:
        sys.meta_path.insert(0, _NoDataFrames)
        gc.set_threshold(COLLECT_AFTER_OBJECTS)
    arguments = list(sys.argv[1:] if argv is None else argv)
    _prepare_streams()
    code = 0
    try:
        code = _end(arguments, door)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_standard_output()
        return OUTPUT_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _silence_standard_output()
        if not code:
            sys.stderr.write(f"error: Standard output cannot be written: {error.strerror}.\n")
        return code or OUTPUT_FAILED
    return code


def _end(arguments: list[str], door: Door | None) -> int:
    """Run the command; failures become words (or JSON) and a code."""
    try:
        from estudio.cli.app import run_command_line  # noqa: PLC0415

        return run_command_line(arguments, door)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost edge: every failure ends in words
        from estudio.cli.failures import report_failure  # noqa: PLC0415

        return report_failure(
            error, json=bool({"--json", "--json-lines"} & set(arguments)), debug=os.environ.get(DEBUG) == "1"
        )


class _NoDataFrames:
    """A finder that makes pandas and NumPy look as if they were not installed, in a process that is ours alone.

    pyarrow imports both where they are there: more than half a second for nothing, because the host never touches a
    DataFrame. Scripts have those of their environment, in another process. (`None` in `sys.modules` does not do:
    compiled code takes it for the module.)
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - Python's protocol
        """Refuse these two; leave all others to the next finder."""
        if name in ("numpy", "pandas"):
            raise ModuleNotFoundError("The host process leaves it out.", name=name)


def _prepare_streams() -> None:
    """Make both streams usable: there, and unable to fail on a character that the terminal's encoding lacks."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence_standard_output() -> None:
    """Let the interpreter's last flush go nowhere instead of complaining about the closed pipe."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
