"""A live module of a loaded version: its settings for one call, and its execution.

Settings are resolved once for calls without parameters; a parameter costs only the modules that link to it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.experiment import Experiment, Module
from estudio.core.module_kind import ModuleShape
from estudio.core.parameter_values import resolve_settings
from estudio.core.unchecked import with_fields
from estudio.errors import CallProblem, InvalidCall, InvalidDocument, InvalidUsage
from estudio.modules.behaviour import ModuleCall, Settings
from estudio.modules.kinds.execute_python_script import environment_of, outcome_of, prepared_call, with_inputs
from estudio.services.published_graph import OUTPUT_KIND, SCRIPT_KIND, links_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.limits import Limits
    from estudio.core.module_kind import ModuleKind, Parameter, Value
    from estudio.modules.behaviour import Behaviour, ModuleOutcome, PortValue
    from estudio.modules.call_message import ScriptCall
    from estudio.modules.kind_parts import ScriptExecutors
    from estudio.services.frozen_version import FrozenVersion, LiveModule
    from estudio.services.scoring import CallTerms

KEPT_SETTINGS = 64
"""Resolved settings of a module for that many different parameters; more than one caller uses in turn."""


class SettingsOf:
    """The settings of one live module for the parameters of a call. Any thread may call it."""

    def __init__(self, live: LiveModule, kind: ModuleKind, frozen: FrozenVersion) -> None:
        self.module = Module(live.name, live.kind, live.settings, live.parameters, live.connections)
        self.links = links_of(self.module)
        self._shape = ModuleShape(parameters=kind.shape.parameters, script_parameters=live.script_parameters)
        self._fixed = dict(frozen.fixed)
        self._experiment = Experiment("", {}, _linked_parameters(frozen, self.links))

    def resolve(self, given: Mapping[str, Value]) -> Settings:
        """Settings with these parameters. Raises InvalidCall where one is missing or does not fit."""
        own = {name: value for name, value in given.items() if name in self.links}
        overrides = {**{name: value for name, value in self._fixed.items() if name in self.links}, **own}
        try:
            resolved = resolve_settings(self._experiment, self.module, self._shape, overrides)
        except (InvalidUsage, InvalidDocument) as error:
            name = next(iter(own), next(iter(self.links), ""))
            problem = CallProblem("wrong-parameter", error.message, input=name)
            raise InvalidCall(error.message, problems=[problem], parameter=name) from error
        return Settings(resolved.settings, resolved.parameters)


def _linked_parameters(frozen: FrozenVersion, links: frozenset[str]) -> dict[str, Parameter]:
    parameters = (*frozen.parameters, *frozen.fixed_parameters)
    return {parameter.name: parameter for parameter in parameters if parameter.name in links}


class ScoringModule:
    """A live module. Any thread may call it.

    Attributes:
        name: in the document.
        title: its kind's name for people.
        entry: the service's input whose table this web-service-input gives; None for all other kinds.
        passes: whether it is a web-service-output, which gives what it takes.
        sources: input ports, and the module and port that each takes from.
        required: input ports that must get something.
    """

    def __init__(self, live: LiveModule, behaviour: Behaviour, place: ModulePlace) -> None:
        self.name = live.name
        self.title = behaviour.kind.title
        self.entry = place.entry
        self.passes = live.kind == OUTPUT_KIND
        self.sources = tuple((port, (source.module, source.port)) for port, source in live.connections.items())
        self.required = live.required
        self._settings = SettingsOf(live, behaviour.kind, place.frozen)
        self._behaviour = behaviour
        self._place = place
        self._is_script = live.kind == SCRIPT_KIND
        self._kept: dict[str, _Ready] = {}
        self._lock = threading.Lock()
        needs = {parameter.name for parameter in place.frozen.parameters if parameter.required}
        self._default = None if self._settings.links & needs else self._ready(self._settings.resolve({}))

    def warming(self, values: Mapping[tuple[str, str], PortValue]) -> tuple[str, ScriptCall] | None:
        """Its environment and a call with its bundle; None where it is no script, or needs parameters for that."""
        ready = self._default
        if ready is None or ready.script is None:
            return None
        frozen = {port: values[key] for port, key in self.sources if key in values}
        return ready.environment, with_inputs(ready.script, frozen, 0)

    def execute(self, inputs: Mapping[str, PortValue], terms: CallTerms) -> ModuleOutcome:
        """Do it. Raises EstudioError; what an author's script did wrong is in the outcome."""
        ready = self._ready_for(terms.given)
        if ready.script is None:
            seed = ready.settings.settings.get("seed")
            own = seed if isinstance(seed, int) and not isinstance(seed, bool) else terms.seed
            call = ModuleCall(self._settings.module, ready.settings, inputs, self._place.files, own)
            return self._behaviour.execute(call)
        limits = _limits(ready.script.limits, terms)
        script_call = with_inputs(ready.script, inputs, terms.seed, limits)
        executor = self._place.executors.executor_for(ready.environment)
        return outcome_of(executor.call(script_call), {})

    def _ready_for(self, given: Mapping[str, Value]) -> _Ready:
        links = self._settings.links
        own = {name: given[name] for name in sorted(links) if name in given} if given and links else None
        if not own and self._default is not None:
            return self._default
        key = repr(own)
        found = self._kept.get(key)
        if found is None:
            found = self._ready(self._settings.resolve(own or {}))
            with self._lock:
                if len(self._kept) >= KEPT_SETTINGS:
                    self._kept.clear()
                self._kept[key] = found
        return found

    def _ready(self, settings: Settings) -> _Ready:
        if not self._is_script:
            return _Ready(settings)
        return _Ready(settings, environment_of(settings.settings), prepared_call(settings, self._place.files))


@dataclass(frozen=True, slots=True)
class ModulePlace:
    """Where a live module stands: its version, its files, what runs scripts; `entry` is the input that enters here."""

    frozen: FrozenVersion
    files: Callable[[str], Path]
    executors: ScriptExecutors
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A module with its settings for some parameters, and a script's call without its inputs."""

    settings: Settings
    environment: str = ""
    script: ScriptCall | None = None


def _limits(own: Limits, terms: CallTerms) -> Limits:
    """What is left of the call's time, and the endpoint's memory, where these are less than the module's own."""
    seconds = min(own.timeout_seconds, max(terms.deadline - time.monotonic(), 0.001))
    memory = own.memory_bytes if terms.memory_bytes is None else min(own.memory_bytes, terms.memory_bytes)
    return with_fields(own, timeout_seconds=seconds, memory_bytes=memory)
