"""The Python door: what goes in, what comes out, what is raised."""

from __future__ import annotations

import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import estudio
from estudio import Limits, ScriptRunner, ScriptState, Table
from estudio.environments.builder import EnvironmentStore
from estudio.errors import InvalidBundle, InvalidDataset, InvalidScript, InvalidUsage

IDENTITY = "def azureml_main(dataframe1=None, dataframe2=None):\n    return dataframe1, dataframe2\n"
VALUES = {"i": [1, 2], "f": [0.5, None], "t": ["a", None], "b": [True, False]}


def main(body: str, arguments: str = "dataframe1=None, dataframe2=None") -> str:
    """A script whose function has this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"import os, sys\nimport numpy as np\nimport pandas as pd\n\ndef azureml_main({arguments}):\n{lines}\n"


@pytest.mark.parametrize("kind", ["path", "text path", "arrow", "batch", "DataFrame", "Table"])
def test_a_dataset_may_be_any_of_these(runner: ScriptRunner, tmp_path: Path, kind: str) -> None:
    table = pa.table(VALUES)
    estudio.write_table(Table.from_arrow(table), tmp_path / "values.parquet")
    dataset = {
        "path": tmp_path / "values.parquet",
        "text path": str(tmp_path / "values.parquet"),
        "arrow": table,
        "batch": table.to_batches()[0],
        "DataFrame": pd.DataFrame(VALUES),
        "Table": Table.from_arrow(table),
    }[kind]
    outcome = runner.run(IDENTITY, dataset)
    assert outcome.finished, outcome.error
    assert outcome.table is not None
    assert outcome.table.to_arrow().to_pydict() == VALUES
    assert outcome.table2 is None


def test_two_tables_come_back(runner: ScriptRunner) -> None:
    outcome = runner.run(IDENTITY, pa.table({"a": [1]}), pa.table({"b": ["x"]}))
    assert outcome.table is not None
    assert outcome.table2 is not None
    assert outcome.table.to_arrow().to_pydict() == {"a": [1]}
    assert outcome.table2.to_arrow().to_pydict() == {"b": ["x"]}


def test_only_the_second_port_is_the_first_argument_in_classic_and_the_second_in_designer(runner: ScriptRunner) -> None:
    script = main("return pd.DataFrame({'first': [dataframe1 is None], 'second': [dataframe2 is None]})")
    table = pa.table({"a": [1]})
    classic = runner.run(script, None, table)
    designer = runner.run(script, None, table, calling="designer")
    assert classic.table is not None
    assert designer.table is not None
    assert classic.table.to_arrow().to_pydict() == {"first": [False], "second": [True]}
    assert designer.table.to_arrow().to_pydict() == {"first": [True], "second": [False]}


def test_a_script_that_changes_its_input_changes_it_for_nobody_else(runner: ScriptRunner, tmp_path: Path) -> None:
    table = Table.from_arrow(pa.table({"a": list(range(100_000)), "f": [0.5] * 100_000}))
    path = tmp_path / "data.arrow"
    estudio.write_table(table, path)
    before = path.read_bytes()
    script = main("dataframe1.loc[:, 'a'] = -1\ndataframe1.loc[5, 'f'] = 9.0\nreturn dataframe1")
    for dataset in (path, table):
        outcome = runner.run(script, dataset)
        assert outcome.table is not None
        assert outcome.table.to_arrow()["a"][0].as_py() == -1
    assert path.read_bytes() == before
    assert table.to_arrow()["a"][5].as_py() == 5
    assert table.to_arrow()["f"][5].as_py() == 0.5


def test_the_same_seed_gives_the_same_numbers_and_no_seed_other_ones(runner: ScriptRunner) -> None:
    script = main("import random\nreturn pd.DataFrame({'n': [np.random.rand()], 'r': [random.random()]})")

    def numbers(seed: int | None) -> list[object]:
        outcome = runner.run(script, seed=seed)
        assert outcome.table is not None
        return list(outcome.table.to_arrow().to_pylist()[0].values())

    assert numbers(7) == numbers(7)
    assert numbers(7) != numbers(8)
    assert numbers(None) != numbers(None)


def test_many_threads_may_call_one_runner(runner: ScriptRunner) -> None:
    def square(number: int) -> int:
        outcome = runner.run(main("return dataframe1 ** 2"), pa.table({"n": [number]}))
        assert outcome.table is not None
        value = outcome.table.to_arrow()["n"][0].as_py()
        assert isinstance(value, int)
        return value

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(square, range(40))) == [number**2 for number in range(40)]


def test_closing_a_runner_cancels_its_calls(home: Path) -> None:
    assert home.is_dir()
    warm = ScriptRunner(ready=0)
    begun = threading.Event()
    outcomes: list[estudio.ScriptOutcome] = []

    def call() -> None:
        begun.set()
        outcomes.append(warm.run(main("import time\nprint('begun')\ntime.sleep(60)")))

    thread = threading.Thread(target=call)
    thread.start()
    begun.wait()
    while not warm.busy:
        begun.wait(0.01)
    warm.close()
    thread.join(20)
    assert [outcome.state for outcome in outcomes] == [ScriptState.CANCELLED]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"script": "missing.py"}, InvalidScript, "missing.py cannot be read"),
        ({"script": IDENTITY, "dataset1": "missing.csv"}, InvalidDataset, "no file missing.csv"),
        ({"script": IDENTITY, "dataset1": 5}, InvalidUsage, "cannot be of the type int"),
        ({"script": IDENTITY, "bundle": "missing.zip"}, InvalidBundle, "missing.zip cannot be read"),
        ({"script": IDENTITY, "bundle": __file__}, InvalidBundle, "zip"),
        ({"script": IDENTITY, "calling": "modern"}, InvalidUsage, "'classic' or 'designer'"),
    ],
)
def test_bad_input_is_raised_and_says_what_to_do(
    runner: ScriptRunner, arguments: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        runner.run(**arguments)  # type: ignore[arg-type]


def test_a_limit_of_one_call_holds_for_that_call(runner: ScriptRunner) -> None:
    slow = main("import time\ntime.sleep(30)")
    outcome = runner.run(slow, limits=Limits(timeout_seconds=0.3))
    assert outcome.state is ScriptState.TIMED_OUT
    hungry = main("return pd.DataFrame({'a': np.ones(40_000_000)})")
    outcome = runner.run(hungry, limits=Limits(memory_bytes=100 * 1024 * 1024))
    assert outcome.state is ScriptState.OUT_OF_MEMORY
    large = main("return pd.DataFrame({'a': np.ones(1_000_000)})")
    outcome = runner.run(large, limits=Limits(output_bytes=1_000_000))
    assert outcome.state is ScriptState.OUTPUT_TOO_LARGE
    assert outcome.error is not None
    assert "output_bytes" in outcome.error.message
    assert runner.run(IDENTITY, pa.table({"a": [1]})).finished


def test_programs_start_only_where_that_call_allows_it(runner: ScriptRunner) -> None:
    script = main("import subprocess\nprint(subprocess.run(['echo', 'from a program'], capture_output=True).stdout)")
    refused = runner.run(script)
    assert refused.state is ScriptState.FAILED
    assert refused.error is not None
    assert "PermissionError" in refused.error.traceback
    allowed = runner.run(script, allow_programs=True)
    assert allowed.finished, allowed.error
    assert "from a program" in allowed.log


def test_parallel_scikit_learn_works_without_starting_programs(runner: ScriptRunner) -> None:
    script = main(
        "from sklearn.ensemble import RandomForestClassifier\n"
        "from sklearn.model_selection import GridSearchCV\n"
        "forest = RandomForestClassifier(n_estimators=5, n_jobs=-1, random_state=0)\n"
        "search = GridSearchCV(forest, {'max_depth': [2, 3]}, cv=2, n_jobs=-1)\n"
        "search.fit(dataframe1[['a', 'b']], dataframe1['c'])\n"
        "return pd.DataFrame({'score': [search.best_score_]})"
    )
    table = pa.table({"a": list(range(60)), "b": [n % 7 for n in range(60)], "c": [n % 2 for n in range(60)]})
    outcome = runner.run(script, table, limits=Limits(timeout_seconds=60))
    assert outcome.finished, outcome.error


def test_compiled_modules_of_a_bundle_are_imported(runner: ScriptRunner, home: Path, tmp_path: Path) -> None:
    store = EnvironmentStore(home)
    built = store.find(store.resolve("default"))
    assert built is not None
    (compiled,) = built.folder.glob("lib/python*/site-packages/markupsafe/_speedups.*.so")
    bundle = tmp_path / "compiled.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(compiled, compiled.name)
    outcome = runner.run(main("import _speedups\nprint(_speedups.__file__)"), bundle=bundle)
    assert outcome.finished, outcome.error
    assert "Script Bundle" in outcome.log


def test_a_figure_left_open_is_a_picture_and_several_are_also_one(runner: ScriptRunner) -> None:
    script = main(
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\nplt.savefig('first.png')\nplt.figure()\nplt.plot([2, 1])\nplt.show()\n"
        "return dataframe1"
    )
    outcome = runner.run(script, pa.table({"a": [1]}))
    assert outcome.finished, outcome.error
    first, second = outcome.visualization.images
    assert first.name == "first.png"
    together = outcome.visualization.concatenated
    assert together is not None
    assert together.height == first.height + second.height
    assert outcome.log == ""


def test_the_first_plot_finds_the_fonts_listed(runner: ScriptRunner) -> None:
    script = main(
        "import glob, matplotlib\n"
        "listed = glob.glob(os.path.join(matplotlib.get_cachedir(), 'fontlist-*.json'))\n"
        "before = [os.stat(path).st_mtime_ns for path in listed]\n"
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\nplt.title('fonts')\nplt.savefig('plot.png')\nplt.close()\n"
        "print(len(listed), before == [os.stat(path).st_mtime_ns for path in listed])"
    )
    outcome = runner.run(script)
    assert outcome.log.splitlines()[0] == "1 True"


def test_without_walls_the_outcome_says_so(home: Path, tmp_path: Path) -> None:
    assert home.is_dir()
    reached = tmp_path / "reached"
    script = main(f"open({str(reached)!r}, 'w').close()\nprint(os.getcwd())\nreturn dataframe1")
    outcome = estudio.run_script(script, pa.table({"a": [1]}), isolation="none")
    assert outcome.finished, outcome.error
    assert outcome.isolation.level is estudio.IsolationLevel.NONE
    assert outcome.isolation.walls == ()
    assert reached.exists()
    assert not Path(outcome.log.strip()).exists()


def test_an_outcome_shows_itself_in_a_notebook(runner: ScriptRunner) -> None:
    shown = runner.run(IDENTITY, pa.table({"<b>": ["<script>"]}))._repr_html_()
    assert "finished" in shown
    assert "<script>" not in shown
    failed = runner.run(main("raise ValueError('<i>')"))._repr_html_()
    assert "ValueError: &lt;i&gt;" in failed


def test_the_times_of_a_call_add_up(runner: ScriptRunner) -> None:
    times = runner.run(main("import time\ntime.sleep(0.2)\nreturn dataframe1"), pa.table({"a": [1]})).timings
    parts = (
        times.queue_seconds,
        times.start_seconds,
        times.hand_over_seconds,
        times.script_seconds,
        times.result_seconds,
    )
    assert times.script_seconds >= 0.2
    assert all(part >= 0 for part in parts)
    assert sum(parts) <= times.total_seconds + 0.001


def test_a_call_leaves_no_descriptor_behind(runner: ScriptRunner) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        runner.run(IDENTITY, pa.table({"a": [1]}))
    before = count()
    for _ in range(20):
        runner.run(IDENTITY, pa.table({"a": [1]}))
    assert count() <= before + 6  # guests that are ready hold three each
