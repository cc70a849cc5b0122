"""Versions made by hand in memory, whose scripts are Python functions: all of a host but the walls."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.core.experiment import OutputReference
from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.outcome import Isolation, IsolationLevel, ScriptError, ScriptState, Timings, Visualization
from estudio.core.service import (
    DEFAULT_ENDPOINT,
    Endpoint,
    KeyScope,
    KeySlot,
    Service,
    ServicePort,
    ServiceVersion,
)
from estudio.engine.snapshot import KeptFile, Snapshot, save_snapshot
from estudio.engine.stored_values import hold_value, small_content, stored_output
from estudio.modules.script_outcome import ScriptOutcome
from estudio.services.frozen_version import FrozenValue, FrozenVersion, LiveModule, save_manifest
from estudio.services.keys import new_key
from estudio.services.live_services import LiveServices
from estudio.services.loading import LoadingParts
from estudio.store.memory import MemoryObjects
from estudio.store.memory_services import MemoryServices
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from estudio.core.run import StoredOutput
    from estudio.modules.call_message import ScriptCall

    Work = Callable[[ScriptCall], Table]

FACTOR = Parameter("factor", ParameterType.NUMBER, default=2.0)


def table(*values: float) -> Table:
    """One column `x`."""
    return Table.from_arrow(pa.table({"x": list(map(float, values))}))


def numbers(of: Table) -> list[float]:
    """The column `x`."""
    return [float(each or 0.0) for each in of.to_arrow().column("x").to_pylist()]


@dataclass
class FunctionExecutors:
    """The `VersionExecutors` double: a script's text names the function that stands for it."""

    works: Mapping[str, Work]
    warmed: list[str] = field(default_factory=list)
    is_closed: bool = False

    def executor_for(self, environment: str) -> FunctionExecutors:
        assert environment == "default"
        assert not self.is_closed
        return self

    def environment_digest(self, environment: str) -> str:
        return environment

    def warm(self, environment: str, call: ScriptCall) -> None:
        assert environment == "default"
        self.warmed.append(call.script.name)

    def call(self, call: ScriptCall, on_output: object = None) -> ScriptOutcome:
        del on_output
        outcome = ScriptOutcome(
            ScriptState.FINISHED, None, None, Visualization("printed"), "printed", Timings(),
            Isolation(IsolationLevel.NONE), None,
        )  # fmt: skip
        try:
            return replace(outcome, table=self.works[call.script.text.decode()](call))
        except ArithmeticError as error:
            return replace(outcome, state=ScriptState.FAILED, error=ScriptError("script-raised", str(error)))

    def close(self) -> None:
        self.is_closed = True


def doubled(call: ScriptCall) -> Table:
    """Times the parameter, plus the frozen number where there is one."""
    given = call.tables[0]
    assert given is not None
    model = call.tables[1] if len(call.tables) > 1 else None
    offset = numbers(model)[0] if model is not None else 0.0
    factor = call.parameters.get("factor", 2.0)
    assert isinstance(factor, float)
    return table(*(value * factor + offset for value in numbers(given)))


def failing(call: ScriptCall) -> Table:
    """An author's error."""
    del call
    raise ArithmeticError("division by zero")


class Bench:
    """A repository, an object store, and works by name. `publish` adds versions; `host` makes them live."""

    def __init__(self, folder: Path) -> None:
        self.objects = MemoryObjects()
        self.repository = MemoryServices()
        self.folder = folder
        self.works: dict[str, Work] = {"doubled": doubled, "failing": failing}
        self.executors: list[FunctionExecutors] = []
        self.loading = threading.Event()
        self.loading.set()
        self.key = ""

    def stored(self, port: str, value: Table) -> StoredOutput:
        held = hold_value(self.objects, port, value, digest_bytes=1 << 20)
        content = small_content(held)
        assert content is not None
        return stored_output(held, self.objects.put_bytes(content))

    def frozen(self, work: str = "doubled", offset: float = 0.0) -> FrozenVersion:
        """input1 → score → output1, with a frozen number at the script's second port."""
        text = self.objects.put_bytes(work.encode())
        script = KeptFile(text, len(work))
        sample, model = self.stored("results", table(1, 2)), self.stored("results", table(offset))
        columns = table(1).schema.columns
        return FrozenVersion(
            "double",
            "Double",
            "Doubles numbers.",
            save_snapshot(self.objects, Snapshot("double", {}, {"scripts/double.py": script})),
            0,
            (FACTOR,),
            modules=(
                LiveModule("in", "web-service-input", 1, {"name": "input1"}),
                LiveModule(
                    "score",
                    "execute-python-script",
                    1,
                    {"script": "scripts/double.py", "environment": "default", "timeout_seconds": 600.0},
                    {"factor": "${factor}"},
                    {"dataset1": OutputReference("in", "results"), "dataset2": OutputReference("train", "results")},
                    (),
                    (FACTOR,),
                ),
                LiveModule(
                    "out",
                    "web-service-output",
                    1,
                    {"name": "output1"},
                    {},
                    {"dataset": OutputReference("score", "results")},
                    ("dataset",),
                ),
            ),
            inputs=(ServicePort("input1", "in", columns, sample.digest),),
            outputs=(ServicePort("output1", "out", columns, sample.digest),),
            values=(FrozenValue("train", model),),
            defaults={"input1": sample},
            environments={"default": self.objects.put_bytes(b"{}")},
        )

    def publish(
        self, work: str = "doubled", offset: float = 0.0, *, promote: bool = True, max_concurrent_calls: int = 20
    ) -> int:
        """The next version of the service `double`; its number."""
        frozen = self.frozen(work, offset)
        made = Endpoint("e" * 32, "s" * 32, DEFAULT_ENDPOINT, 1.0, max_concurrent_calls=max_concurrent_calls)
        key = new_key(KeyScope.CALL, 1.0, endpoint_id=made.id, slot=KeySlot.PRIMARY)
        self.key = self.key or key.token
        version = self.repository.add_version(
            Service("s" * 32, "double", 1.0, 1),
            ServiceVersion(
                "", 0, 1.0, "double", "Double", "", save_manifest(self.objects, frozen), frozen.inputs, frozen.outputs,
                frozen.parameters,
            ),
            made,
            [key.key],
        )  # fmt: skip
        if promote:
            self.repository.promote("s" * 32, version.number)
        return version.number

    def parts(self) -> LoadingParts:
        """With which versions are loaded; loading waits for the event `loading`."""

        def make(records: Mapping[str, str], frozen: FrozenVersion) -> FunctionExecutors:
            assert records == {"default": "{}"}
            assert frozen.experiment == "double"
            self.loading.wait(20)
            self.executors.append(FunctionExecutors(self.works))
            return self.executors[-1]

        return LoadingParts(self.objects, self.folder / "services", make)

    def host(self, **options: float) -> LiveServices:
        return LiveServices(self.repository, self.parts(), watch_seconds=0.02, **options)  # type: ignore[arg-type]
