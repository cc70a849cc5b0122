"""From a stored version to one that answers calls: files unpacked, values mapped, environments built, guests ready.

Nothing of the workspace's present files is looked at: documents, scripts and environments may have changed since.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from estudio.core.module_kind import PortType
from estudio.core.run import StoredOutput
from estudio.engine.repair import new_run_folder
from estudio.engine.snapshot import load_snapshot
from estudio.engine.stored_values import load_value
from estudio.errors import ObjectDamaged, PortNotFound, ServiceBusy, StoreDamaged
from estudio.modules.kind_parts import KindParts, no_exports
from estudio.modules.registry import behaviours
from estudio.services.frozen_version import FrozenVersion, load_manifest
from estudio.services.published_graph import INPUT_KIND
from estudio.services.scoring import ScoringGraph, score_call
from estudio.services.scoring_modules import ModulePlace, ScoringModule
from estudio.services.snapshot_files import SnapshotFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from estudio.core.service import EndpointResource, ServicePort, ServiceVersion
    from estudio.modules.behaviour import Behaviour, PortValue
    from estudio.modules.call_message import ScriptCall
    from estudio.modules.kind_parts import ScriptCalls
    from estudio.modules.script_outcome import ScriptOutcome
    from estudio.services.calling import ScoreCall, ScoreOutcome
    from estudio.store.protocols import ObjectStore
    from estudio.tables.table import Table

KEPT_RESOURCES = 16
"""Endpoints of one version with resources of their own whose values stay mapped."""
MAX_RECORD_BYTES = 8 << 20
"""Of an environment's record: a lock of 4 MiB, written as JSON."""


class VersionExecutors(Protocol):
    """Runs the scripts of one version. Any thread may call it."""

    def executor_for(self, environment: str) -> ScriptCalls:
        """See `modules.kind_parts.ScriptExecutors`."""
        ...

    def environment_digest(self, environment: str) -> str:
        """See `modules.kind_parts.ScriptExecutors`."""
        ...

    def warm(self, environment: str, call: ScriptCall) -> ScriptOutcome | None:
        """Have guests ready for calls like this one. Raises EnvironmentFailed, SandboxUnavailable, InvalidBundle."""
        ...

    def close(self) -> None:
        """Cancel running calls and end all processes."""
        ...


@dataclass(frozen=True, slots=True)
class LoadingParts:
    """What versions are loaded with.

    Attributes:
        objects: where everything is kept.
        folders: below which each loaded version has a private folder.
        make_executors: from records of environments by name, and the version, to what runs its scripts.
        export_path: where a path of the workspace is written.
    """

    objects: ObjectStore
    folders: Path
    make_executors: Callable[[Mapping[str, str], FrozenVersion], VersionExecutors]
    export_path: Callable[[str], Path] = no_exports


class LoadedGraph:
    """A version in memory: the `LoadedVersion`. Any thread may call it."""

    def __init__(
        self,
        version: ServiceVersion,
        frozen: FrozenVersion,
        graph: ScoringGraph,
        parts: LoadingParts,
        close: Callable[[], None],
    ) -> None:
        self._version = version
        self._frozen = frozen
        self._graph = graph
        self._parts = parts
        self._close = close
        self._calls = 0
        self._is_closing = False
        self._idle = threading.Condition()
        self._changed: dict[tuple[EndpointResource, ...], ScoringGraph] = {}

    @property
    def version(self) -> ServiceVersion:
        """Which."""
        return self._version

    def score(
        self,
        call: ScoreCall,
        *,
        memory_bytes: int | None = None,
        resources: tuple[EndpointResource, ...] = (),
        deadline: float | None = None,
    ) -> ScoreOutcome:
        """Do one call; see the protocol.

        Args:
            call: checked against the version already.
            memory_bytes: of each script, where that is less than its own.
            resources: what replaces frozen values for this call.
            deadline: instead of the call's own.
        """
        with self._call():
            return score_call(self._with(resources) if resources else self._graph, call, memory_bytes, deadline)

    def sample(self, port: str) -> Table:
        """A few design-time rows of an input or output. Raises PortNotFound."""
        return load_sample(self._parts.objects, self._version, port)

    def close(self) -> None:
        """Wait for calls in flight, then end its processes; a second time is nothing."""
        with self._idle:
            if self._is_closing:
                return
            self._is_closing = True
            self._idle.wait_for(lambda: self._calls == 0)
        self._close()

    def kill(self) -> None:
        """End its processes with the calls in flight; these see that the version is closed."""
        with self._idle:
            if self._is_closing and not self._calls:
                return
            self._is_closing = True
        self._close()

    @contextlib.contextmanager
    def _call(self) -> Iterator[None]:
        with self._idle:
            if self._is_closing:
                raise ServiceBusy("The version is being closed; call again.", retry_after_seconds=1)
            self._calls += 1
        try:
            yield
        finally:
            with self._idle:
                self._calls -= 1
                if self._is_closing:
                    self._idle.notify_all()

    def _with(self, resources: tuple[EndpointResource, ...]) -> ScoringGraph:
        """The graph with these values in the places of frozen ones; loaded once."""
        found = self._changed.get(resources)
        if found is None:
            objects, frozen = self._parts.objects, self._frozen
            found = self._graph.with_values(dict(resource_value(objects, frozen, each) for each in resources))
            self._changed = {**dict(list(self._changed.items())[1 - KEPT_RESOURCES :]), resources: found}
        return found


def load_version(parts: LoadingParts, version: ServiceVersion) -> LoadedGraph:
    """Load a version and make its guests ready.

    Raises:
        StoreFailed: something of it is gone or damaged.
        EnvironmentFailed: an environment cannot be had.
        SandboxUnavailable: this machine does not give the walls.
        InvalidInput: a file of it cannot be used.
    """
    objects = parts.objects
    frozen = load_manifest(objects, version.manifest)
    records = {
        name: objects.read_bytes(digest, MAX_RECORD_BYTES).decode() for name, digest in frozen.environments.items()
    }
    parts.folders.mkdir(parents=True, exist_ok=True)
    files = SnapshotFiles(objects, load_snapshot(objects, frozen.snapshot), new_run_folder(parts.folders))
    with contextlib.ExitStack() as opened:
        opened.callback(files.close)
        executors = parts.make_executors(records, frozen)
        opened.callback(executors.close)
        kinds = behaviours(KindParts(executors, export_path=parts.export_path))
        modules = _modules(frozen, kinds, files, executors)
        graph = ScoringGraph(
            modules,
            {(value.module, value.output.port): load_value(objects, value.output) for value in frozen.values},
            {port.module: _table(objects, frozen.defaults[port.name]) for port in frozen.inputs},
            _outputs(frozen, kinds),
        )
        for module in modules:
            warming = module.warming(graph.values)
            if warming is not None:
                executors.warm(*warming)
        return LoadedGraph(version, frozen, graph, parts, opened.pop_all().close)


def load_sample(objects: ObjectStore, version: ServiceVersion, port: str) -> Table:
    """A few design-time rows of an input or output of a version. Raises PortNotFound, ObjectMissing, ObjectDamaged."""
    found = version.input(port) or version.output(port)
    if found is None:
        known = ", ".join(each.name for each in (*version.inputs, *version.outputs)) or "none"
        raise PortNotFound(f"The web service has no input or output {port[:80]!r}; it has {known}.", port=port)
    return _table_of(objects, found)


def _table_of(objects: ObjectStore, port: ServicePort) -> Table:
    return _stored_table(objects, port.sample)


def _modules(
    frozen: FrozenVersion, kinds: Mapping[str, Behaviour], files: SnapshotFiles, executors: VersionExecutors
) -> tuple[ScoringModule, ...]:
    entries = {port.module: port.name for port in frozen.inputs}
    found = []
    for live in frozen.modules:
        behaviour = kinds.get(live.kind)
        if behaviour is None:
            raise StoreDamaged(
                f"The module {live.name} is of the kind {live.kind}, which this version of estudio has not. "
                "Publish the experiment again.",
                module=live.name,
            )
        entry = entries[live.name] if live.kind == INPUT_KIND else None
        found.append(ScoringModule(live, behaviour, ModulePlace(frozen, files, executors, entry)))
    return tuple(found)


def _outputs(frozen: FrozenVersion, kinds: Mapping[str, Behaviour]) -> dict[str, tuple[str, str]]:
    """A live output gives its own value; a constant one was frozen under its own name."""
    port = kinds["web-service-output"].kind.shape.outputs[0].name
    return {output.name: (output.module, port) for output in frozen.outputs}


def resource_value(
    objects: ObjectStore, frozen: FrozenVersion, resource: EndpointResource
) -> tuple[tuple[str, str], PortValue]:
    """What replaces a frozen value, and which: the first one of its module that is read.

    Raises:
        PortNotFound: the version has no frozen result of that module.
        ObjectMissing, ObjectDamaged: the object is gone, or no value of that type.
    """
    value = next((each for each in frozen.values if each.module == resource.name), None)
    if value is None:
        known = ", ".join(dict.fromkeys(each.module for each in frozen.values)) or "none"
        raise PortNotFound(
            f"{resource.name[:80]!r} is no module of this version whose result was frozen; those are {known}.",
            module=resource.name,
        )
    return (value.module, value.output.port), _stored_value(objects, value.output, resource.digest)


def _stored_value(objects: ObjectStore, like: StoredOutput, digest: str) -> PortValue:
    size = os.stat(objects.path_of(digest)).st_size  # noqa: PTH116 -- one call
    return load_value(objects, StoredOutput(like.port, like.type, digest, size))


def _stored_table(objects: ObjectStore, digest: str) -> Table:
    return cast("Table", _stored_value(objects, StoredOutput("", PortType.TABLE.value, digest, 0), digest))


def _table(objects: ObjectStore, output: StoredOutput) -> Table:
    if output.type != PortType.TABLE.value:
        raise ObjectDamaged("The default of an input is no table. Publish the experiment again.", digest=output.digest)
    return cast("Table", load_value(objects, output))
