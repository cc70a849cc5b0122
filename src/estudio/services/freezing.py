"""From a finished run to the manifest of a version: what is live keeps its settings, everything else its results.

Nothing is computed here: the run has done that, and its results are stored already. Only samples are written.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from estudio import __version__
from estudio.core.service import ServiceIsolation, ServicePort
from estudio.engine.stored_values import hold_value, is_whole, load_value, small_content, store_large
from estudio.errors import InvalidInput, ObjectMissing
from estudio.services.frozen_version import FrozenValue, FrozenVersion, LiveModule
from estudio.services.published_graph import PASSED_PORT
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.experiment import Experiment, Module, OutputReference
    from estudio.core.module_kind import ModuleShape, Parameter, Value
    from estudio.core.run import StoredOutput
    from estudio.engine.planned import PreparedModule
    from estudio.services.published_graph import PublishedGraph
    from estudio.store.protocols import ObjectStore

SAMPLE_ROWS = 5
"""Of each port: enough to see what a table is, little enough to stand in an example."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a version is made of.

    Attributes:
        name: of the experiment's document.
        experiment: the graph that was run.
        modules: prepared for that run.
        parameters: their values in that run.
        outputs: what each module gave.
        snapshot: the digest of what was run.
        seed: of the run.
        environments: names to digests of complete records.
    """

    name: str
    experiment: Experiment
    modules: Mapping[str, PreparedModule]
    parameters: Mapping[str, Value]
    outputs: Mapping[str, tuple[StoredOutput, ...]]
    snapshot: str
    seed: int
    environments: Mapping[str, str]

    def find(self, reference: OutputReference) -> StoredOutput | None:
        """What an output port gave; None where it gave nothing."""
        return next((each for each in self.outputs.get(reference.module, ()) if each.port == reference.port), None)


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What the publisher decides: see `ServiceVersion`; `fixed` are parameters that callers cannot give."""

    isolation: ServiceIsolation = ServiceIsolation.CALL
    row_wise: bool = False
    fixed: frozenset[str] = frozenset()


def freeze_version(objects: ObjectStore, run: FinishedRun, graph: PublishedGraph, terms: ServiceTerms) -> FrozenVersion:
    """The manifest of a version.

    Args:
        objects: where results are, and samples are written.
        run: all of whose modules finished.
        graph: how it works as a web service.
        terms: what the publisher decided.

    Raises:
        StoreFailed: a result is gone, or a sample cannot be kept.
        InvalidInput: an input or output of the service has no table.
    """
    parameters = run.experiment.parameters.values()
    values = [FrozenValue(reference.module, output) for reference in graph.frozen if (output := run.find(reference))]
    for value in values:
        _check_kept(objects, value)
    names = {module: _port_name(run.modules[module]) for module in (*graph.inputs, *graph.outputs)}
    live = tuple(_live_module(run.modules[name]) for name in graph.live)
    return FrozenVersion(
        run.name,
        run.experiment.name,
        run.experiment.description,
        run.snapshot,
        run.seed,
        tuple(_service_parameter(each, run.parameters) for each in parameters if each.name not in terms.fixed),
        {name: value for name, value in run.parameters.items() if name in terms.fixed},
        tuple(each for each in parameters if each.name in terms.fixed),
        live,
        tuple(_port(objects, run, names[module], module) for module in graph.inputs),
        tuple(_port(objects, run, names[module], module) for module in graph.outputs),
        tuple(values),
        {names[module]: _passed(run, module) for module in graph.inputs},
        _environments_of(live, run.environments),
        terms.isolation,
        terms.row_wise,
    )


def _check_kept(objects: ObjectStore, value: FrozenValue) -> None:
    """A reused result that no module had to load may have been lost; it counts as used now. Raises ObjectMissing."""
    if not is_whole(objects, value.output):
        raise ObjectMissing(
            f"The result of {value.module} is gone or damaged. Run the experiment once with --fresh, then publish it.",
            module=value.module,
            digest=value.output.digest,
        )


def facts_of(frozen: FrozenVersion, graph: PublishedGraph) -> dict[str, str]:
    """For people: versions, what is live, and what may surprise."""
    facts = {
        "estudio": __version__,
        "python": platform.python_version(),
        "environments": ", ".join(frozen.environments),
        "live modules": ", ".join(module.name for module in frozen.modules),
        "frozen modules": ", ".join(dict.fromkeys(value.module for value in frozen.values)),
    }
    if graph.constant:
        facts["warning"] = f"The output of {', '.join(graph.constant)} depends on nothing that a caller gives."
    return facts


def port_name(module: Module, settings: Mapping[str, Value]) -> str:
    """What callers call the input or output of a module."""
    return str(settings.get("name") or module.name)


def _port_name(prepared: PreparedModule) -> str:
    return port_name(prepared.module, prepared.settings.settings)


def _service_parameter(parameter: Parameter, values: Mapping[str, Value]) -> Parameter:
    """One with a default keeps the value of the run as its default; one without stays required."""
    return parameter if parameter.required else replace(parameter, default=values.get(parameter.name))


def _live_module(prepared: PreparedModule) -> LiveModule:
    module, shape = prepared.module, prepared.shape
    settings = {
        each.name: module.settings.get(each.name, prepared.settings.settings.get(each.name))
        for each in shape.parameters
    }
    return LiveModule(
        module.name,
        module.kind,
        prepared.behaviour.kind.version,
        {name: value for name, value in settings.items() if value is not None},
        dict(module.parameters),
        dict(module.connections),
        _required(module, shape),
        shape.script_parameters,
    )


def _required(module: Module, shape: ModuleShape) -> tuple[str, ...]:
    return tuple(port.name for port in shape.inputs if not port.optional and port.name in module.connections)


def _environments_of(live: tuple[LiveModule, ...], records: Mapping[str, str]) -> dict[str, str]:
    named = {str(module.settings["environment"]) for module in live if "environment" in module.settings}
    return {name: digest for name, digest in records.items() if name in named}


def _passed(run: FinishedRun, module: str) -> StoredOutput:
    output = next((each for each in run.outputs.get(module, ()) if each.port == PASSED_PORT), None)
    if output is None:
        raise InvalidInput(f"The module {module} gave no table in the run, so it cannot be published.", module=module)
    return output


def _port(objects: ObjectStore, run: FinishedRun, name: str, module: str) -> ServicePort:
    table = cast("Table", load_value(objects, _passed(run, module)))
    sample = Table.from_arrow(table.to_arrow().slice(0, SAMPLE_ROWS))
    return ServicePort(name, module, table.schema.columns, _put_table(objects, sample))


def _put_table(objects: ObjectStore, table: Table) -> str:
    held = hold_value(objects, "", table, digest_bytes=0)
    content = small_content(held)
    return store_large(objects, held) if content is None else objects.put_bytes(content)
