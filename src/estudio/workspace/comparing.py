"""Two runs compared: which modules differ and why, and how far their tables do.

Equal digests are equal tables; only where they differ are the tables themselves opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from estudio.core.module_kind import PortType
from estudio.engine.cache_key import explain
from estudio.tables.comparison import compare_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.core.comparison import TableComparison
    from estudio.core.run import ModuleState, RunRecord
    from estudio.workspace.runs import Run, RunModule


class ModuleChange(StrEnum):
    """What became of a module from one run to the other."""

    SAME = "same"
    """Its results are the same."""
    CHANGED = "changed"
    ADDED = "added"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class ModuleComparison:
    """One module.

    Attributes:
        name: in both runs, or in the one that has it.
        change: what became of it.
        before: its state in the first run; None where it is added.
        after: its state in the second run; None where it is lost.
        reasons: what its result depends on and what is different there, in words.
        tables: for each port whose table is another one: the comparison.
    """

    name: str
    change: ModuleChange
    before: ModuleState | None
    after: ModuleState | None
    reasons: tuple[str, ...] = ()
    tables: tuple[tuple[str, TableComparison], ...] = ()


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs, the first of which is the earlier one as a rule."""

    before: RunRecord
    after: RunRecord
    modules: tuple[ModuleComparison, ...]

    @property
    def identical(self) -> bool:
        """Whether all modules gave the same."""
        return all(module.change is ModuleChange.SAME for module in self.modules)


def compare_runs(before: Run, after: Run) -> RunComparison:
    """Compare two runs, of one experiment or of two. Raises StoreFailed where a table that differs is gone."""
    names = dict.fromkeys((*after, *before))
    return RunComparison(before.record, after.record, tuple(_compare(name, before, after) for name in names))


def _compare(name: str, before: Run, after: Run) -> ModuleComparison:
    if name not in before:
        return ModuleComparison(name, ModuleChange.ADDED, None, after[name].state)
    if name not in after:
        return ModuleComparison(name, ModuleChange.LOST, before[name].state, None)
    one, other = before[name], after[name]
    same = _results(one) == _results(other)
    change = ModuleChange.SAME if same else ModuleChange.CHANGED
    return ModuleComparison(name, change, one.state, other.state, _reasons(one, other), tuple(_tables(one, other)))


def _results(module: RunModule) -> set[tuple[str, str]]:
    return {(output.port, output.digest) for output in module.record.outputs}


def _reasons(before: RunModule, after: RunModule) -> tuple[str, ...]:
    first, second = before.record.key_parts, after.record.key_parts
    return () if first is None or second is None else tuple(explain(first, second))


def _tables(before: RunModule, after: RunModule) -> Iterator[tuple[str, TableComparison]]:
    earlier = {output.port: output for output in before.record.outputs}
    for output in after.record.outputs:
        old = earlier.get(output.port)
        if output.type != PortType.TABLE.value or old is None or old.type != output.type:
            continue
        if old.digest != output.digest:
            yield output.port, compare_tables(before.output(output.port), after.output(output.port))
