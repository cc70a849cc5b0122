"""Exit codes: the one table from outcomes and errors to numbers.

An error class has the code of its nearest ancestor in the table, so that a new class below a known one needs no entry.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from estudio.core.outcome import ScriptState
from estudio.core.run import ModuleState, RunState
from estudio.errors import (
    AccessDenied,
    EnvironmentFailed,
    EstudioError,
    InvalidInput,
    InvalidUsage,
    OutputFailed,
    SandboxUnavailable,
    ServiceBusy,
    StoreFailed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estudio.core.run import ModuleRun


class ExitCode(IntEnum):
    """How `estudio` ends: 1 and 6 speak of the script, 2 and 3 of what was given, 4 and 5 of the machine."""

    FINISHED = 0
    SCRIPT_FAILED = 1
    USAGE = 2
    BAD_INPUT = 3
    ENVIRONMENT = 4
    SANDBOX_UNAVAILABLE = 5
    LIMIT = 6
    BUG = 70
    """EX_SOFTWARE of `sysexits.h`: a failure of estudio that nobody foresaw."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells say it."""
    OUTPUT_CLOSED = 141
    """128 + SIGPIPE, as shells say it: whoever read standard output went away."""


EXIT_CODES: dict[ScriptState | RunState | type[EstudioError], ExitCode] = {
    ScriptState.FINISHED: ExitCode.FINISHED,
    ScriptState.FAILED: ExitCode.SCRIPT_FAILED,
    ScriptState.KILLED: ExitCode.SCRIPT_FAILED,
    ScriptState.TIMED_OUT: ExitCode.LIMIT,
    ScriptState.OUT_OF_MEMORY: ExitCode.LIMIT,
    ScriptState.OUTPUT_TOO_LARGE: ExitCode.LIMIT,
    ScriptState.CANCELLED: ExitCode.INTERRUPTED,
    RunState.FINISHED: ExitCode.FINISHED,
    RunState.RUNNING: ExitCode.FINISHED,
    RunState.FINISHED_WITH_FAILURES: ExitCode.SCRIPT_FAILED,
    RunState.FAILED: ExitCode.SCRIPT_FAILED,
    RunState.CANCELLED: ExitCode.INTERRUPTED,
    RunState.INTERRUPTED: ExitCode.INTERRUPTED,
    InvalidUsage: ExitCode.USAGE,
    InvalidInput: ExitCode.BAD_INPUT,
    OutputFailed: ExitCode.BAD_INPUT,
    StoreFailed: ExitCode.BAD_INPUT,
    AccessDenied: ExitCode.BAD_INPUT,
    ServiceBusy: ExitCode.LIMIT,
    EnvironmentFailed: ExitCode.ENVIRONMENT,
    SandboxUnavailable: ExitCode.SANDBOX_UNAVAILABLE,
    EstudioError: ExitCode.BUG,
}
_LIMIT_STATES = {
    state.value for state, code in EXIT_CODES.items() if code is ExitCode.LIMIT and isinstance(state, ScriptState)
}
"""Also the codes of the errors of modules that hit a limit."""


def exit_code_of_state(state: ScriptState) -> ExitCode:
    """The exit code of a script call that ended in this state."""
    return EXIT_CODES[state]


def exit_code_of_run(state: RunState, modules: Iterable[ModuleRun]) -> ExitCode:
    """The exit code of a run: that of limits where nothing failed but by a limit, else that of its state."""
    errors = {str((module.error or {}).get("code")) for module in modules if module.state is ModuleState.FAILED}
    if errors and errors <= _LIMIT_STATES:
        return ExitCode.LIMIT
    return EXIT_CODES[state]


def exit_code_of_error(error: type[EstudioError]) -> ExitCode:
    """The exit code of an error class: its own, or that of its nearest ancestor."""
    return next(EXIT_CODES[ancestor] for ancestor in error.__mro__ if ancestor in EXIT_CODES)
