"""From a document to modules that can be planned: checked, with its parameters' values and every link filled in.

Texts given for parameters are read by the parameter's type, as on the command line; other values are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.limits import MIB
from estudio.core.parameter_values import check_override_names, parameter_values, parse_value, resolve_settings
from estudio.documents.experiment_checking import checked_experiment
from estudio.engine.planned import PreparedModule
from estudio.modules.behaviour import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.experiment import Experiment, Module
    from estudio.core.module_kind import ModuleKind, ModuleShape, Parameter, Value
    from estudio.documents.experiment_document import ExperimentDocument
    from estudio.documents.workspace_files import WorkspaceFiles
    from estudio.documents.workspace_settings import WorkspaceSettings
    from estudio.modules.behaviour import Behaviour

ENVIRONMENT = "environment"
"""The setting by which a module names its environment."""


@dataclass(frozen=True, slots=True)
class PreparedExperiment:
    """A valid experiment: its document's text, the graph, the values of its parameters, its modules to be planned."""

    text: str
    experiment: Experiment
    parameters: Mapping[str, Value]
    modules: Mapping[str, PreparedModule]

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments that its modules name, each once."""
        named = (module.settings.settings.get(ENVIRONMENT) for module in self.modules.values())
        return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))


@dataclass(frozen=True, slots=True)
class Preparer:
    """Prepares documents with these kinds.

    Attributes:
        kinds: all module kinds by name.
        behaviours: the same at work.
        paths: says what is wrong with a path of the document.
        files: opens a file for those that read it to know a module's shape.
        settings: the workspace's own, for what a module leaves open.
    """

    kinds: Mapping[str, ModuleKind]
    behaviours: Mapping[str, Behaviour]
    paths: WorkspaceFiles
    files: Callable[[str], Path]
    settings: WorkspaceSettings

    def check(self, document: ExperimentDocument, given: Mapping[str, Value] | None = None) -> PreparedExperiment:
        """Check a document and fill in its links.

        Args:
            document: as read.
            given: values of its parameters for one run.

        Raises:
            InvalidUsage: a parameter that it has not, or of a wrong value.
            InvalidDocument: it is not valid; `problems` has all of it.
        """
        overrides = _read_texts(document.parameters, given or {})
        checked = checked_experiment(document, self.kinds, self._shape, files=self.paths, overrides=overrides)
        experiment = checked.experiment
        modules = {
            name: self._prepared(experiment, module, checked.shapes[name], overrides)
            for name, module in experiment.modules.items()
        }
        return PreparedExperiment(document.text, experiment, parameter_values(experiment, overrides), modules)

    def _shape(self, module: Module) -> ModuleShape:
        return self.behaviours[module.kind].shape(module, self.files)

    def _prepared(
        self, experiment: Experiment, module: Module, shape: ModuleShape, overrides: Mapping[str, Value]
    ) -> PreparedModule:
        resolved = resolve_settings(experiment, module, shape, overrides)
        chosen = {
            name: workspace_default(self.settings, name, value) if name not in module.settings else value
            for name, value in resolved.settings.items()
        }
        settings = Settings(chosen, resolved.parameters)
        return PreparedModule(module, self.behaviours[module.kind], shape, settings)


def workspace_default(settings: WorkspaceSettings, name: str, value: Value) -> Value:
    """What a setting is that a module does not give: the workspace's own default where it has one."""
    limits = settings.limits
    own: dict[str, Value] = {
        ENVIRONMENT: settings.environment,
        "timeout_seconds": limits.timeout_seconds,
        "memory_mib": _whole_mib(limits.memory_bytes),
        "disk_mib": _whole_mib(limits.disk_bytes),
        "output_mib": _whole_mib(limits.output_bytes),
        "log_mib": _whole_mib(limits.log_bytes),
        "processes": limits.processes,
    }
    return own.get(name, value)


def _whole_mib(size_bytes: int) -> int:
    """What is beyond the last whole MiB is dropped, and 1 at least: a limit of nothing is refused."""
    return max(1, size_bytes // MIB)


def _read_texts(parameters: Mapping[str, Parameter], given: Mapping[str, Value]) -> dict[str, Value]:
    check_override_names(parameters, given)
    return {
        name: parse_value(parameters[name], value) if isinstance(value, str) else value for name, value in given.items()
    }
