"""Whether a module's result is reused, and why it is or is not: decided for many modules with one look-up.

What is decided needs the digests of all inputs; where an upstream module is still at work, nothing can be decided yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.run import Reason, ReasonCode
from estudio.engine.cache_key import explain, key_of, key_parts
from estudio.engine.stored_values import is_whole, load_value
from estudio.errors import ObjectDamaged, ObjectMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from estudio.core.run import KeyParts, ModuleRun, StoredOutput
    from estudio.engine.planned import PlannedModule
    from estudio.store.protocols import ObjectStore, RunRepository


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with one module, and why.

    `found` is the earlier module run whose outputs are reused; None where the module is executed.
    """

    reason: Reason
    parts: KeyParts
    key: str
    found: ModuleRun | None = None


class Past:
    """Earlier results, as far as one run asks for them. Not for several threads."""

    def __init__(self, runs: RunRepository, objects: ObjectStore, experiment: str, modules: Sequence[str]) -> None:
        self._runs = runs
        self._objects = objects
        self._latest = runs.find_latest(experiment, modules)

    def latest(self, module: str) -> ModuleRun | None:
        """The newest finished or reused record of that module in this experiment."""
        found = self._latest.get(module)
        return None if found is None else found[1]

    def find(self, keys: Mapping[str, str]) -> dict[str, tuple[str, ModuleRun]]:
        """For modules by name with their keys: the newest result of each that has one, as (run id, module run)."""
        found = {name: self._latest[name] for name, key in keys.items() if self._has_latest(name, key)}
        asked = sorted({key for name, key in keys.items() if name not in found})
        results = self._runs.find_results(asked) if asked else {}
        return found | {name: results[key] for name, key in keys.items() if name not in found and key in results}

    def _has_latest(self, name: str, key: str) -> bool:
        return name in self._latest and self._latest[name][1].key == key

    def are_whole(self, outputs: Iterable[StoredOutput]) -> bool:
        """Whether all of these are there with size and framing; what is damaged is removed, so that it is made anew."""
        whole = True
        for output in outputs:
            if not is_whole(self._objects, output):
                self._objects.remove(output.digest)
                whole = False
        return whole

    def can_load(self, output: StoredOutput) -> bool:
        """Whether a stored value can be used; what is damaged is removed, so that it is made anew."""
        try:
            load_value(self._objects, output)
        except (ObjectDamaged, ObjectMissing):
            self._objects.remove(output.digest)
            return False
        return True


def parts_of(planned: PlannedModule, inputs: Mapping[str, StoredOutput]) -> KeyParts:
    """The parts of a planned module's key, given what its inputs are."""
    return key_parts(
        planned.kind,
        dependencies=planned.dependencies,
        inputs=inputs,
        settings=planned.settings.settings,
        parameters=planned.settings.parameters,
        seed=planned.seed,
    )


def decide(
    modules: Iterable[tuple[PlannedModule, Mapping[str, StoredOutput]]], past: Past, *, fresh: bool
) -> dict[str, Decision]:
    """Decide on modules whose inputs are all known, with one look-up for all of them.

    Raises:
        StoreFailed: earlier results cannot be looked up.
    """
    known = {planned.name: (planned, parts_of(planned, inputs)) for planned, inputs in modules}
    keys = {name: key_of(parts) for name, (_, parts) in known.items()}
    wanted = {name: key for name, key in keys.items() if not fresh and known[name][0].may_reuse}
    found = past.find(wanted)
    return {
        name: _decision(planned, parts, keys[name], found.get(name), past, fresh=fresh)
        for name, (planned, parts) in known.items()
    }


def _decision(
    planned: PlannedModule,
    parts: KeyParts,
    key: str,
    found: tuple[str, ModuleRun] | None,
    past: Past,
    *,
    fresh: bool,
) -> Decision:
    if found is not None:
        run_id, module_run = found
        if past.are_whole(module_run.outputs):
            return Decision(Reason(ReasonCode.REUSED, run_id=run_id), parts, key, module_run)
        return Decision(Reason(ReasonCode.RESULT_LOST, run_id=run_id), parts, key)
    return Decision(reason_to_run(planned, parts, past, fresh=fresh), parts, key)


def reason_to_run(planned: PlannedModule, parts: KeyParts, past: Past, *, fresh: bool) -> Reason:
    """Why a module is executed for which no earlier result was found or looked for."""
    latest = past.latest(planned.name)
    if fresh:
        return Reason(ReasonCode.FRESH)
    if not planned.may_reuse:
        return Reason(ReasonCode.NOT_DETERMINISTIC)
    if latest is None or latest.key_parts is None:
        return Reason(ReasonCode.FIRST)
    changes = explain(latest.key_parts, parts)
    return Reason(ReasonCode.CHANGED, changes) if changes else Reason(ReasonCode.FIRST)


def is_worth_waiting(planned: PlannedModule, inputs: Mapping[str, StoredOutput], past: Past, *, fresh: bool) -> bool:
    """Whether to wait for the digest of a large input that was just made, rather than to start at once.

    Only where it can lead to reuse of the module's latest result: all that is known is as it was then, and the large
    table has the columns, rows and size that its upstream module gave before.
    """
    latest = past.latest(planned.name)
    if fresh or not planned.may_reuse or latest is None or latest.key_parts is None:
        return False
    unknown = {port for port, output in inputs.items() if not output.digest}
    parts, before = parts_of(planned, inputs).parts, latest.key_parts.parts
    if parts.keys() != before.keys() or any(parts[name] != before[name] for name in parts if name not in unknown):
        return False
    return all(_looks_as_before(planned, port, inputs[port], past) for port in unknown)


def _looks_as_before(planned: PlannedModule, port: str, output: StoredOutput, past: Past) -> bool:
    earlier = past.latest(planned.module.connections[port].module)
    if earlier is None:
        return False
    facts = (output.port, output.size_bytes, output.row_count, output.columns)
    return any(facts == (each.port, each.size_bytes, each.row_count, each.columns) for each in earlier.outputs)
