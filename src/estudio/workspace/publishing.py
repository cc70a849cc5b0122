"""Publishing: an experiment is checked, run, frozen, and becomes the next version of a web service.

Everything is written before the version itself: whatever is killed on the way leaves the service as it was.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estudio.core.module_kind import ParameterType
from estudio.core.run import ModuleState
from estudio.core.service import (
    DEFAULT_ENDPOINT,
    Endpoint,
    KeyScope,
    KeySlot,
    Service,
    ServiceIsolation,
    ServiceVersion,
)
from estudio.documents.experiment_document import parse_experiment_document
from estudio.documents.problems import ProblemCode, ProblemList, raise_problems
from estudio.engine.snapshot import load_snapshot
from estudio.engine.stored_values import store_value
from estudio.errors import InvalidInput, InvalidUsage, ServiceNotFound
from estudio.services.freezing import FinishedRun, ServiceTerms, facts_of, freeze_version, port_name
from estudio.services.frozen_version import load_manifest, save_manifest
from estudio.services.keys import new_key
from estudio.services.loading import MAX_RECORD_BYTES
from estudio.services.published_graph import PASSED_PORT, SCRIPT_KIND, links_of, published_graph
from estudio.workspace.open import open_environments
from estudio.workspace.recorded_environments import RecordedEnvironments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from estudio.core.events import Event
    from estudio.core.module_kind import Value
    from estudio.engine.planned import PreparedModule
    from estudio.services.frozen_version import FrozenVersion
    from estudio.services.keys import NewKey
    from estudio.services.published_graph import PublishedGraph
    from estudio.tables.table import Table
    from estudio.workspace.experiments import PreparedRun, WorkspaceExperiment
    from estudio.workspace.open import WorkspaceParts
    from estudio.workspace.preparation import PreparedExperiment

SERVICE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
"""As its address has it."""
PORT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)
"""Of an input or output: it stands in addresses, JSON and file names."""
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """What publishing gave.

    Attributes:
        service: with its current version.
        version: the new one; the newest one where nothing had changed.
        endpoint: the default one.
        keys: of the endpoint, in plain, where the service is new: shown once, and never again.
        is_new: whether a version was added.
    """

    service: Service
    version: ServiceVersion
    endpoint: Endpoint
    keys: Mapping[KeySlot, str] = field(default_factory=dict)
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the publisher asked for; None means: as the newest version of that service.

    Attributes:
        service_id: of a new service; drawn where there is none.
        declared: tables that say what outputs give, by their names, where the run need not: it may then fail.
    """

    name: str | None = None
    promote: bool = True
    isolation: ServiceIsolation | None = None
    row_wise: bool | None = None
    parameters: Mapping[str, Value] | None = None
    fixed: Iterable[str] | None = None
    force: bool = False
    management_token: str | None = None
    on_event: Callable[[Event], None] | None = None
    on_progress: Callable[[str], None] | None = None
    service_id: str | None = None
    declared: Mapping[str, Table] | None = None


def endpoint_keys(endpoint_id: str, now: float, management_token: str | None = None) -> dict[KeySlot, NewKey]:
    """Both keys of a new endpoint; with a management token they can be shown to its holder later."""
    return {
        slot: new_key(KeyScope.CALL, now, endpoint_id=endpoint_id, slot=slot, management_token=management_token)
        for slot in KeySlot
    }


def service_name_of(experiment: str) -> str:
    """The service's name where none is given: the document's, in the letters that an address may have."""
    return _NOT_IN_NAMES.sub("-", experiment.lower()).strip("-")


def check_service_name(name: str) -> None:
    """See that a web service can have a name. Raises InvalidUsage."""
    if not SERVICE_NAME.fullmatch(name):
        rule = "use lower-case letters, digits and '-', at most 64, beginning and ending with a letter or digit"
        raise InvalidUsage(f"A web service cannot be called {name[:80]!r}: {rule}.", name=name)


class Publisher:
    """Publishes experiments of one workspace."""

    def __init__(self, parts: WorkspaceParts) -> None:
        self._parts = parts

    def publish(self, experiment: WorkspaceExperiment, options: PublishOptions) -> PublishedVersion:
        """See `WorkspaceServices.publish`."""
        name = options.name or service_name_of(experiment.name)
        check_service_name(name)
        newest = self._newest(name)
        terms = self._terms(options, newest)
        checked: list[PublishedGraph] = []

        def check(prepared: PreparedExperiment) -> None:
            known = prepared.experiment.parameters.keys()  # one that was fixed before may be gone
            fixed = terms.fixed if options.fixed is not None else terms.fixed & known
            checked[:] = [checked_graph(prepared, experiment.file, fixed)]

        run = experiment.run_prepared(
            options.parameters, check=check, on_event=options.on_event, on_progress=options.on_progress
        )
        _check_finished(run, checked[0].live if options.declared else ())
        finished = self._finished(experiment.name, run, options.on_progress)
        if options.declared:
            finished = self._with_declared(finished, checked[0], options.declared)
        frozen = freeze_version(self._parts.objects, finished, checked[0], terms)
        return self._add(name, newest, frozen, checked[0], options)

    def _newest(self, name: str) -> ServiceVersion | None:
        services = self._parts.services
        try:
            return services.list_versions(services.get_service(name).id)[0]
        except ServiceNotFound:
            return None

    def _terms(self, options: PublishOptions, newest: ServiceVersion | None) -> ServiceTerms:
        before = None if newest is None else load_manifest(self._parts.objects, newest.manifest)
        isolation, row_wise, fixed = options.isolation, options.row_wise, options.fixed
        if before is not None:
            isolation = before.isolation if isolation is None else isolation
            row_wise = before.row_wise if row_wise is None else row_wise
            fixed = before.fixed if fixed is None else fixed
        return ServiceTerms(isolation or ServiceIsolation.CALL, row_wise or False, frozenset(fixed or ()))

    def _finished(self, name: str, run: PreparedRun, on_progress: Callable[[str], None] | None) -> FinishedRun:
        objects, record = self._parts.objects, run.run.record
        snapshot = load_snapshot(objects, record.snapshot)
        records = {
            environment: objects.read_bytes(digest, MAX_RECORD_BYTES).decode()
            for environment, digest in snapshot.environments.items()
        }
        environments = RecordedEnvironments(open_environments(), records, on_progress)
        complete = [environments.complete(environment).encode() for environment in records]
        return FinishedRun(
            name,
            run.prepared.experiment,
            run.prepared.modules,
            run.prepared.parameters,
            {module.module: module.outputs for module in run.run.module_runs},
            record.snapshot,
            snapshot.seed,
            dict(zip(records, objects.put_many(complete), strict=True)),
        )

    def _with_declared(
        self, finished: FinishedRun, graph: PublishedGraph, declared: Mapping[str, Table]
    ) -> FinishedRun:
        """The run with these tables in the place of what its outputs gave, or did not give."""
        outputs = dict(finished.outputs)
        for name in graph.outputs:
            prepared = finished.modules[name]
            table = declared.get(port_name(prepared.module, prepared.settings.settings))
            if table is not None:
                outputs[name] = (store_value(self._parts.objects, PASSED_PORT, table),)
        return replace(finished, outputs=outputs)

    def _add(
        self,
        name: str,
        newest: ServiceVersion | None,
        frozen: FrozenVersion,
        graph: PublishedGraph,
        options: PublishOptions,
    ) -> PublishedVersion:
        services, now = self._parts.services, time.time()
        manifest = save_manifest(self._parts.objects, frozen)
        keys: dict[KeySlot, str] = {}
        is_new = options.force or newest is None or newest.manifest != manifest
        version = newest
        if version is None or is_new:
            service = Service(options.service_id or secrets.token_hex(16), name, now, 1)
            endpoint = Endpoint(secrets.token_hex(16), service.id, DEFAULT_ENDPOINT, now)
            made = endpoint_keys(endpoint.id, now, options.management_token)
            version = services.add_version(
                service, _version(frozen, manifest, graph, now), endpoint, [new.key for new in made.values()]
            )
            if version.service_id == service.id:  # otherwise there was one of that name, whose keys stay
                keys = {slot: new.token for slot, new in made.items()}
        service = services.get_service(name)
        if options.promote and service.current != version.number:
            service = services.promote(service.id, version.number)
        endpoint = next(each for each in services.list_endpoints(service.id) if each.name == DEFAULT_ENDPOINT)
        return PublishedVersion(service, version, endpoint, keys, is_new)


def checked_graph(prepared: PreparedExperiment, file: str, fixed: frozenset[str]) -> PublishedGraph:
    """How an experiment works as a web service.

    Args:
        prepared: a valid one.
        file: its document, for messages.
        fixed: its parameters that callers cannot give.

    Raises:
        InvalidUsage: `fixed` names no parameter.
        InvalidDocument: it cannot be published; `problems` has all that is wrong.
    """
    experiment = prepared.experiment
    for name in sorted(fixed):
        if name not in experiment.parameters:
            known = ", ".join(experiment.parameters) or "none"
            raise InvalidUsage(f"The experiment has no parameter {name[:80]!r} to fix; it has {known}.", parameter=name)
    parameters = tuple(name for name in experiment.parameters if name not in fixed)
    graph = published_graph(experiment, parameters)
    problems = ProblemList(file)
    document = parse_experiment_document(prepared.text.encode(), file)
    _check_names(prepared, graph.inputs, "input", problems, document.place_of)
    _check_names(prepared, graph.outputs, "output", problems, document.place_of)
    taken = {each.module for module in experiment.modules.values() for each in module.connections.values()}
    for name in graph.inputs:
        if name not in taken:
            words = f"nothing takes the table of the web service input {name!r}: connect it, or remove the module"
            problems.add(document.place_of("modules", name), ProblemCode.MISSING_INPUT, words)
    for name in graph.live:
        if name not in graph.inputs:
            _check_links(prepared.modules[name], frozenset(parameters), problems, document.place_of)
    raise_problems(problems.sorted())
    return graph


def _check_names(
    prepared: PreparedExperiment,
    modules: Iterable[str],
    what: str,
    problems: ProblemList,
    place_of: Callable[..., tuple[int, int]],
) -> None:
    seen: dict[str, str] = {}
    for module in modules:
        one = prepared.modules[module]
        name, place = port_name(one.module, one.settings.settings), place_of("modules", module, "name")
        if not PORT_NAME.fullmatch(name):
            rule = "use letters, digits, '_' and '-', beginning with a letter"
            problems.add(place, ProblemCode.WRONG_NAME, f"a web service {what} cannot be called {name[:80]!r}: {rule}")
        elif name in seen:
            words = f"the web service {what}s {seen[name]!r} and {module!r} are both called {name!r}: rename one"
            problems.add(place, ProblemCode.DUPLICATE, words)
        if links_of(one.module):
            words = f"the name of the web service {what} {module!r} links to a parameter: write the name itself"
            problems.add(place, ProblemCode.WRONG_LINK, words)
        seen[name] = module


def _check_links(
    prepared: PreparedModule,
    parameters: frozenset[str],
    problems: ProblemList,
    place_of: Callable[..., tuple[int, int]],
) -> None:
    """A call finds the files and environments that were frozen: none that a caller names."""
    module = prepared.module
    named = {each.name for each in prepared.shape.parameters if each.type is ParameterType.PATH and not each.written}
    named |= {"environment"} if module.kind == SCRIPT_KIND else {"dataset"} if module.kind == "dataset" else set()
    for setting in sorted(named & module.settings.keys()):
        linked = links_of(replace(module, settings={setting: module.settings[setting]}, parameters={})) & parameters
        if linked:
            link = ", ".join(sorted(linked))
            words = (
                f"{setting} of {module.name!r} links to the parameter {link}, which callers of the web service could "
                "change, but its files are frozen: write the value itself, or publish with that parameter fixed"
            )
            problems.add(place_of("modules", module.name, setting), ProblemCode.WRONG_LINK, words)


def _check_finished(run: PreparedRun, may_fail: Collection[str]) -> None:
    """Raises InvalidInput, naming the module, for a run in which one failed that may not."""
    failed = [each for each in run.run.module_runs if each.state is ModuleState.FAILED]
    record = next((each for each in failed if each.module not in may_fail), None)
    if run.run.finished or (record is None and failed):
        return
    what = f"Run {run.run.id} is {run.run.state.value}"
    if record is not None:
        message = str((record.error or {}).get("message", ""))
        what = f"its module {record.module} failed: {message.rstrip('.')}"
    raise InvalidInput(
        f"The experiment {run.run.experiment} was not published, because {what}. Mend it, then publish again.",
        run=run.run.id,
        module=None if record is None else record.module,
    )


def _version(frozen: FrozenVersion, manifest: str, graph: PublishedGraph, now: float) -> ServiceVersion:
    return ServiceVersion(
        "", 0, now, frozen.experiment, frozen.title, frozen.description, manifest,
        frozen.inputs, frozen.outputs, frozen.parameters, frozen.isolation, frozen.row_wise, facts_of(frozen, graph),
    )  # fmt: skip
