"""Claims against a budget."""

from __future__ import annotations

import pytest

from estudio.engine.budget import MAX_UNSTORED, Budget, Ledger, claim_bytes, machine_budget
from estudio.errors import InvalidUsage


def test_ten_big_modules_do_not_run_at_one_time() -> None:
    ledger = Ledger(Budget(10, 1000))
    admitted = [name for name in "abcdefghij" if ledger.admit(name, 400)]
    assert admitted == ["a", "b"]
    ledger.release("a")
    assert ledger.admit("c", 400)


def test_a_small_one_passes_a_big_one() -> None:
    ledger = Ledger(Budget(3, 1000))
    assert ledger.admit("a", 600)
    assert not ledger.admit("b", 600)
    assert ledger.admit("c", 100)


def test_what_exceeds_the_budget_runs_alone() -> None:
    ledger = Ledger(Budget(4, 1000))
    assert ledger.admit("small", 1)
    assert not ledger.admit("huge", 5000)
    ledger.release("small")
    assert ledger.admit("huge", 5000)
    assert not ledger.admit("small", 1)


def test_cores_bound_the_number() -> None:
    ledger = Ledger(Budget(2, 1000))
    assert [ledger.admit(name, 1) for name in "abc"] == [True, True, False]


def test_results_that_wait_for_the_disk_count() -> None:
    ledger = Ledger(Budget(2, 1000))
    ledger.hold("a", 900)
    assert not ledger.admit("b", 200)
    ledger.release_stored("a")
    assert ledger.admit("b", 200)


def test_too_many_waiting_results_stop_all() -> None:
    ledger = Ledger(Budget(2, 1000))
    for number in range(MAX_UNSTORED):
        ledger.hold(str(number), 0)
    assert ledger.is_full
    assert not ledger.admit("a", 0)


@pytest.mark.parametrize("parallel", [0, -1, 1000])
def test_a_wrong_number_is_refused(parallel: int) -> None:
    with pytest.raises(InvalidUsage, match="from 1 to"):
        machine_budget(parallel)


def test_this_machine_has_a_budget() -> None:
    budget = machine_budget()
    assert budget.parallel >= 1
    assert budget.memory_bytes >= 1 << 30
    assert machine_budget(7).parallel == 7


def test_a_claim_grows_with_the_inputs() -> None:
    assert claim_bytes(1 << 30) - claim_bytes(0) == 4 << 30
