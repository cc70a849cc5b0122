"""The examples that people start with, on the real data, behind all walls."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from estudio import IsolationLevel, ScriptRunner, ScriptState

from .conftest import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

PIMA = EXAMPLES / "pima-indians-diabetes.csv"


def test_features_are_ranked_on_the_real_table(runner: ScriptRunner) -> None:
    outcome = runner.run(EXAMPLES / "rank_features.py", PIMA)
    assert outcome.state is ScriptState.FINISHED, outcome.error
    assert outcome.error is None
    assert outcome.table is not None
    assert outcome.table.schema.names == ("feature", "importance")
    ranked = outcome.table.to_arrow().to_pydict()
    assert ranked["feature"][0] == "Glucose"
    assert len(ranked["feature"]) == 8
    assert ranked["importance"] == sorted(ranked["importance"], reverse=True)
    assert abs(sum(ranked["importance"]) - 1) < 1e-9
    assert "768 rows" in outcome.log
    assert outcome.visualization.text == outcome.log
    assert [image.name for image in outcome.visualization.images] == ["feature_importance.png"]
    assert outcome.visualization.images[0].png.startswith(b"\x89PNG")
    assert outcome.isolation.level is IsolationLevel.FULL
    assert {"seccomp", "landlock", "mount", "network"} <= set(outcome.isolation.walls)


def test_a_scatter_matrix_is_drawn(runner: ScriptRunner) -> None:
    outcome = runner.run(EXAMPLES / "scatter_matrix.py", PIMA)
    assert outcome.finished, outcome.error
    (image,) = outcome.visualization.images
    assert (image.name, image.width > 100, image.height > 100) == ("scatter_matrix.png", True, True)


def test_a_module_of_the_zip_says_hello(runner: ScriptRunner) -> None:
    outcome = runner.run(EXAMPLES / "hello" / "use_hello.py", bundle=EXAMPLES / "hello" / "Hello.zip")
    assert outcome.finished, outcome.error
    assert "hello" in outcome.log.lower()


def test_the_zip_and_a_folder_say_the_same(runner: ScriptRunner, tmp_path: Path) -> None:
    with zipfile.ZipFile(EXAMPLES / "hello" / "Hello.zip") as archive:
        archive.extractall(tmp_path)
    script = EXAMPLES / "hello" / "use_hello.py"
    from_zip = runner.run(script, bundle=EXAMPLES / "hello" / "Hello.zip")
    from_folder = runner.run(script, bundle=tmp_path)
    assert from_folder.finished, from_folder.error
    assert from_folder.log == from_zip.log


def test_expressions_given_as_text_are_evaluated(runner: ScriptRunner) -> None:
    outcome = runner.run(EXAMPLES / "evaluate_expression.py", EXAMPLES / "expressions.csv")
    assert outcome.finished, outcome.error
    assert outcome.table is not None
    assert outcome.table.schema.names == ("expression", "result")
    assert outcome.table.row_count > 0
