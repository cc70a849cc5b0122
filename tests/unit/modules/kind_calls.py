"""Runs one module kind without an engine: settings checked by nobody, defaults filled in, files of a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estudio.core.experiment import Module
from estudio.errors import InvalidInput
from estudio.modules.behaviour import ModuleCall, ModuleOutcome, Settings
from estudio.modules.kind_parts import KindParts
from estudio.modules.registry import behaviours
from estudio.tables.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from estudio.modules.behaviour import Behaviour
    from estudio.modules.execute_python_script import ScriptExecutor


class NoExecutors:
    """Where no script is run."""

    def executor_for(self, environment: str) -> ScriptExecutor:
        raise AssertionError(environment)

    def environment_digest(self, environment: str) -> str:
        return f"digest of {environment}"


@dataclass
class Bench:
    """Kinds at work on the files of a folder."""

    folder: Path = Path("nowhere")
    parts: KindParts = field(default_factory=lambda: KindParts(NoExecutors()))

    def files(self, path: str) -> Path:
        if not (self.folder / path).exists():
            raise InvalidInput(f"{path} is not there.", path=path)
        return self.folder / path

    def behaviour(self, kind: str) -> Behaviour:
        return behaviours(self.parts)[kind]

    def settings(self, kind: str, given: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Settings:
        known = {each.name: each.default for each in self.behaviour(kind).kind.shape.parameters}
        assert set(given) <= set(known), "a setting that the kind does not have"
        return Settings(known | dict(given), parameters or {})

    def execute(
        self,
        kind: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        run_seed: int = 0,
        parameters: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> ModuleOutcome:
        tables = {
            port: value if not _is_arrow(value) else Table.from_arrow(value) for port, value in (inputs or {}).items()
        }
        call = ModuleCall(
            Module("it", kind, given), self.settings(kind, given, parameters), tables, self.files, run_seed
        )
        return self.behaviour(kind).execute(call)

    def dependencies(self, kind: str, **given: Any) -> Mapping[str, str]:
        return self.behaviour(kind).dependencies(Module("it", kind, given), self.settings(kind, given), self.files)

    def shape(self, kind: str, **given: Any) -> Any:
        return self.behaviour(kind).shape(Module("it", kind, given), self.files)


def _is_arrow(value: Any) -> bool:
    return type(value).__module__.startswith("pyarrow")


def table_at(outcome: ModuleOutcome, port: str) -> pa.Table:
    """The table at an output, whose form is checked on the way: what a kind gives is canonical."""
    value = outcome.outputs[port]
    assert isinstance(value, Table)
    arrow = value.to_arrow()
    arrow.validate(full=True)
    assert Table.from_arrow(arrow).to_arrow().equals(arrow)
    return arrow


BENCH = Bench()
