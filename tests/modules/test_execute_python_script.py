"""The script kind: what a script declares, what its result depends on, and what comes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from estudio import run_script
from estudio.core.calling import MAX_TABLES
from estudio.core.limits import MIB, Limits
from estudio.core.module_kind import InputPort, Parameter, ParameterType, PortType
from estudio.core.outcome import Visualization
from estudio.errors import EnvironmentNotFound, InvalidInput, InvalidScript, InvalidUsage
from estudio.modules.behaviour import BundleFile
from estudio.modules.kind_parts import KindParts
from estudio.modules.kinds.execute_python_script import LIMITS, limits_of
from tests.unit.modules.kind_calls import BENCH, Bench, NoExecutors, table_at

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.module_kind import Value
    from estudio.modules.script_executors import WarmExecutors

KIND = "execute-python-script"
ONE, TWO, THREE = (pa.table({name: [1, 2]}) for name in ("one", "two", "three"))


@pytest.fixture
def bench(tmp_path: Path, executors: WarmExecutors) -> Bench:
    return Bench(tmp_path, KindParts(executors))


@pytest.fixture
def still(tmp_path: Path) -> Bench:
    """Without executors: nothing of it runs a script."""
    return Bench(tmp_path)


def write(bench: Bench, body: str, signature: str = "dataframe1=None, dataframe2=None") -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (bench.folder / "s.py").write_text(f"def azureml_main({signature}):\n{lines}\n")
    return "s.py"


def test_a_script_declares_ports_and_parameters(still: Bench) -> None:
    signature = 'a=None, b=None, c=None, d=None, *, trees: int = 250, names=("x", "y"), rate=0.5, title: str'
    shape = still.shape(KIND, script=write(still, "return a", signature))
    assert [port.name for port in shape.inputs] == ["dataset1", "dataset2", "dataset3", "dataset4", "bundle"]
    assert shape.inputs[2] == InputPort("dataset3", PortType.TABLE, "the argument c", optional=True)
    assert shape.script_parameters == (
        Parameter("trees", ParameterType.INTEGER, default=250),
        Parameter("names", ParameterType.COLUMNS, default=["x", "y"]),
        Parameter("rate", ParameterType.NUMBER, default=0.5),
        Parameter("title", ParameterType.STRING, required=True),
    )
    assert shape.outputs == still.behaviour(KIND).kind.shape.outputs
    assert still.shape(KIND, script="${which}") == still.behaviour(KIND).kind.shape
    plain = still.shape(KIND, script=write(still, "return a", "a"))
    assert plain == still.behaviour(KIND).kind.shape


def test_on_python_2_arguments_with_a_default_are_parameters(still: Bench) -> None:
    script = write(still, "print 5\nreturn a", "a, b=None, trees=250")
    still.parts = replace(still.parts, is_python2=lambda environment: environment == "old")
    shape = still.shape(KIND, script=script, environment="old")
    assert [port.name for port in shape.inputs] == ["dataset1", "dataset2", "bundle"]
    assert [parameter.name for parameter in shape.script_parameters] == ["trees"]


def test_what_is_wrong_with_a_script_is_said_before_it_runs(still: Bench) -> None:
    with pytest.raises(InvalidInput, match="no.py is not there"):  # noqa: RUF043
        still.shape(KIND, script="no.py")
    (still.folder / "s.py").write_text("x = 1\n")
    with pytest.raises(InvalidScript, match=r"The script s\.py defines no function azureml_main"):
        still.shape(KIND, script="s.py")
    with pytest.raises(InvalidScript, match="takes 13 tables; a script takes at most 12"):
        still.shape(KIND, script=write(still, "return a0", ", ".join(f"a{number}" for number in range(13))))


def test_what_a_result_depends_on(still: Bench) -> None:
    before = still.dependencies(KIND, script=write(still, "return dataframe1"))
    (still.folder / "s.py").write_text(
        "# said again\ndef azureml_main(dataframe1=None,dataframe2=None): return dataframe1"
    )
    assert still.dependencies(KIND, script="s.py") == before
    assert before["environment"] == "digest of default"
    assert before["calling"] == "classic"
    (still.folder / "t.py").write_bytes((still.folder / "s.py").read_bytes())
    assert still.dependencies(KIND, script="t.py") == before, "where a script lies is no matter"
    limits: dict[str, Any] = dict.fromkeys(LIMITS, 7)
    assert still.dependencies(KIND, script="s.py", **limits) == before, "limits are no part of a result"
    names = {parameter.name for parameter in still.behaviour(KIND).kind.shape.parameters}
    assert names - set(before) == {"seed", "allow_programs"}
    changed = [
        still.dependencies(KIND, script="s.py", environment="other"),
        still.dependencies(KIND, script="s.py", calling="designer"),
        still.dependencies(KIND, script=write(still, "return dataframe2")),
    ]
    assert all(other != before for other in changed)


def test_limits_come_from_the_settings() -> None:
    assert limits_of({}) == Limits()
    sizes: dict[str, Value] = {"memory_mib": 64, "disk_mib": 1, "output_mib": 2, "log_mib": 4}
    assert limits_of({"timeout_seconds": 1.5, "processes": 3, **sizes}) == Limits(
        1.5, 64 * MIB, 1 * MIB, 3, 2 * MIB, 4 * MIB
    )
    shape = Bench(parts=KindParts(NoExecutors())).behaviour(KIND).kind.shape
    assert limits_of({parameter.name: parameter.default for parameter in shape.parameters}) == Limits()


def test_tables_parameters_and_a_bundle_reach_the_script(bench: Bench) -> None:
    (bench.folder / "helpers").mkdir()
    (bench.folder / "helpers" / "helper.py").write_text("word = 'from the bundle'")
    script = write(
        bench,
        "import helper\nprint(helper.word, trees)\nreturn c, a.assign(trees=trees)",
        "a=None, b=None, c=None, *, trees=250",
    )
    outcome = bench.execute(
        KIND,
        {"dataset1": ONE, "dataset2": TWO, "dataset3": THREE, "bundle": BundleFile(bench.folder / "helpers", "d")},
        script=script,
        parameters={"trees": 500},
        run_seed=11,
    )
    assert outcome.error is None, outcome.error
    assert table_at(outcome, "results").to_pydict() == {"three": [1, 2]}
    assert table_at(outcome, "results2").to_pydict() == {"one": [1, 2], "trees": [500, 500]}
    picture = outcome.outputs["visualization"]
    assert isinstance(picture, Visualization)
    assert picture.text == outcome.log == "from the bundle 500\n"
    assert outcome.timings is not None
    assert outcome.timings.total_seconds > 0
    facts = dict(outcome.facts)
    assert facts.pop("missing_walls") is not None
    assert facts == {"environment": "default", "seed": 11, "state": "finished", "isolation": "full"}


def test_nothing_returned_is_an_empty_table(bench: Bench) -> None:
    outcome = bench.execute(KIND, script=write(bench, "return None"))
    assert table_at(outcome, "results").num_columns == 0
    assert "results2" not in outcome.outputs
    designer = bench.execute(
        KIND, {"dataset2": TWO}, script=write(bench, "return dataframe1 is None"), calling="designer"
    )
    assert table_at(designer, "results").to_pydict() == {"column": [True]}


def test_random_numbers_follow_the_seeds(bench: Bench) -> None:
    script = write(bench, "import random, numpy\nreturn [random.random(), numpy.random.random()]")

    def draw(**chosen: Any) -> list[Any]:
        drawn: list[Any] = table_at(bench.execute(KIND, script=script, **chosen), "results")["column"].to_pylist()
        return drawn

    assert draw(run_seed=1) == draw(run_seed=1)
    assert draw(run_seed=1) != draw(run_seed=2)
    assert draw(run_seed=1, seed=5) == draw(run_seed=2, seed=5)


def test_the_authors_errors_are_values(bench: Bench) -> None:
    script = write(bench, "print('before')\nraise ValueError('no')")
    outcome = bench.execute(KIND, {"dataset1": ONE}, script=script)
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.line) == ("script-raised", 3)
    assert 'File "s.py", line 3' in outcome.error.traceback
    assert outcome.log == "before\n"
    assert set(outcome.outputs) == {"visualization"}
    wrong = bench.execute(KIND, script=write(bench, "return None", "*, trees=1"), parameters={"tres": 1})
    assert wrong.error is not None
    assert wrong.error.code == "wrong-parameter"
    slow = bench.execute(KIND, script=write(bench, "import time\ntime.sleep(60)"), timeout_seconds=0.3)
    assert slow.error is not None
    assert slow.error.code == "timed-out"
    assert slow.facts["state"] == "timed-out"
    assert not slow.cancelled


def test_an_environment_that_is_not_there(bench: Bench) -> None:
    script = write(bench, "return None")
    for ask in (bench.dependencies, bench.execute):
        with pytest.raises(EnvironmentNotFound):
            ask(KIND, script=script, environment="no-such-environment")


def test_one_executor_serves_an_environment_whatever_it_is_called(executors: WarmExecutors) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(executors.executor_for, ["default", "named-twice"] * 4))
    assert len({id(executor) for executor in found}) == 1


def test_parameters_from_python(estudio_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTUDIO_HOME", str(estudio_home))
    script = "def azureml_main(df=None, *, trees=250, names=()):\n    return [str(trees), *names]\n"
    outcome = run_script(script, parameters={"trees": 5, "names": ["a", "ñ"]})
    assert outcome.finished, outcome.error
    assert outcome.table is not None
    assert outcome.table.to_arrow().to_pydict() == {"column": ["5", "a", "ñ"]}
    with pytest.raises(InvalidUsage, match="of the type NoneType"):
        run_script(script, parameters={"trees": None})  # type: ignore[dict-item]


def test_as_many_tables_as_may_be(bench: Bench) -> None:
    names = [f"a{number}" for number in range(1, MAX_TABLES + 1)]
    (bench.folder / "b").mkdir()
    tables = {f"dataset{number}": pa.table({f"c{number}": list(range(20_000))}) for number in range(1, MAX_TABLES + 1)}
    script = write(bench, f"return pd.concat([{', '.join(names)}], axis=1), a12", ", ".join(names))
    (bench.folder / script).write_text("import pandas as pd\n" + (bench.folder / script).read_text())
    outcome = bench.execute(KIND, {**tables, "bundle": BundleFile(bench.folder / "b", "d")}, script=script)
    assert outcome.error is None, outcome.error
    assert table_at(outcome, "results").schema.names == [f"c{number}" for number in range(1, MAX_TABLES + 1)]
    assert table_at(outcome, "results2").equals(
        table_at(BENCH.execute("select-columns", {"dataset": tables["dataset12"]}), "results")
    )
