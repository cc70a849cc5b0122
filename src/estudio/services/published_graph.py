"""Which modules of an experiment work in each call once it is a web service, and which are computed once: a value.

A web-service-input cuts the graph: what stands above it is the design-time data that the caller's table replaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.experiment import OutputReference
from estudio.core.parameter_links import links_in
from estudio.core.topology import dependents_of, order_of, sources_of, takers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from estudio.core.experiment import Experiment, Module

INPUT_KIND = "web-service-input"
OUTPUT_KIND = "web-service-output"
PASSED_PORT = "results"
"""The output port of both of these kinds."""
SCRIPT_KIND = "execute-python-script"


@dataclass(frozen=True, slots=True)
class PublishedGraph:
    """How an experiment works as a web service.

    Attributes:
        live: modules that work in each call, each after those that it takes from.
        frozen: outputs of other modules that a live module or an output of the service reads, each once.
        replaced: modules that only give a design-time table to web-service-inputs: they never work in a call.
        inputs: web-service-input modules in the document's order.
        outputs: web-service-output modules alike.
        constant: outputs of the service that are the same in each call.
    """

    live: tuple[str, ...]
    frozen: tuple[OutputReference, ...]
    replaced: frozenset[str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constant: tuple[str, ...]


def published_graph(experiment: Experiment, parameters: Iterable[str]) -> PublishedGraph:
    """Divide a valid experiment.

    Live are modules that depend on a web-service-input, on one of these parameters or on a script that is not
    deterministic, and these themselves; without any web-service-input all scripts are live.

    Args:
        experiment: the graph.
        parameters: those that callers may give.
    """
    modules = experiment.modules
    inputs = _of_kind(modules, INPUT_KIND)
    outputs = _of_kind(modules, OUTPUT_KIND)
    replaced = _replaced(experiment)
    sources = {name: () if name in inputs else taken for name, taken in sources_of(experiment).items()}
    wanted = frozenset(parameters)
    roots = {name for name, module in modules.items() if _is_root(module, wanted, has_inputs=bool(inputs))}
    live = ((roots | dependents_of(sources, roots)) - replaced) | set(inputs)
    order = tuple(name for name in order_of(sources) if name in live)
    constant = tuple(name for name in outputs if name not in live)
    return PublishedGraph(order, _frozen(modules, order, constant), replaced, inputs, outputs, constant)


def links_of(module: Module) -> frozenset[str]:
    """The experiment's parameters that a module's settings link to."""
    values = (*module.settings.values(), *module.parameters.values())
    return frozenset(name for value in values for name in links_in(value))


def _of_kind(modules: Mapping[str, Module], kind: str) -> tuple[str, ...]:
    return tuple(name for name, module in modules.items() if module.kind == kind)


def _is_root(module: Module, parameters: frozenset[str], *, has_inputs: bool) -> bool:
    if module.kind == INPUT_KIND:
        return True
    if module.kind == SCRIPT_KIND and not (has_inputs and module.deterministic):
        return True
    return bool(links_of(module) & parameters)


def _replaced(experiment: Experiment) -> frozenset[str]:
    """Modules all of whose ways lead into a web-service-input, and into nothing else."""
    sources = sources_of(experiment)
    takers = takers_of(sources)
    inputs = set(_of_kind(experiment.modules, INPUT_KIND))
    replaced: set[str] = set()
    for name in reversed(order_of(sources)):
        taken_by = takers[name]
        if taken_by and name not in inputs and all(taker in inputs or taker in replaced for taker in taken_by):
            replaced.add(name)
    return frozenset(replaced)


def _frozen(
    modules: Mapping[str, Module], live: tuple[str, ...], constant: tuple[str, ...]
) -> tuple[OutputReference, ...]:
    read = {
        reference: None
        for name in live
        if modules[name].kind != INPUT_KIND
        for reference in modules[name].connections.values()
        if reference.module not in live
    }
    return tuple(dict.fromkeys((*read, *(OutputReference(name, PASSED_PORT) for name in constant))))
