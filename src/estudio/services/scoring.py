"""One call of a version in memory: live modules one after the other, in the thread of the caller.

Modules are not run in parallel: a call that waits for two cores takes them from the calls beside it.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from estudio.core.outcome import ScriptError, ScriptState, Visualization
from estudio.errors import EnvironmentFailed, EstudioError, InvalidCall, SandboxUnavailable, ServiceBusy, StoreFailed
from estudio.services.calling import ModuleFailure, ScoreOutcome
from estudio.services.published_graph import PASSED_PORT

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from estudio.core.module_kind import Value
    from estudio.modules.behaviour import ModuleOutcome, PortValue
    from estudio.services.calling import ScoreCall
    from estudio.services.scoring_modules import ScoringModule
    from estudio.tables.table import Table

DEFAULT_SECONDS = 24 * 3600.0
"""Of a call without a deadline, such as a part of a job: its scripts' own timeouts end it much earlier."""
SEED_BITS = 32
"""What NumPy takes."""


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What holds for one call.

    Attributes:
        deadline: `time.monotonic()` at which it is to end.
        seed: for modules without one of their own.
        memory_bytes: of each script; None keeps what the modules say.
        cancelled: set when nobody wants the answer any more.
        given: values of parameters; the others keep their default.
    """

    deadline: float
    seed: int
    memory_bytes: int | None = None
    cancelled: threading.Event | None = None
    given: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScoringGraph:
    """What a call works with; nothing in it changes. Any thread may use it.

    Attributes:
        modules: the live ones, each after those that it takes from.
        values: what modules that are not live gave, by module and port.
        defaults: tables of inputs that a call does not give, by web-service-input module.
        outputs: where the tables of the service's outputs come from, by name.
    """

    modules: tuple[ScoringModule, ...]
    values: Mapping[tuple[str, str], PortValue]
    defaults: Mapping[str, Table]
    outputs: Mapping[str, tuple[str, str]]

    def with_values(self, values: Mapping[tuple[str, str], PortValue]) -> ScoringGraph:
        """The same with some values replaced."""
        return replace(self, values={**self.values, **values})


class _Stopped(Exception):
    """The call cannot go on; never leaves this file."""

    def __init__(self, failure: ModuleFailure) -> None:
        super().__init__(failure.module)
        self.failure = failure


def score_call(
    graph: ScoringGraph, call: ScoreCall, memory_bytes: int | None = None, deadline: float | None = None
) -> ScoreOutcome:
    """Do one call; see `services.calling.LoadedVersion.score`. A deadline here stands for the call's own.

    Raises:
        SandboxUnavailable, EnvironmentFailed, StoreFailed: our own failures.
        ServiceBusy: the version is being closed.
        InvalidCall: a parameter's value does not fit.
    """
    begin = time.monotonic()
    until = call.deadline if deadline is None else deadline
    terms = CallTerms(
        begin + DEFAULT_SECONDS if until is None else until,
        random.getrandbits(SEED_BITS) if call.seed is None else call.seed,
        memory_bytes,
        call.cancelled,
        call.parameters,
    )
    work = _Work(graph, call.inputs, terms)
    try:
        outputs, failure = work.run(), None
    except _Stopped as stopped:
        outputs, failure = {}, stopped.failure
    return ScoreOutcome(outputs, failure, work.visualizations, time.monotonic() - begin, work.queue_seconds)


class _Work:
    """The values of one call while it goes on."""

    __slots__ = ("_graph", "_inputs", "_terms", "_values", "queue_seconds", "visualizations")

    def __init__(self, graph: ScoringGraph, inputs: Mapping[str, Table], terms: CallTerms) -> None:
        self._graph = graph
        self._inputs = inputs
        self._terms = terms
        self._values: dict[tuple[str, str], PortValue] = dict(graph.values)
        self.visualizations: dict[str, Visualization] = {}
        self.queue_seconds = 0.0

    def run(self) -> dict[str, Table]:
        for module in self._graph.modules:
            if module.entry is None:
                self._execute(module)
            else:
                given = self._inputs.get(module.entry)
                self._values[module.name, PASSED_PORT] = self._graph.defaults[module.name] if given is None else given
        return {name: cast("Table", self._values[key]) for name, key in self._graph.outputs.items()}

    def _execute(self, module: ScoringModule) -> None:
        self._check_time(module)
        values = self._values
        inputs = {port: values[key] for port, key in module.sources if key in values}
        missing = next((port for port in module.required if port not in inputs), None)
        if missing is not None:
            raise _Stopped(_missing(module, missing))
        if module.passes:
            values[module.name, PASSED_PORT] = next(iter(inputs.values()))
            return
        try:
            outcome = module.execute(inputs, self._terms)
        except (SandboxUnavailable, EnvironmentFailed, StoreFailed, ServiceBusy, InvalidCall):
            raise
        except EstudioError as error:
            raise _Stopped(_failure(module, ScriptState.FAILED, error.code, error.message)) from error
        self._keep(module, outcome)

    def _keep(self, module: ScoringModule, outcome: ModuleOutcome) -> None:
        name = module.name
        for port, value in outcome.outputs.items():
            if isinstance(value, Visualization):
                self.visualizations[name] = value
            else:
                self._values[name, port] = value
        if outcome.timings is not None:
            self.queue_seconds += outcome.timings.queue_seconds
        if outcome.cancelled and not self._is_unwanted:
            raise ServiceBusy("The version is being closed; call again.", retry_after_seconds=1)
        if outcome.error is not None:
            state = ScriptState(str(outcome.facts.get("state", ScriptState.FAILED)))
            raise _Stopped(ModuleFailure(name, module.title, state, outcome.error))

    @property
    def _is_unwanted(self) -> bool:
        return self._terms.cancelled is not None and self._terms.cancelled.is_set()

    def _check_time(self, module: ScoringModule) -> None:
        if self._is_unwanted:
            words = "The call was cancelled by whoever waited for it."
            raise _Stopped(_failure(module, ScriptState.CANCELLED, "cancelled", words))
        if self._terms.deadline <= time.monotonic():
            words = f"The time of the call was over before {module.name} began. Call with less, or allow more time."
            raise _Stopped(_failure(module, ScriptState.TIMED_OUT, "timed-out", words))


def _missing(module: ScoringModule, port: str) -> ModuleFailure:
    source = next(key for name, key in module.sources if name == port)
    words = f"The input {port} needs a table, but {source[0]} gave nothing at its port {source[1]}."
    return _failure(module, ScriptState.FAILED, "invalid-input", words)


def _failure(module: ScoringModule, state: ScriptState, code: str, message: str) -> ModuleFailure:
    return ModuleFailure(module.name, module.title, state, ScriptError(code, message))
