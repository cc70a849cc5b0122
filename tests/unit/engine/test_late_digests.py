"""Large tables: what is below starts without their digest, unless waiting for it can save the execution."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from estudio.core.run import RunState
from estudio.modules.behaviour import ModuleOutcome
from tests.unit.engine.doubles import Adding, chain, module, number_table
from tests.unit.engine.running import Bench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.modules.behaviour import ModuleCall


class Slow:
    """Lets nothing be stored until it is told to."""

    def __init__(self, bench: Bench) -> None:
        self.open = threading.Event()
        self.put_many = bench.objects.put_many
        bench.objects.put_many = self  # type: ignore[method-assign, assignment]

    def __call__(self, contents: list[bytes]) -> list[str]:
        assert self.open.wait(10)
        return self.put_many(contents)


def late(tmp_path: Path, *modules: object, **given: object) -> Bench:
    bench = Bench(tmp_path, *modules, **given)  # type: ignore[arg-type]
    bench.digest_at_once_bytes = 0
    return bench


def test_the_next_module_starts_before_the_result_is_stored(tmp_path: Path) -> None:
    bench = late(tmp_path, *chain(3))
    slow = Slow(bench)

    def open_at_the_end(call: ModuleCall) -> None:
        if call.module.name == "m2":
            slow.open.set()

    bench.behaviour = Adding(act=open_at_the_end)
    assert bench.run().state is RunState.FINISHED


def test_keys_and_reasons_are_the_same_as_with_digests_at_once(tmp_path: Path) -> None:
    at_once, later = Bench(tmp_path / "1", *chain(4)), late(tmp_path / "2", *chain(4))
    at_once.run()
    later.run()
    assert [each.key for each in later.module_runs().values()] == [each.key for each in at_once.module_runs().values()]
    for bench in (at_once, later):
        bench.modules = (module("m0", plus=4), *bench.modules[1:])
        bench.run()
    assert later.reasons() == at_once.reasons()
    assert later.reasons()["m3"] == "changed('dataset1 has other values',)"
    later.run()
    assert set(later.states().values()) == {"reused"}


def test_a_change_without_effect_is_waited_for(tmp_path: Path) -> None:
    bench = late(tmp_path, module("m0", plus=1), *chain(3)[1:])
    bench.run()
    bench.modules = (module("m0", plus=1.0), *bench.modules[1:])
    bench.run()
    assert bench.states() == {"m0": "finished", "m1": "reused", "m2": "reused"}


def changed_shape(rows: int) -> Callable[[ModuleCall], ModuleOutcome | None]:
    def act(call: ModuleCall) -> ModuleOutcome | None:
        if call.module.name == "m0":
            return ModuleOutcome({"results": number_table(*range(rows))})
        return None

    return act


def test_a_table_of_another_shape_is_not_waited_for(tmp_path: Path) -> None:
    bench = late(tmp_path, *chain(2), behaviour=Adding(act=changed_shape(1000)))
    bench.run()
    slow = Slow(bench)

    def other_shape(call: ModuleCall) -> ModuleOutcome | None:
        if call.module.name == "m1":
            slow.open.set()
        return changed_shape(2000)(call)

    bench.behaviour = Adding(version=2, act=other_shape)
    assert bench.run().state is RunState.FINISHED
    assert bench.reasons()["m0"] == "changed('kind adding has a new version',)"


def test_what_is_below_two_large_tables_waits_for_both(tmp_path: Path) -> None:
    modules = (module("a", plus=1), module("b", plus=2), module("c", "a", "b"))
    bench = late(tmp_path, *modules)
    bench.run()
    bench.modules = (module("a", plus=1.0), module("b", plus=2.0), modules[2])
    bench.run()
    assert bench.states() == {"a": "finished", "b": "finished", "c": "reused"}
