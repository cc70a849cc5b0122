"""Every error that estudio raises: one tree, so that a caller can catch as much or as little as it wants.

What a *script* does wrong is never raised: it is a value, `ScriptOutcome.error`. These are our own failures
and bad input.

    EstudioError                    anything below
    ├── InvalidUsage                an argument or option that cannot be (exit code 2)
    ├── InvalidInput                something from outside that cannot be read (exit code 3)
    │   ├── InvalidScript           the script file: missing, too large
    │   ├── InvalidDataset          a table file or object: broken, unsupported, a wrong value in row r, column c
    │   ├── InvalidBundle           the zip or folder at the third port
    │   ├── InvalidDocument         a TOML or YAML document of ours; `problems` names each with its line
    │   ├── InvalidWorkspace        no workspace here, or one of a later version
    │   ├── NotFound                nothing of that name in the workspace
    │   │   ├── ExperimentNotFound
    │   │   ├── ModuleNotFound
    │   │   ├── PortNotFound
    │   │   ├── DatasetNotFound
    │   │   ├── RunNotFound
    │   │   ├── ServiceNotFound
    │   │   ├── VersionNotFound
    │   │   ├── EndpointNotFound
    │   │   ├── KeyNotFound
    │   │   └── JobNotFound
    │   └── InvalidCall             a web service call that does not fit the service; `problems` has each with its place
    ├── AccessDenied                a missing, wrong or expired key, or one that does not allow this (exit code 3)
    ├── ServiceBusy                 the server cannot take this call now; try again later (exit code 6)
    │   ├── ServiceThrottled        as many calls as the endpoint allows are in flight
    │   └── RateLimited             the key's calls of this minute are used up
    ├── OutputFailed                a result could not be written where it was asked (exit code 3)
    ├── StoreFailed                 runs, datasets or results cannot be kept or read (exit code 3)
    │   ├── StoreDiskFull           no room
    │   ├── StoreLocked             another process holds the database for too long
    │   ├── StoreDamaged            the database or its version cannot be used
    │   ├── StateConflict           a change of state that the state machine forbids
    │   ├── ObjectMissing           a stored object is gone
    │   └── ObjectDamaged           a stored object has not its size, framing or digest
    ├── EnvironmentFailed           an environment cannot be had (exit code 4)
    │   ├── EnvironmentNotFound     no environment of that name or file
    │   ├── InterpreterNotFound     the Python version is not installed
    │   ├── PackagesUnresolvable    no set of versions satisfies the packages
    │   ├── RegistryUnreachable     the package registry does not answer
    │   └── EnvironmentDiskFull     no room to build it
    └── SandboxUnavailable          this machine gives no walls of the configured level (exit code 5)
        └── SandboxBroken           the walls stood, but the zygote or guest did not do its part
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FACT_CHARACTERS = 2_000
"""Text from outside inside an error: enough to recognise it, too little to flood a log."""


class EstudioError(Exception):
    """The root. `code` is stable, `message` is for people, `facts` are for programs."""

    code: ClassVar[str] = "estudio-error"

    def __init__(self, message: str, **facts: str | float | None) -> None:
        super().__init__(message)
        self.message = message
        self.facts = {name: _bounded(value) for name, value in facts.items()}


class InvalidUsage(EstudioError):
    """An argument or option that cannot be."""

    code = "invalid-usage"


class InvalidInput(EstudioError):
    """Something from outside that cannot be read."""

    code = "invalid-input"


class InvalidScript(InvalidInput):
    """The script file is missing, unreadable or too large."""

    code = "invalid-script"


class InvalidDataset(InvalidInput):
    """A table that cannot be read: broken, unsupported, or with a wrong value somewhere."""

    code = "invalid-dataset"


class InvalidBundle(InvalidInput):
    """The zip or folder at the third port cannot be unpacked."""

    code = "invalid-bundle"


class InvalidDocument(InvalidInput):
    """A document of ours (TOML, YAML) that does not follow its rules."""

    code = "invalid-document"

    def __init__(self, message: str, *, problems: Sequence[str] = (), **facts: str | float | None) -> None:
        super().__init__(message, **facts)
        self.problems = tuple(problems)


class InvalidWorkspace(InvalidInput):
    """There is no workspace here, or it is of a later version."""

    code = "invalid-workspace"


class NotFound(InvalidInput):
    """Nothing of that name is in the workspace."""

    code = "not-found"


class ExperimentNotFound(NotFound):
    """No experiment of that name."""

    code = "experiment-not-found"


class ModuleNotFound(NotFound):
    """No module of that name in the experiment or run."""

    code = "module-not-found"


class PortNotFound(NotFound):
    """No port of that name on the module."""

    code = "port-not-found"


class DatasetNotFound(NotFound):
    """No dataset of that name or version."""

    code = "dataset-not-found"


class RunNotFound(NotFound):
    """No run of that id, or several that begin with it."""

    code = "run-not-found"


class ServiceNotFound(NotFound):
    """No web service of that name or id."""

    code = "service-not-found"


class VersionNotFound(NotFound):
    """No version of that number."""

    code = "version-not-found"


class EndpointNotFound(NotFound):
    """No endpoint of that name or id."""

    code = "endpoint-not-found"


class KeyNotFound(NotFound):
    """No key of that id."""

    code = "key-not-found"


class JobNotFound(NotFound):
    """No job of that id."""

    code = "job-not-found"


@dataclass(frozen=True, slots=True)
class CallProblem:
    """One thing that is wrong with a call.

    Attributes:
        code: stable. About the whole: `wrong-body` (no object of inputs and parameters). About inputs:
            `missing-input`, `unknown-input`. About tables: `wrong-shape` (neither form of a table, rows of a wrong
            length, too many rows), `missing-column`, `unknown-column`, `duplicate-column`, `wrong-type` (a cell, or a
            column's type). About parameters: `missing-parameter`, `unknown-parameter`, `wrong-parameter`.
        message: for people.
        pointer: JSON Pointer (RFC 6901) to the place in the body, `""` for the whole; rows count from 0.
        input: the input's or parameter's name.
        row: counted from 0; None where it is not about one row.
        column: its name.
    """

    code: str
    message: str
    pointer: str = ""
    input: str | None = None
    row: int | None = None
    column: str | None = None


class InvalidCall(InvalidInput):
    """A web service call that does not fit the service.

    `kind` says how the body itself is wrong, for the status: `schema` (400), `syntax` (400), `too-large` (413),
    `media-type` (415), `encoding` (415), `timeout` (408), `length` (411), `not-acceptable` (406).
    """

    code = "invalid-call"

    def __init__(
        self, message: str, *, kind: str = "schema", problems: Sequence[CallProblem] = (), **facts: str | float | None
    ) -> None:
        super().__init__(message, **facts)
        self.kind = kind
        self.problems = tuple(problems)


class AccessDenied(EstudioError):
    """The key is missing, wrong or expired, or does not allow this."""

    code = "access-denied"


class ServiceBusy(EstudioError):
    """The server cannot take this call now. `retry_after_seconds` is a fact."""

    code = "service-busy"


class ServiceThrottled(ServiceBusy):
    """As many calls as the endpoint allows are in flight."""

    code = "service-throttled"


class RateLimited(ServiceBusy):
    """The key's calls of this minute are used up."""

    code = "rate-limited"


class OutputFailed(EstudioError):
    """A result could not be written where it was asked."""

    code = "output-failed"


class StoreFailed(EstudioError):
    """Runs, datasets or results cannot be kept or read."""

    code = "store-failed"


class StoreDiskFull(StoreFailed):
    """There is no room to keep a result; what was finished before is kept."""

    code = "store-disk-full"


class StoreLocked(StoreFailed):
    """Another process holds the database for too long."""

    code = "store-locked"


class StoreDamaged(StoreFailed):
    """The database is damaged, or was written by a later version."""

    code = "store-damaged"


class StateConflict(StoreFailed):
    """A change of state that the state machine forbids."""

    code = "state-conflict"


class ObjectMissing(StoreFailed):
    """A stored object is gone."""

    code = "object-missing"


class ObjectDamaged(StoreFailed):
    """A stored object has not the size, framing or digest it was stored with."""

    code = "object-damaged"


class EnvironmentFailed(EstudioError):
    """An environment cannot be had."""

    code = "environment-failed"


class EnvironmentNotFound(EnvironmentFailed):
    """No environment of that name, or no such file."""

    code = "environment-not-found"


class InterpreterNotFound(EnvironmentFailed):
    """The Python version that an environment asks for is not installed."""

    code = "interpreter-not-found"


class PackagesUnresolvable(EnvironmentFailed):
    """No set of versions satisfies what the environment asks for."""

    code = "packages-unresolvable"


class RegistryUnreachable(EnvironmentFailed):
    """The package registry does not answer."""

    code = "registry-unreachable"


class EnvironmentDiskFull(EnvironmentFailed):
    """There is no room to build the environment."""

    code = "environment-disk-full"


class SandboxUnavailable(EstudioError):
    """This machine does not give the walls of the configured level."""

    code = "sandbox-unavailable"


class SandboxBroken(SandboxUnavailable):
    """The walls stood, but the zygote or the guest did not do its part."""

    code = "sandbox-broken"


def _bounded(value: str | float | None) -> str | float | None:
    if isinstance(value, str) and len(value) > MAX_FACT_CHARACTERS:
        return value[:MAX_FACT_CHARACTERS] + "…"
    return value
