"""All orders of changes: the database agrees with the double in memory, and neither breaks the state machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from estudio.core.run import ModuleState, Owner, RunState, can_move
from estudio.errors import EstudioError
from estudio.store.database import Database
from estudio.store.memory import MemoryRuns
from tests.store.records import finished, module, run

MODULES = ["a", "b", "c"]
OWNERS = [Owner(1, "1", "boot"), Owner(2, "2", "boot")]
IDS = st.integers(0, 3).map(lambda number: f"run-{number}")
REUSABLE = {ModuleState.FINISHED, ModuleState.REUSED}


class Stores(RuleBasedStateMachine):
    """Every call goes to both; both give the same answer or the same error."""

    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name, "database.sqlite"), clock=lambda: 1.0)
        self.memory = MemoryRuns(clock=lambda: 1.0)
        self.before: dict[str, dict[str, ModuleState]] = {}

    def both(self, method: str, *arguments: Any) -> Any:
        answers = []
        for runs in (self.database.runs, self.memory):
            try:
                answers.append(getattr(runs, method)(*arguments))
            except EstudioError as error:
                answers.append((type(error), error.message, error.facts))
        assert answers[0] == answers[1]
        return answers[0]

    @rule(target=made, run_id=IDS, owner=st.sampled_from(OWNERS), experiment=st.sampled_from(["pima", "other"]))
    def add(self, run_id: str, owner: Owner, experiment: str) -> str:
        self.both("add_run", run(run_id, owner=owner, experiment=experiment), [module(name) for name in MODULES])
        return run_id

    @rule(
        run_id=made,
        changes=st.lists(st.tuples(st.sampled_from([*MODULES, "unknown"]), st.sampled_from(ModuleState)), max_size=3),
        key=st.sampled_from(["k1", "k2", None]),
    )
    def change(self, run_id: str, changes: list[tuple[str, ModuleState]], key: str | None) -> None:
        self.both("change_modules", run_id, [finished(name, key, state=state) for name, state in changes])

    @rule(run_id=made, state=st.sampled_from(RunState))
    def end(self, run_id: str, state: RunState) -> None:
        self.both("end_run", run_id, state, 7.0)

    @rule(run_id=made)
    def remove(self, run_id: str) -> None:
        self.both("remove_run", run_id)
        if run_id not in {each.id for each in self.memory.list_runs()}:
            self.before.pop(run_id, None)

    @rule(dead=st.sampled_from(OWNERS))
    def repair(self, dead: Owner) -> None:
        self.both("repair", lambda owner: owner != dead, 8.0)

    @rule(run_id=made, after=st.integers(0, 5))
    def look(self, run_id: str, after: int) -> None:
        self.both("get_run", run_id)
        self.both("get_run", run_id[:-1])
        self.both("list_events", run_id, after)

    @invariant()
    def answers_agree(self) -> None:
        for each in self.both("list_runs"):
            states = {one.module: one.state for one in self.both("list_modules", each.id)}
            before = self.before.get(each.id, states)
            assert list(states) == MODULES
            for name, state in states.items():
                assert state is before[name] or can_move_in_steps(before[name], state)
            if each.state is not RunState.RUNNING:
                assert not {ModuleState.WAITING, ModuleState.RUNNING} & set(states.values())
            self.before[each.id] = states
        for found in (self.both("find_results", ["k1", "k2"]), self.both("find_latest", "pima", MODULES)):
            assert {one.state for _, one in found.values()} <= REUSABLE
        self.both("referenced_digests")

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()


def can_move_in_steps(before: ModuleState, after: ModuleState) -> bool:
    """One call may hold several moves of one module."""
    return can_move(before, after) or any(can_move(before, way) and can_move(way, after) for way in ModuleState)


Stores.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestStores = Stores.TestCase
