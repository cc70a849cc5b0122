"""Runs of small experiments: states, order, failure, reuse, cancelling, a store that fails."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.events import Event, ModuleChanged, RunChanged
from estudio.core.run import ModuleState, RunState
from estudio.engine.stored_values import load_value
from estudio.errors import StoreDiskFull
from estudio.modules.behaviour import ModuleOutcome
from estudio.tables.table import Table
from tests.unit.engine.doubles import Adding, author_failure, chain, module, numbers_of
from tests.unit.engine.running import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.modules.behaviour import ModuleCall

FORK = (module("a"), module("b", "a"), module("c", "a", plus=5), module("d", "b", "c"))


def result(bench: Bench, name: str) -> list[float]:
    (output,) = bench.module_runs()[name].outputs
    value = load_value(bench.objects, output)
    assert isinstance(value, Table)
    return numbers_of(value)


def test_a_graph_runs_to_its_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK)
    record = bench.run()
    assert record.state is RunState.FINISHED
    assert record.ended_at is not None
    assert bench.states() == dict.fromkeys("abcd", "finished")
    assert bench.reasons() == dict.fromkeys("abcd", "first")
    assert result(bench, "d") == [9.0]
    assert all(each.key and each.key_parts and each.started_at for each in bench.module_runs().values())


def test_a_second_run_reuses_everything(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK)
    first = bench.run()
    bench.runs.look_ups = 0
    assert bench.run().state is RunState.FINISHED
    assert bench.states() == dict.fromkeys("abcd", "reused")
    assert {each.reason.run_id for each in bench.module_runs().values() if each.reason} == {first.id}
    assert bench.behaviour.executed == dict.fromkeys("abcd", 1)
    assert result(bench, "d") == [9.0]
    assert bench.runs.look_ups == 0  # the latest results were the right ones
    assert len(bench.runs.changes[-1]) == 4  # in one transaction


def test_a_change_runs_only_what_depends_on_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK)
    bench.run()
    bench.modules = (*FORK[:2], module("c", "a", plus=7), FORK[3])
    bench.run()
    assert bench.reasons() == {
        "a": "reused",
        "b": "reused",
        "c": "changed('plus: 5 → 7',)",
        "d": "changed('dataset2 has other values',)",
    }
    assert result(bench, "d") == [11.0]


def test_a_change_without_effect_ends_there(tmp_path: Path) -> None:
    """Early cut-off: what is below is reused when the new output has the old digest."""
    bench = Bench(tmp_path, module("a", plus=1), module("b", "a"), module("c", "b"))
    bench.run()
    bench.modules = (module("a", plus=1.0), *bench.modules[1:])
    bench.run()
    assert bench.states() == {"a": "finished", "b": "reused", "c": "reused"}


def test_an_older_result_is_found_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, module("a", plus=1), module("b", "a"))
    first = bench.run()
    before = bench.modules
    bench.modules = (module("a", plus=2), bench.modules[1])
    bench.run()
    bench.modules = before
    bench.run()
    assert bench.states() == {"a": "reused", "b": "reused"}
    assert {each.reason.run_id for each in bench.module_runs().values() if each.reason} == {first.id}


def test_fresh_executes_all_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK)
    bench.run()
    bench.run(fresh=True)
    assert bench.reasons() == dict.fromkeys("abcd", "fresh")


def test_what_is_not_deterministic_runs_again_and_the_rest_is_cut_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(module("a"), deterministic=False), module("b", "a"))
    bench.run()
    bench.run()
    assert bench.reasons() == {"a": "not-deterministic", "b": "reused"}


def test_only_what_a_target_needs_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK)
    assert bench.run(targets=("b",)).state is RunState.FINISHED
    assert bench.states() == {"a": "finished", "b": "finished", "c": "skipped", "d": "skipped"}


def failing(*names: str) -> Adding:
    return Adding(act=lambda call: author_failure(call) if call.module.name in names else None)


def test_a_failure_blocks_what_depends_on_it_and_nothing_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK, module("e", "d"), behaviour=failing("b"))
    assert bench.run().state is RunState.FAILED
    assert bench.states() == {"a": "finished", "b": "failed", "c": "finished", "d": "blocked", "e": "blocked"}
    runs = bench.module_runs()
    assert runs["b"].error is not None
    assert runs["b"].error["message"] == "ValueError: no"
    assert bench.objects.read_bytes(runs["b"].log or "", 100) == b"it printed\n"
    assert runs["e"].error == {"code": "blocked", "message": "It did not run, because b failed."}


def test_a_failed_module_runs_again_and_the_rest_is_reused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK, behaviour=failing("b"))
    bench.run()
    bench.behaviour = Adding()
    assert bench.run().state is RunState.FINISHED
    assert bench.states() == {"a": "reused", "b": "finished", "c": "reused", "d": "finished"}


def test_a_partial_run_of_which_some_finish(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *FORK, behaviour=failing("b"))
    assert bench.run(targets=("b", "c")).state is RunState.FINISHED_WITH_FAILURES
    assert bench.run(targets=("d",)).state is RunState.FAILED


def test_events_come_in_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *chain(3))
    bench.run()
    first, *middle, last = bench.events
    assert isinstance(first, RunChanged)
    assert first.modules == ("m0", "m1", "m2")
    assert isinstance(last, RunChanged)
    assert last.run.state is RunState.FINISHED
    seen = [(each.module_run.module, each.module_run.state) for each in middle if isinstance(each, ModuleChanged)]
    for name in ("m0", "m1", "m2"):
        assert seen.index((name, ModuleState.RUNNING)) < seen.index((name, ModuleState.FINISHED))
    assert [name for name, state in seen if state is ModuleState.FINISHED] == ["m0", "m1", "m2"]


def test_nothing_is_recorded_finished_before_what_it_depends_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *chain(30), module("x", "m3", "m29"))
    bench.run()
    finished = [each.module for batch in bench.runs.changes for each in batch if each.state is ModuleState.FINISHED]
    assert [name for name in finished if name != "x"] == [f"m{n}" for n in range(30)]
    assert finished[-1] == "x"


def test_independent_modules_run_at_one_time(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_: ModuleCall) -> None:
        both.wait()

    bench = Bench(tmp_path, module("a"), module("b"), behaviour=Adding(act=meet))
    assert bench.run().state is RunState.FINISHED


def test_a_cancelled_run_keeps_what_is_finished(tmp_path: Path) -> None:
    begun, ended = threading.Event(), threading.Event()

    def wait_at_b(call: ModuleCall) -> ModuleOutcome | None:
        if call.module.name != "b":
            return None
        begun.set()
        assert ended.wait(10)
        return ModuleOutcome(cancelled=True)

    bench = Bench(tmp_path, *FORK, behaviour=Adding(act=wait_at_b))
    bench.interrupt = ended.set
    execution = bench.execution()

    def cancel() -> None:
        assert begun.wait(10)
        execution.cancel()

    threading.Thread(target=cancel).start()
    assert execution.run().state is RunState.CANCELLED
    states = bench.states()
    assert states["a"] == "finished"
    assert states["b"] == states["d"] == "cancelled"
    bench.behaviour = Adding()
    assert bench.run().state is RunState.FINISHED
    assert bench.states()["a"] == "reused"


def test_ctrl_c_cancels_cleanly_and_is_raised_at_the_end(tmp_path: Path) -> None:
    ended = threading.Event()

    def interrupt_at_b(call: ModuleCall) -> ModuleOutcome | None:
        if call.module.name != "b":
            return None
        while bench.states()["c"] != "finished":
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
        assert ended.wait(10)
        return ModuleOutcome(cancelled=True)

    bench = Bench(tmp_path, *FORK, behaviour=Adding(act=interrupt_at_b))
    bench.interrupt = ended.set
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    assert bench.runs.list_runs()[0].state is RunState.CANCELLED
    assert bench.states() == {"a": "finished", "b": "cancelled", "c": "finished", "d": "cancelled"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_full_disk_ends_the_run_and_keeps_what_was_finished(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *chain(5))

    def fill_disk(call: ModuleCall) -> None:
        if call.module.name == "m3":
            while bench.states()["m2"] != "finished":
                time.sleep(0.001)
            bench.objects.fail_with = StoreDiskFull("There is no room.")

    bench.behaviour = Adding(act=fill_disk)
    with pytest.raises(StoreDiskFull):
        bench.run()
    assert bench.runs.list_runs()[0].state is RunState.FAILED
    assert [state for state in bench.states().values() if state == "finished"] == ["finished"] * 3
    bench.objects.fail_with = None
    bench.behaviour = Adding()
    assert bench.run().state is RunState.FINISHED
    assert list(bench.states().values()) == ["reused"] * 3 + ["finished"] * 2


def test_a_mistake_of_ours_ends_the_run_and_is_raised(tmp_path: Path) -> None:
    def break_down(_: ModuleCall) -> None:
        raise ZeroDivisionError("a mistake")

    bench = Bench(tmp_path, *chain(3), behaviour=Adding(act=break_down))
    with pytest.raises(ZeroDivisionError):
        bench.run()
    assert bench.runs.list_runs()[0].state is RunState.FAILED


def test_a_watcher_that_raises_ends_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *chain(3))
    bench.events = Refusing()
    with pytest.raises(RuntimeError, match="no more"):
        bench.run()
    assert bench.runs.list_runs()[0].state is RunState.FINISHED


class Refusing(list[Event]):
    def append(self, _: Event) -> None:
        raise RuntimeError("no more")


@pytest.mark.parametrize("how", ["missing", "short", "unframed"])
def test_a_lost_result_is_made_anew(tmp_path: Path, how: str) -> None:
    bench = Bench(tmp_path, *chain(3))
    bench.run()
    (output,) = bench.module_runs()["m1"].outputs
    path = bench.objects.path_of(output.digest)
    content = path.read_bytes()
    path.unlink()
    if how != "missing":
        path.write_bytes(content[:-1] if how == "short" else content[:-8] + b"\0" * 8)
    bench.run()
    assert bench.reasons() == {"m0": "reused", "m1": "result-lost", "m2": "reused"}
    assert result(bench, "m1") == [2.0]


def test_a_damage_that_only_loading_shows_is_seen_before_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, *chain(3))
    bench.run()
    (output,) = bench.module_runs()["m1"].outputs
    path = bench.objects.path_of(output.digest)
    content = bytearray(path.read_bytes())
    content[8:200] = b"\xff" * 192
    content[-200:-12] = b"\xff" * 188
    path.chmod(0o644)
    path.write_bytes(content)
    bench.modules = (*bench.modules[:2], module("m2", "m1", plus=5))
    assert bench.run().state is RunState.FINISHED
    assert bench.reasons()["m1"] == "result-lost"
    assert result(bench, "m2") == [7.0]


def test_a_required_input_that_gave_nothing_fails_the_module(tmp_path: Path) -> None:
    from estudio.core.module_kind import InputPort, ModuleShape, OutputPort, PortType

    strict = ModuleShape((InputPort("dataset1", PortType.TABLE),), (OutputPort("results", PortType.TABLE),))
    nothing = Adding(shape_=strict, act=lambda call: ModuleOutcome() if call.module.name == "m0" else None)
    bench = Bench(tmp_path, *chain(3), behaviour=nothing)
    assert bench.run().state is RunState.FAILED
    assert bench.states() == {"m0": "finished", "m1": "failed", "m2": "blocked"}
    error = bench.module_runs()["m1"].error
    assert error is not None
    assert error["code"] == "input-missing"
    assert "dataset1 takes from m0.results" in str(error["message"])
