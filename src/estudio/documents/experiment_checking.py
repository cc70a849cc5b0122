"""An experiment document together with the module kinds: everything that is wrong, or the `Experiment` that it says.

The shape of a module may need its script; where that cannot be had, its ports and parameters are not judged, so that
one mistake gives one problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.experiment import Experiment
from estudio.core.topology import cycle_text, find_cycles, sources_of
from estudio.documents.connection_checking import ConnectionChecker
from estudio.documents.module_checking import CheckedModule, ModuleChecker
from estudio.documents.names import NearNames
from estudio.documents.problems import Problem, ProblemCode, ProblemList, raise_problems
from estudio.documents.setting_checking import SettingChecker
from estudio.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from estudio.core.experiment import Module
    from estudio.core.module_kind import ModuleKind, ModuleShape, Value
    from estudio.documents.experiment_document import ExperimentDocument
    from estudio.documents.workspace_files import WorkspaceFiles

    ShapeOf: TypeAlias = Callable[[Module], ModuleShape]


@dataclass(frozen=True, slots=True)
class CheckedExperiment:
    """A document that can be run.

    Attributes:
        document: with the places of everything.
        experiment: what it says; links are still in place.
        shapes: of each module.
    """

    document: ExperimentDocument
    experiment: Experiment
    shapes: Mapping[str, ModuleShape]


def check_document(
    document: ExperimentDocument,
    kinds: Mapping[str, ModuleKind],
    shape_of: ShapeOf | None = None,
    *,
    files: WorkspaceFiles | None = None,
    overrides: Mapping[str, Value] | None = None,
) -> tuple[Problem, ...]:
    """Everything that is wrong in a document, in its order; see `checked_experiment`."""
    return _check(document, kinds, shape_of, files, overrides or {})[1]


def checked_experiment(
    document: ExperimentDocument,
    kinds: Mapping[str, ModuleKind],
    shape_of: ShapeOf | None = None,
    *,
    files: WorkspaceFiles | None = None,
    overrides: Mapping[str, Value] | None = None,
) -> CheckedExperiment:
    """The experiment that a document says.

    Args:
        document: as read.
        kinds: all module kinds by name.
        shape_of: gives the shape of a placed module whose links are filled in; without it, that of its kind counts.
            What it raises of InvalidInput becomes a problem of the module.
        files: where paths are looked up; without it only their form is checked.
        overrides: values of experiment parameters for this run, as `parse_overrides` gives them.

    Raises:
        InvalidDocument: with everything that is wrong in `problems`, as `file:line: message`.
    """
    checked, problems = _check(document, kinds, shape_of, files, overrides or {})
    raise_problems(problems)
    return checked


def _check(
    document: ExperimentDocument,
    kinds: Mapping[str, ModuleKind],
    shape_of: ShapeOf | None,
    files: WorkspaceFiles | None,
    overrides: Mapping[str, Value],
) -> tuple[CheckedExperiment, tuple[Problem, ...]]:
    problems = ProblemList(document.file, list(document.problems))
    near = NearNames()
    values = {name: overrides.get(name, parameter.default) for name, parameter in document.parameters.items()}
    settings = SettingChecker(document.parameters, values, problems, near, files)
    checker = ModuleChecker(kinds, settings, problems, near)
    modules = {
        name: checker.check(name, tree, document.place_of("modules", name)) for name, tree in document.modules.items()
    }
    for checked in modules.values():
        checker.finish(checked, _shape_of(checked, shape_of, settings, problems))
    connected = ConnectionChecker(modules, document.module_names, problems, near).check()
    experiment = Experiment(
        document.name,
        {name: checked.module(connected[name]) for name, checked in modules.items()},
        document.parameters,
        document.description,
    )
    _check_cycles(document, experiment, problems)
    shapes = {name: checked.shape for name, checked in modules.items()}
    return CheckedExperiment(document, experiment, shapes), problems.sorted()


def _shape_of(
    checked: CheckedModule, shape_of: ShapeOf | None, settings: SettingChecker, problems: ProblemList
) -> ModuleShape | None:
    """The shape of a placed module; None where it cannot be had, which is a problem that was noted."""
    if checked.kind is None or not checked.has_sound_paths:
        return None
    if shape_of is None:
        return None if checked.kind.declares_more else checked.kind.shape
    try:
        return shape_of(settings.filled(checked.module({})))
    except InvalidInput as error:
        problems.add(checked.place, ProblemCode.WRONG_FILE, f"the module {checked.name!r}: {error.message}")
        return None


def _check_cycles(document: ExperimentDocument, experiment: Experiment, problems: ProblemList) -> None:
    sources = sources_of(experiment)
    others = {name: tuple(source for source in taken if source != name) for name, taken in sources.items()}
    for name, taken in sources.items():
        if name in taken:
            ports = experiment.modules[name].connections.items()
            port = next(port for port, reference in ports if reference.module == name)
            words = f"the module {name!r} takes its own output: connect {port} to another module"
            problems.add(document.place_of("modules", name, port), ProblemCode.CYCLE, words)
    for path in find_cycles(others):
        source, taker = path[-2], path[-1]
        ports = experiment.modules[taker].connections.items()
        port = next(port for port, reference in ports if reference.module == source)
        words = f"the modules {cycle_text(path)} go in a circle: remove one of these connections"
        problems.add(document.place_of("modules", taker, port), ProblemCode.CYCLE, words)
