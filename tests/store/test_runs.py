"""The contract of `RunRepository`: what all implementations promise alike."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.run import ModuleState, Owner, Reason, ReasonCode, RunState
from estudio.errors import ModuleNotFound, RunNotFound, StateConflict
from tests.store.records import DIGEST, OWNER, finished, module, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.store.protocols import RunRepository

FINAL_STATES = sorted(set(RunState) - {RunState.RUNNING})


def add_finished(runs: RunRepository, run_id: str, *modules: str, experiment: str = "pima") -> None:
    """A whole run in which these modules finished, with keys `KEY of NAME`."""
    runs.add_run(run(run_id, experiment=experiment), [module(name) for name in modules])
    runs.change_modules(run_id, [module(name, ModuleState.RUNNING) for name in modules])
    runs.change_modules(run_id, [finished(name, f"key of {name}") for name in modules])
    runs.end_run(run_id, RunState.FINISHED, 1003.0)


def test_a_run_comes_back_as_it_was(runs: RunRepository) -> None:
    runs.add_run(run(), [module("b"), module("a")])
    assert runs.get_run("run-1") == run()
    assert runs.list_modules("run-1") == [module("b"), module("a")]


def test_a_whole_record_comes_back_as_it_was(runs: RunRepository) -> None:
    runs.add_run(run(), [module("rank")])
    runs.change_modules("run-1", [module("rank", ModuleState.RUNNING, started_at=1001.0)])
    runs.change_modules("run-1", [finished()])
    assert runs.list_modules("run-1") == [finished()]


def test_text_that_is_no_unicode_comes_back(runs: RunRepository) -> None:
    error = {"code": "script-raised", "message": "half a pair: \ud800, a NUL: \0", "line": 3, "traceback": None}
    failed = module("rank", ModuleState.FAILED, error=error)
    runs.add_run(run(), [module("rank")])
    runs.change_modules("run-1", [module("rank", ModuleState.RUNNING), failed])
    assert runs.list_modules("run-1") == [failed]


def test_a_run_without_modules_is_kept(runs: RunRepository) -> None:
    runs.add_run(run(), [])
    assert runs.list_modules("run-1") == []


def test_an_id_is_given_once(runs: RunRepository) -> None:
    runs.add_run(run(), [module("rank")])
    with pytest.raises(StateConflict, match="run-1 is there already"):
        runs.add_run(run(experiment="other"), [])
    assert runs.get_run("run-1").experiment == "pima"


def test_a_run_begins_running_with_each_module_once(runs: RunRepository) -> None:
    with pytest.raises(StateConflict):
        runs.add_run(run(state=RunState.FINISHED), [])
    with pytest.raises(StateConflict):
        runs.add_run(run(), [module("rank"), module("rank")])
    assert runs.list_runs() == []


def test_a_beginning_of_an_id_is_enough(runs: RunRepository) -> None:
    for run_id in ("a1", "a2", "a1x", "b%", "b_"):
        runs.add_run(run(run_id), [])
    assert runs.get_run("a2").id == "a2"
    assert runs.get_run("a1").id == "a1"
    assert runs.get_run("a1x").id == "a1x"
    assert runs.get_run("b%").id == "b%"
    with pytest.raises(RunNotFound, match="Several runs begin with “a”: a1, a1x, a2"):
        runs.get_run("a")
    with pytest.raises(RunNotFound, match="There is no run “c”"):
        runs.get_run("c")
    with pytest.raises(RunNotFound, match="There is no run “”"):
        runs.get_run("")


def test_an_empty_beginning_means_no_run_even_of_one(runs: RunRepository) -> None:
    runs.add_run(run(), [])
    with pytest.raises(RunNotFound):
        runs.get_run("")


def test_what_is_not_there_is_named(runs: RunRepository) -> None:
    runs.add_run(run(), [module("rank")])
    calls: list[Callable[[], object]] = [
        lambda: runs.list_modules("run"),
        lambda: runs.list_events("run"),
        lambda: runs.remove_run("run"),
        lambda: runs.end_run("run", RunState.FINISHED, 1.0),
        lambda: runs.change_modules("run", [module("rank", ModuleState.RUNNING)]),
    ]
    for call in calls:
        with pytest.raises(RunNotFound, match="There is no run “run”"):
            call()
    with pytest.raises(ModuleNotFound, match="has no module “plot”"):
        runs.change_modules("run-1", [module("plot", ModuleState.RUNNING)])


def test_the_newest_run_comes_first(runs: RunRepository) -> None:
    for run_id, experiment in (("c", "one"), ("a", "two"), ("b", "one")):
        runs.add_run(run(run_id, experiment=experiment), [])
    assert [each.id for each in runs.list_runs()] == ["b", "a", "c"]
    assert [each.id for each in runs.list_runs("one")] == ["b", "c"]
    assert [each.id for each in runs.list_runs(limit=2)] == ["b", "a"]
    assert [each.id for each in runs.list_runs("one", 1)] == ["b"]
    assert runs.list_runs("three") == []
    assert runs.list_runs(limit=0) == []


@pytest.mark.parametrize("state", FINAL_STATES)
def test_the_end_of_a_run_ends_its_modules(runs: RunRepository, state: RunState) -> None:
    runs.add_run(run(), [module("waiting"), module("running"), module("done")])
    runs.change_modules("run-1", [module("running", ModuleState.RUNNING, started_at=1001.0)])
    runs.change_modules("run-1", [module("done", ModuleState.REUSED)])
    ended = runs.end_run("run-1", state, 1009.0)
    assert ended == runs.get_run("run-1") == run(state=state, ended_at=1009.0)
    left = ModuleState.INTERRUPTED if state is RunState.INTERRUPTED else ModuleState.CANCELLED
    assert runs.list_modules("run-1") == [
        module("waiting", left),
        module("running", left, started_at=1001.0, ended_at=1009.0),
        module("done", ModuleState.REUSED),
    ]


@pytest.mark.parametrize("state", FINAL_STATES)
def test_what_has_ended_never_changes(runs: RunRepository, state: RunState) -> None:
    runs.add_run(run(), [module("rank")])
    runs.end_run("run-1", state, 1009.0)
    events = runs.list_events("run-1")
    with pytest.raises(StateConflict, match=f"it is {state}"):
        runs.end_run("run-1", RunState.FINISHED, 1010.0)
    with pytest.raises(StateConflict, match=f"the run is {state}"):
        runs.change_modules("run-1", [module("rank", ModuleState.RUNNING)])
    assert runs.get_run("run-1").ended_at == 1009.0
    assert runs.list_events("run-1") == events


def test_a_run_cannot_end_running(runs: RunRepository) -> None:
    runs.add_run(run(), [])
    with pytest.raises(StateConflict):
        runs.end_run("run-1", RunState.RUNNING, 1010.0)


def test_one_forbidden_move_refuses_all(runs: RunRepository) -> None:
    runs.add_run(run(), [module("a"), module("b")])
    before = runs.list_events("run-1")
    with pytest.raises(StateConflict, match="“b” of run run-1 cannot become finished: it is waiting"):
        runs.change_modules("run-1", [module("a", ModuleState.RUNNING), finished("b")])
    assert runs.list_modules("run-1") == [module("a"), module("b")]
    assert runs.list_events("run-1") == before


def test_a_finished_record_is_not_replaced_by_itself(runs: RunRepository) -> None:
    runs.add_run(run(), [module("rank")])
    runs.change_modules("run-1", [module("rank", ModuleState.RUNNING), finished()])
    with pytest.raises(StateConflict):
        runs.change_modules("run-1", [finished(key="other")])
    assert runs.list_modules("run-1") == [finished()]


def test_a_record_may_change_while_its_state_stays(runs: RunRepository) -> None:
    runs.add_run(run(), [module("rank")])
    before = runs.list_events("run-1")
    runs.change_modules("run-1", [module("rank", key="k", reason=Reason(ReasonCode.FIRST))])
    assert runs.list_modules("run-1") == [module("rank", key="k", reason=Reason(ReasonCode.FIRST))]
    assert runs.list_events("run-1") == before


def test_no_change_is_no_change(runs: RunRepository) -> None:
    runs.add_run(run(), [module("rank")])
    runs.change_modules("run-1", [])
    assert [event.number for event in runs.list_events("run-1")] == [1]


def test_events_tell_the_story_in_order(runs: RunRepository) -> None:
    runs.add_run(run(), [module("a"), module("b")])
    runs.change_modules("run-1", [module("a", ModuleState.RUNNING, started_at=1001.0)])
    runs.change_modules("run-1", [finished("a")])
    runs.end_run("run-1", RunState.FINISHED_WITH_FAILURES, 1003.0)
    events = runs.list_events("run-1")
    assert [event.number for event in events] == [1, 2, 3, 4, 5]
    assert [event.body["state"] for event in events] == [
        "running",
        "running",
        "finished",
        "cancelled",
        "finished-with-failures",
    ]
    assert [event.body.get("module") for event in events] == [None, "a", "a", "b", None]
    assert events[0].body["modules"] == ["a", "b"]
    assert events[2].body == {
        "event": "module-changed",
        "run": "run-1",
        "module": "a",
        "state": "finished",
        "started_at": 1001.0,
        "ended_at": 1002.5,
        "reason": "changed",
        "changes": ["script changed", "parameter trees: 250 → 500"],
        "outputs": [
            {"port": "results", "digest": "cd" * 32, "rows": 10, "columns": 2},
            {"port": "visualization", "digest": "ef" * 32, "rows": None, "columns": 0},
        ],
    }
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert runs.list_events("run-1", after=3) == events[3:]
    assert json.loads(json.dumps([event.body for event in events])) == [event.body for event in events]


def test_an_error_is_in_the_event_without_its_traceback(runs: RunRepository) -> None:
    error = {"code": "script-raised", "message": "boom", "traceback": "long", "line": 3}
    runs.add_run(run(), [module("a")])
    runs.change_modules("run-1", [module("a", ModuleState.RUNNING), module("a", ModuleState.FAILED, error=error)])
    assert runs.list_events("run-1")[-1].body["error"] == {"code": "script-raised", "message": "boom"}


def test_the_newest_result_of_a_key_is_found(runs: RunRepository) -> None:
    add_finished(runs, "b", "rank", "plot")
    add_finished(runs, "a", "rank", experiment="other")
    found = runs.find_results(["key of rank", "key of plot", "key of nothing"])
    assert found == {
        "key of rank": ("a", finished("rank", "key of rank")),
        "key of plot": ("b", finished("plot", "key of plot")),
    }
    assert runs.find_results([]) == {}


def test_only_whole_results_are_found(runs: RunRepository) -> None:
    names = ["failed", "running", "waiting"]
    runs.add_run(run(), [module(name, key=f"key of {name}") for name in names])
    runs.change_modules("run-1", [module(name, ModuleState.RUNNING, key=f"key of {name}") for name in names[:2]])
    runs.change_modules("run-1", [finished("failed", "key of failed", state=ModuleState.FAILED)])
    assert runs.find_results([f"key of {name}" for name in names]) == {}
    assert runs.find_latest("pima", names) == {}


def test_what_made_a_result_comes_before_what_reused_it(runs: RunRepository) -> None:
    add_finished(runs, "made", "rank")
    runs.add_run(run("reused"), [module("rank")])
    reused = finished("rank", "key of rank", state=ModuleState.REUSED)
    runs.change_modules("reused", [reused])
    runs.end_run("reused", RunState.FINISHED, 1.0)
    assert runs.find_results(["key of rank"]) == {"key of rank": ("made", finished("rank", "key of rank"))}
    assert runs.find_latest("pima", ["rank"]) == {"rank": ("reused", reused)}
    runs.remove_run("made")
    assert runs.find_results(["key of rank"]) == {"key of rank": ("reused", reused)}


def test_the_latest_of_each_module_is_of_that_experiment(runs: RunRepository) -> None:
    add_finished(runs, "1", "rank", "plot")
    add_finished(runs, "2", "rank")
    add_finished(runs, "3", "rank", experiment="other")
    found = runs.find_latest("pima", ["rank", "plot", "missing"])
    assert {name: run_id for name, (run_id, _) in found.items()} == {"rank": "2", "plot": "1"}
    assert runs.find_latest("nothing", ["rank"]) == {}


def test_thousands_of_keys_are_asked_at_once(runs: RunRepository) -> None:
    names = [f"module {number}" for number in range(2_500)]
    add_finished(runs, "run", *names)
    assert len(runs.find_results([f"key of {name}" for name in names])) == len(names)
    assert len(runs.find_latest("pima", names)) == len(names)


def test_a_removed_run_is_forgotten(runs: RunRepository) -> None:
    add_finished(runs, "1", "rank")
    runs.remove_run("1")
    assert runs.list_runs() == []
    assert runs.find_results(["key of rank"]) == {}
    assert runs.find_latest("pima", ["rank"]) == {}
    assert runs.referenced_digests() == set()
    with pytest.raises(RunNotFound):
        runs.list_modules("1")
    add_finished(runs, "1", "rank")
    assert [event.number for event in runs.list_events("1")] == [1, 2, 3, 4]


def test_a_running_run_is_not_removed(runs: RunRepository) -> None:
    runs.add_run(run(), [])
    with pytest.raises(StateConflict, match="is running and cannot be removed"):
        runs.remove_run("run-1")
    assert runs.get_run("run-1") == run()


def test_repair_ends_the_runs_of_the_dead_alone(runs: RunRepository) -> None:
    alive = Owner(1, "2", "3")
    runs.add_run(run("of the dead"), [module("a"), module("b")])
    runs.add_run(run("of the living", owner=alive), [module("a")])
    runs.add_run(run("ended"), [])
    runs.end_run("ended", RunState.CANCELLED, 5.0)
    runs.change_modules("of the dead", [module("a", ModuleState.RUNNING, started_at=1.0)])
    asked: list[Owner] = []

    def is_alive(owner: Owner) -> bool:
        asked.append(owner)
        return owner == alive

    repaired = runs.repair(is_alive, 1010.0)
    assert repaired == [run("of the dead", state=RunState.INTERRUPTED, ended_at=1010.0)]
    assert {each.id: each.state for each in runs.list_runs()} == {
        "of the dead": RunState.INTERRUPTED,
        "of the living": RunState.RUNNING,
        "ended": RunState.CANCELLED,
    }
    assert [each.state for each in runs.list_modules("of the dead")] == [ModuleState.INTERRUPTED] * 2
    assert set(asked) == {alive, OWNER}
    assert runs.repair(is_alive, 1011.0) == []


def test_all_digests_that_runs_refer_to_are_told(runs: RunRepository) -> None:
    assert runs.referenced_digests() == set()
    add_finished(runs, "1", "rank")
    runs.add_run(run("2", snapshot="77" * 32), [module("rank")])
    assert runs.referenced_digests() == {DIGEST, "77" * 32, "cd" * 32, "ef" * 32, "01" * 32}


def test_many_threads_lose_nothing(runs: RunRepository) -> None:
    names = [f"module {number}" for number in range(24)]
    runs.add_run(run(), [module(name) for name in names])

    def execute(name: str) -> None:
        runs.change_modules("run-1", [module(name, ModuleState.RUNNING)])
        runs.list_modules("run-1")
        runs.change_modules("run-1", [finished(name, f"key of {name}")])
        assert f"key of {name}" in runs.find_results([f"key of {name}"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(execute, names))
    assert {each.state for each in runs.list_modules("run-1")} == {ModuleState.FINISHED}
    assert [event.number for event in runs.list_events("run-1")] == list(range(1, 2 * len(names) + 2))


def test_only_one_of_many_threads_makes_a_move(runs: RunRepository) -> None:
    runs.add_run(run(), [module("rank")])

    def start(_: int) -> bool:
        try:
            runs.change_modules("run-1", [module("rank", ModuleState.RUNNING)])
            runs.change_modules("run-1", [replace(finished(), state=ModuleState.FINISHED)])
        except StateConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(start, range(16)))
    assert len([event for event in runs.list_events("run-1") if event.body["state"] == "finished"]) == 1
    assert any(outcomes)
