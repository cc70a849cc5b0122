"""Every state and every error class through the one table."""

from __future__ import annotations

import gc
import inspect

import pytest

from estudio import errors
from estudio.cli import main
from estudio.cli.exit_codes import (
    EXIT_CODES,
    ExitCode,
    exit_code_of_error,
    exit_code_of_run,
    exit_code_of_state,
)
from estudio.cli.run_report import STATE_WORDS
from estudio.core.outcome import ScriptState
from estudio.core.run import ModuleRun, ModuleState, RunState
from estudio.errors import EstudioError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, EstudioError)]
PUBLISHED = {
    "InvalidUsage": 2,
    "InvalidInput": 3,
    "InvalidScript": 3,
    "InvalidDataset": 3,
    "InvalidBundle": 3,
    "InvalidDocument": 3,
    "InvalidWorkspace": 3,
    "NotFound": 3,
    "ExperimentNotFound": 3,
    "ModuleNotFound": 3,
    "PortNotFound": 3,
    "DatasetNotFound": 3,
    "RunNotFound": 3,
    "ServiceNotFound": 3,
    "VersionNotFound": 3,
    "EndpointNotFound": 3,
    "KeyNotFound": 3,
    "JobNotFound": 3,
    "InvalidCall": 3,
    "AccessDenied": 3,
    "ServiceBusy": 6,
    "ServiceThrottled": 6,
    "RateLimited": 6,
    "OutputFailed": 3,
    "StoreFailed": 3,
    "StoreDiskFull": 3,
    "StoreLocked": 3,
    "StoreDamaged": 3,
    "StateConflict": 3,
    "ObjectMissing": 3,
    "ObjectDamaged": 3,
    "EnvironmentFailed": 4,
    "EnvironmentNotFound": 4,
    "InterpreterNotFound": 4,
    "PackagesUnresolvable": 4,
    "RegistryUnreachable": 4,
    "EnvironmentDiskFull": 4,
    "SandboxUnavailable": 5,
    "SandboxBroken": 5,
    "EstudioError": 70,
}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_class_has_its_published_code(kind: type[EstudioError]) -> None:
    assert exit_code_of_error(kind) == PUBLISHED[kind.__name__]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("finished", 0),
        ("failed", 1),
        ("killed", 1),
        ("timed-out", 6),
        ("out-of-memory", 6),
        ("output-too-large", 6),
        ("cancelled", 130),
    ],
)
def test_every_state_has_its_published_code_and_words(state: str, code: int) -> None:
    assert exit_code_of_state(ScriptState(state)) == code
    assert STATE_WORDS[ScriptState(state)]


def test_no_state_is_forgotten() -> None:
    assert set(ScriptState) <= set(EXIT_CODES)
    assert set(ScriptState) == set(STATE_WORDS)


def test_an_unknown_error_below_a_known_one_has_its_code() -> None:
    class DatasetTooOld(errors.InvalidDataset):
        pass

    code = exit_code_of_error(DatasetTooOld)
    del DatasetTooOld
    gc.collect()  # other tests walk the tree of classes
    assert code == ExitCode.BAD_INPUT


def test_the_codes_that_main_repeats_are_those_of_the_table() -> None:
    repeated = (main.OUTPUT_FAILED, main.INTERRUPTED, main.OUTPUT_CLOSED)
    assert repeated == (exit_code_of_error(errors.OutputFailed), ExitCode.INTERRUPTED, ExitCode.OUTPUT_CLOSED)


@pytest.mark.parametrize(
    ("state", "errors", "code"),
    [
        (RunState.FINISHED, [], ExitCode.FINISHED),
        (RunState.FAILED, ["script-raised"], ExitCode.SCRIPT_FAILED),
        (RunState.FAILED, ["invalid-dataset", "timed-out"], ExitCode.SCRIPT_FAILED),
        (RunState.FAILED, ["timed-out", "out-of-memory", "output-too-large"], ExitCode.LIMIT),
        (RunState.FINISHED_WITH_FAILURES, ["script-raised"], ExitCode.SCRIPT_FAILED),
        (RunState.CANCELLED, [], ExitCode.INTERRUPTED),
    ],
)
def test_a_run_ends_with_the_code_of_its_state_or_of_limits(state: RunState, errors: list[str], code: ExitCode) -> None:
    failed = [ModuleRun(f"m{error}", "k", ModuleState.FAILED, error={"code": error}) for error in errors]
    assert exit_code_of_run(state, [ModuleRun("ok", "k", ModuleState.FINISHED), *failed]) == code


def test_every_state_of_a_run_has_its_code() -> None:
    assert set(RunState) <= set(EXIT_CODES)
