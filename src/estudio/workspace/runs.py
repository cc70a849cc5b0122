"""A run as Python code sees it: `run["rank"].results.to_pandas()`.

What it shows was stored; a table is mapped when it is asked for, not before.
"""

from __future__ import annotations

import html
from functools import cached_property
from typing import TYPE_CHECKING

from estudio.core.environment import near_name
from estudio.core.module_kind import PortType
from estudio.core.run import RunState
from estudio.errors import ModuleNotFound, PortNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from estudio.core.outcome import Visualization
    from estudio.core.run import ModuleRun, ModuleState, Reason, RunRecord, StoredOutput
    from estudio.store.protocols import ObjectStore, RunRepository

MAX_LOG_BYTES = 64 * 1024 * 1024
"""Four times what a call may print unless it is told otherwise."""
MAX_SHOWN_MODULES = 200
"""In a notebook."""


class Run:
    """One execution of an experiment. It is a record: nothing that happens later changes it.

    Attributes:
        record: its id, state and times.
    """

    def __init__(self, record: RunRecord, runs: RunRepository, objects: ObjectStore) -> None:
        self.record = record
        self._runs = runs
        self._objects = objects

    @property
    def id(self) -> str:
        """It sorts by time of start."""
        return self.record.id

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return self.record.experiment

    @property
    def state(self) -> RunState:
        """How it ended."""
        return self.record.state

    @property
    def finished(self) -> bool:
        """Whether everything that was asked for has its result."""
        return self.state is RunState.FINISHED

    @cached_property
    def module_runs(self) -> tuple[ModuleRun, ...]:
        """The records of all modules, in the document's order."""
        return tuple(self._runs.list_modules(self.id))

    @cached_property
    def _modules(self) -> Mapping[str, RunModule]:
        return {module.module: RunModule(module, self._objects) for module in self.module_runs}

    def __getitem__(self, module: str) -> RunModule:
        """A module of the run. Raises ModuleNotFound."""
        found = self._modules.get(module)
        if found is None:
            hint = near_name(module, self._modules) or f" It has {', '.join(list(self._modules)[:20])}."
            raise ModuleNotFound(f"Run {self.id} has no module {module[:80]!r}.{hint}", module=module, run=self.id)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, module: object) -> bool:
        return module in self._modules

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.experiment}: {self.state.value}>"

    def _repr_html_(self) -> str:
        """For notebooks: a row for each module."""
        rows = "".join(
            f"<tr><td>{html.escape(module.module)}</td><td>{html.escape(module.kind)}</td>"
            f"<td>{module.state.value}</td><td>{html.escape(_size_words(module))}</td></tr>"
            for module in self.module_runs[:MAX_SHOWN_MODULES]
        )
        more = len(self.module_runs) - MAX_SHOWN_MODULES
        head = "<tr><th>module</th><th>kind</th><th>state</th><th>outputs</th></tr>"
        return (
            f"<p>Run {html.escape(self.id)} of {html.escape(self.experiment)}: <b>{self.state.value}</b></p>"
            f"<table>{head}{rows}</table>{f'<p>and {more} more</p>' if more > 0 else ''}"
        )


class RunModule:
    """What became of one module in a run. Its output ports are attributes, too: `run["rank"].results`.

    Attributes:
        record: all that was recorded.
    """

    def __init__(self, record: ModuleRun, objects: ObjectStore) -> None:
        self.record = record
        self._objects = objects

    @property
    def name(self) -> str:
        """Its name in the experiment."""
        return self.record.module

    @property
    def state(self) -> ModuleState:
        """How it ended."""
        return self.record.state

    @property
    def reason(self) -> Reason | None:
        """Why it was executed or reused."""
        return self.record.reason

    @property
    def error(self) -> Mapping[str, str | int | None] | None:
        """`code`, `message`, `traceback`, `line`, `classic_text`; None where it did not fail."""
        return self.record.error

    @cached_property
    def log(self) -> str:
        """What it printed. Raises ObjectMissing, ObjectDamaged."""
        if self.record.log is None:
            return ""
        return self._objects.read_bytes(self.record.log, MAX_LOG_BYTES).decode("utf-8", "replace")

    @property
    def ports(self) -> tuple[str, ...]:
        """The output ports that gave something."""
        return tuple(output.port for output in self.record.outputs)

    @property
    def visualization(self) -> Visualization:
        """Printed text and pictures. Raises PortNotFound where it has none."""
        value: Visualization = self.output(self._port_of(PortType.VISUALIZATION))
        return value

    def output(self, port: str) -> Any:  # noqa: ANN401 - a Table, a Visualization or a bundle, by the port
        """What an output port gave: a Table, a Visualization, or a bundle's file.

        Raises:
            PortNotFound: it has no such port, or gave nothing there.
            ObjectMissing: it was removed.
            ObjectDamaged: it is not what was stored.
        """
        from estudio.engine.stored_values import load_value  # noqa: PLC0415 - needs Arrow

        return load_value(self._objects, self.stored(port))

    def stored(self, port: str) -> StoredOutput:
        """The record of what an output port gave. Raises PortNotFound."""
        for output in self.record.outputs:
            if output.port == port:
                return output
        hint = f" It gave {', '.join(self.ports)}." if self.ports else f" It gave nothing: it is {self.state.value}."
        raise PortNotFound(
            f"The module {self.name} gave nothing at the port {port[:80]!r}.{near_name(port, self.ports) or hint}",
            module=self.name,
            port=port,
        )

    def _port_of(self, kind: PortType) -> str:
        return next((output.port for output in self.record.outputs if output.type == kind.value), kind.value)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as `output`
        """An output port as an attribute."""
        if not name.startswith("_") and any(output.port == name for output in self.record.outputs):
            return self.output(name)
        raise AttributeError(f"The module {self.name!r} has neither an attribute nor an output port {name!r}.")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.ports})

    def __repr__(self) -> str:
        return f"<RunModule {self.name}: {self.state.value}>"

    def _repr_html_(self) -> str:
        """For notebooks: its first table, or its error."""
        head = f"<p><b>{html.escape(self.name)}</b>: {self.state.value}</p>"
        if self.error is not None:
            return head + f"<pre>{html.escape(str(self.error.get('traceback') or self.error.get('message')))}</pre>"
        table = next((output.port for output in self.record.outputs if output.type == PortType.TABLE.value), None)
        return head if table is None else head + str(self.output(table)._repr_html_())


def _size_words(module: ModuleRun) -> str:
    return ", ".join(
        f"{output.port} {output.row_count} by {len(output.columns)}"
        for output in module.outputs
        if output.row_count is not None
    )
