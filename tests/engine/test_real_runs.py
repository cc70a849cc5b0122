"""Experiments of real scripts in real walls, stored in a real database."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from estudio.core.events import ModuleOutput
from estudio.core.limits import Limits
from estudio.core.outcome import Visualization
from estudio.core.run import RunState
from estudio.engine.stored_values import load_value
from estudio.modules.kind_parts import KindParts
from estudio.modules.registry import behaviours
from estudio.modules.script_executors import WarmExecutors
from estudio.modules.warm_pools import WarmPools
from estudio.tables.table import Table
from estudio.workspace.open import ready_environment, script_environment

from .small_workspace import SmallWorkspace, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DOUBLE = "def azureml_main(dataframe1):\n    print('doubling')\n    return dataframe1 * 2\n"
ADD = "from helper import plus\ndef azureml_main(dataframe1, dataframe2):\n    return plus(dataframe1, dataframe2)\n"
MODULES = [
    placed("numbers", "enter-data", data="x\n1\n2\n"),
    placed("helpers", "script-bundle", path="bundles/helpers"),
    placed("double", "execute-python-script", {"dataset1": "numbers.dataset"}, script="scripts/double.py"),
    placed(
        "add",
        "execute-python-script",
        {"dataset1": "numbers.dataset", "dataset2": "double.results", "bundle": "helpers.bundle"},
        script="scripts/add.py",
    ),
]


@pytest.fixture(scope="module")
def make_executors(estudio_home: Path) -> Iterator[Callable[[], WarmExecutors]]:
    made: list[WarmExecutors] = []

    def make() -> WarmExecutors:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ESTUDIO_HOME", str(estudio_home))
            environment = script_environment(ready_environment("default"))
        made.append(WarmExecutors(str, lambda _: WarmPools(environment, Limits())))
        return made[-1]

    yield make
    for executors in made:
        executors.close()


@pytest.fixture(scope="module")
def executors(make_executors: Callable[[], WarmExecutors]) -> WarmExecutors:
    return make_executors()


def workspace_in(folder: Path, executors: WarmExecutors) -> SmallWorkspace:
    for path, text in {
        "scripts/double.py": DOUBLE,
        "scripts/add.py": ADD,
        "bundles/helpers/helper.py": "def plus(one, two):\n    return one + two\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return SmallWorkspace(folder, behaviours(KindParts(executors)), interrupt=executors.cancel)


@pytest.fixture
def workspace(tmp_path: Path, executors: WarmExecutors) -> Iterator[SmallWorkspace]:
    workspace = workspace_in(tmp_path, executors)
    yield workspace
    workspace.close()


def column(workspace: SmallWorkspace, module: str, port: str = "results") -> list[object]:
    outputs = {output.port: output for output in workspace.module_runs()[module].outputs}
    table = load_value(workspace.objects, outputs[port])
    assert isinstance(table, Table)
    return table.to_arrow().column("x").to_pylist()


def test_scripts_with_a_bundle_run_and_are_reused(workspace: SmallWorkspace) -> None:
    assert workspace.run(MODULES).state is RunState.FINISHED
    assert column(workspace, "add") == [3, 6]
    double = workspace.module_runs()["double"]
    pictures = next(output for output in double.outputs if output.type == "visualization")
    assert load_value(workspace.objects, pictures) == Visualization("doubling\n")
    assert workspace.objects.read_bytes(double.log or "", 100) == b"doubling\n"
    assert double.facts["isolation"] == "full"
    printed = [each for each in workspace.events if isinstance(each, ModuleOutput)]
    assert "".join(each.text for each in printed if each.module == "double") == "doubling\n"
    workspace.run(MODULES)
    assert set(workspace.states().values()) == {"reused"}


def test_a_comment_changes_nothing_and_a_bundle_does(workspace: SmallWorkspace) -> None:
    workspace.run(MODULES)
    (workspace.folder / "scripts" / "double.py").write_text("# a word\n\n" + DOUBLE)
    workspace.run(MODULES)
    assert set(workspace.states().values()) == {"reused"}
    (workspace.folder / "bundles" / "helpers" / "helper.py").write_text("def plus(one, two):\n    return one - two\n")
    workspace.run(MODULES)
    assert workspace.states() == {"numbers": "reused", "helpers": "finished", "double": "reused", "add": "finished"}
    reason = workspace.module_runs()["add"].reason
    assert reason is not None
    assert reason.changes == ("bundle changed",)
    assert column(workspace, "add") == [-1, -2]


def test_a_script_that_raises_fails_its_module(workspace: SmallWorkspace) -> None:
    (workspace.folder / "scripts" / "double.py").write_text(DOUBLE.replace("* 2", "/ nothing"))
    assert workspace.run(MODULES).state is RunState.FAILED
    assert workspace.states() == {"numbers": "finished", "helpers": "finished", "double": "failed", "add": "blocked"}
    error = workspace.module_runs()["double"].error
    assert error is not None
    assert error["code"] == "script-raised"
    assert error["line"] == 3


def test_a_run_of_a_script_that_never_ends_is_cancelled(
    tmp_path: Path, make_executors: Callable[[], WarmExecutors]
) -> None:
    workspace = workspace_in(tmp_path, make_executors())
    (tmp_path / "scripts" / "double.py").write_text(
        "import time\ndef azureml_main(dataframe1):\n    print('here', flush=True)\n    time.sleep(600)\n"
    )
    with workspace.execution(MODULES) as execution:

        def cancel_when_it_prints() -> None:
            while not any(isinstance(event, ModuleOutput) for event in workspace.events):
                time.sleep(0.005)
            execution.cancel()

        threading.Thread(target=cancel_when_it_prints).start()
        assert execution.run().state is RunState.CANCELLED
    assert workspace.states() == {
        "numbers": "finished",
        "helpers": "finished",
        "double": "cancelled",
        "add": "cancelled",
    }
    workspace.close()
