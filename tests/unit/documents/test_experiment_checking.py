"""Wrong documents: each names file and line, what is wrong, and how to mend it; sound ones become an `Experiment`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.experiment import Experiment, Module, OutputReference
from estudio.core.module_kind import InputPort, Parameter, ParameterType
from estudio.documents.experiment_checking import check_document, checked_experiment
from estudio.documents.experiment_document import parse_experiment_document, read_experiment_document
from estudio.documents.problems import ProblemCode
from estudio.documents.workspace_files import WorkspaceFiles
from estudio.errors import ExperimentNotFound, InvalidDocument, InvalidScript
from tests.unit.documents.kinds import EXAMPLE, KINDS, PYTHON_SHAPE, TABLE

if TYPE_CHECKING:
    from estudio.core.module_kind import ModuleShape

GOLDEN = Path(__file__).with_name("wrong_documents.txt")
SCRIPT_PARAMETERS = (
    Parameter("trees", ParameterType.INTEGER, default=250, minimum=1),
    Parameter("target", ParameterType.STRING, required=True),
)


def shape_of(module: Module) -> ModuleShape:
    """Scripts called `more.py` declare a third table and parameters; `broken.py` has no azureml_main."""
    shape = KINDS[module.kind].shape
    if module.settings.get("script") == "broken.py":
        raise InvalidScript("The script broken.py defines no function azureml_main: write one.")
    if module.settings.get("script") == "more.py":
        inputs = (*PYTHON_SHAPE.inputs, InputPort("dataset3", TABLE))
        return replace(shape, inputs=inputs, script_parameters=SCRIPT_PARAMETERS)
    return shape


def problems(text: str, files: WorkspaceFiles | None = None) -> list[str]:
    """What is wrong in a document, as `line:column code message`."""
    document = parse_experiment_document(text.encode(), "x.yaml")
    found = check_document(document, KINDS, shape_of, files=files)
    return [f"{problem.line}:{problem.column} {problem.code} {problem.message}" for problem in found]


def of_modules(text: str) -> list[str]:
    """The same for what stands below `modules:`, with lines counted from 1 there."""
    head = "estudio: 1\nparameters:\n  trees: {type: integer, default: 250}\n  name: {type: string}\nmodules:\n"
    indented = "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))
    found = [problem.partition(":") for problem in problems(head + indented)]
    return [f"{int(line) - head.count(chr(10))}:{rest}" for line, _, rest in found]


def test_the_example_becomes_an_experiment() -> None:
    checked = checked_experiment(parse_experiment_document(EXAMPLE.encode(), "experiments/pima.yaml"), KINDS, shape_of)
    assert checked.experiment == Experiment(
        "Pima feature importance",
        {
            "diabetes": Module("diabetes", "dataset", {"dataset": "datasets/pima-indians-diabetes.csv"}),
            "helpers": Module("helpers", "script-bundle", {"path": "bundles/helpers"}),
            "rank": Module(
                "rank",
                "execute-python-script",
                {"script": "scripts/rank_features.py", "environment": "default"},
                connections={
                    "dataset1": OutputReference("diabetes", "dataset"),
                    "bundle": OutputReference("helpers", "bundle"),
                },
            ),
        },
        {"trees": Parameter("trees", ParameterType.INTEGER, default=250)},
    )
    assert checked.shapes["rank"] is PYTHON_SHAPE
    assert checked.document.place_of("modules", "rank", "dataset1") == (11, 5)
    assert checked.document.place_of("modules", "rank", "deterministic") == (8, 3)


def test_a_module_keeps_links_comment_and_parameters() -> None:
    text = (
        "estudio: 1\nparameters: {n: {type: integer, default: 3}}\nmodules:\n"
        "  a: {kind: dataset, dataset: a.csv}\n"
        "  b:\n    kind: execute-python-script\n    script: more.py\n    comment: Why.\n    deterministic: false\n"
        "    dataset1: a.dataset\n    dataset3: a\n    parameters: {trees: '${n}', target: age}\n"
    )
    module = checked_experiment(parse_experiment_document(text.encode(), "b.yaml"), KINDS, shape_of).experiment.modules[
        "b"
    ]
    assert module == Module(
        "b",
        "execute-python-script",
        {"script": "more.py"},
        {"trees": "${n}", "target": "age"},
        {"dataset1": OutputReference("a", "dataset"), "dataset3": OutputReference("a", "dataset")},
        "Why.",
        deterministic=False,
    )


def golden_cases() -> list[tuple[str, str]]:
    """Documents and what is wrong in each, from the golden file."""
    cases = GOLDEN.read_text(encoding="utf-8").split("===\n")
    return [(text, found) for text, _, found in (case.partition("---\n") for case in cases if case)]


@pytest.mark.parametrize(("text", "expected"), golden_cases())
def test_wrong_documents(text: str, expected: str) -> None:
    try:
        found = problems(text)
    except InvalidDocument as error:  # what ends the reading
        found = [problem.removeprefix("x.yaml:") for problem in error.problems]
    assert "".join(f"{problem}\n" for problem in found) == expected


def test_every_problem_has_a_wrong_document() -> None:
    seen = {problem.split(" ")[1] for _, found in golden_cases() for problem in found.splitlines()}
    elsewhere = {ProblemCode.SYNTAX, ProblemCode.CYCLE, ProblemCode.MISSING_INPUT, ProblemCode.MISSING_FILE}
    elsewhere |= {ProblemCode.DUPLICATE, ProblemCode.TOO_MUCH}
    assert set(ProblemCode) - seen <= elsewhere


def test_a_second_connection_by_a_second_field() -> None:
    found = of_modules("a: {kind: enter-data, data: x}\nb: {kind: split-rows, dataset: a, dataset: a}")
    assert found == ["2:37 duplicate 'dataset' stands here for the second time, first in line 7: keep one of them."]


def test_a_missing_input() -> None:
    assert of_modules("b: {kind: split-rows}") == [
        "1:3 missing-input the module 'b' has nothing at its input dataset, which it needs: write 'dataset: MODULE'."
    ]


def test_cycles_are_shown_as_a_path_and_once() -> None:
    text = """\
    a: {kind: split-rows, dataset: c}
    b: {kind: split-rows, dataset: a}
    c: {kind: split-rows, dataset: b.results2}
    d: {kind: split-rows, dataset: d}
    e: {kind: join, dataset1: f, dataset2: a, on: id}
    f: {kind: split-rows, dataset: e}
    """
    assert of_modules("".join(line.strip() + "\n" for line in text.splitlines())) == [
        "1:25 cycle the modules a → b → c → a go in a circle: remove one of these connections.",
        "4:25 cycle the module 'd' takes its own output: connect dataset to another module.",
        "5:19 cycle the modules e → f → e go in a circle: remove one of these connections.",
    ]


NEEDS_TARGET = "the script of 'a' needs its parameter 'target': write 'target: …' below 'parameters:' of the module."


def test_script_parameters() -> None:
    text = "a:\n  kind: execute-python-script\n  script: more.py\n  dataset3: b\n  %s\nb: {kind: enter-data, data: x}\n"
    assert of_modules(text % "parameters: {tree: 1}") == [
        f"1:3 missing-field {NEEDS_TARGET}",
        "5:18 unknown-parameter the script of 'a' has no parameter 'tree'. Did you mean 'trees'?",
    ]
    assert of_modules(text % "parameters: {trees: 0, target: '${name}'}") == [
        "5:25 out-of-range trees is 0; the least is 1: write 1 or more.",
    ]
    assert of_modules(text % "parameters: [a]") == [
        f"1:3 missing-field {NEEDS_TARGET}",
        "5:17 wrong-type parameters is no mapping: write each of the script's parameters with its value below it.",
    ]
    assert of_modules(text % "trees: 3\n  parameters: {target: age}") == [
        "5:5 unknown-field 'trees' is a parameter of the script: write it below 'parameters:' of the module.",
    ]


def test_without_shapes_ports_and_parameters_of_scripts_are_not_judged() -> None:
    text = "estudio: 1\nmodules:\n  a: {kind: execute-python-script, script: a.py, dataset3: a2, parameters: {x: 1}}\n"
    assert check_document(parse_experiment_document(text.encode(), "x.yaml"), KINDS) == ()


def test_all_problems_are_raised_at_once() -> None:
    text = "estudio: 1\nmodules:\n  a: {kind: datset}\n  b: {kind: split-rows, dataset: c}\n  c: 3\n"
    document = parse_experiment_document(text.encode(), "experiments/x.yaml")
    with pytest.raises(InvalidDocument) as raised:
        checked_experiment(document, KINDS, shape_of)
    assert raised.value.problems == (
        "experiments/x.yaml:3: the module 'a' is of the kind 'datset', which does not exist. Did you mean 'dataset'?",
        "experiments/x.yaml:5: the module 'c' has no fields: write at least 'kind: …' below it.",
    )
    assert raised.value.message == f"{raised.value.problems[0]} There is 1 more problem."
    assert raised.value.facts == {
        "file": "experiments/x.yaml", "line": 3, "problem": ProblemCode.UNKNOWN_KIND, "count": 2
    }  # fmt: skip


def test_problems_are_bounded() -> None:
    modules = "".join(f"  m{number}: {{kind: nothing}}\n" for number in range(300))
    document = parse_experiment_document(f"estudio: 1\nmodules:\n{modules}".encode(), "x.yaml")
    with pytest.raises(InvalidDocument) as raised:
        checked_experiment(document, KINDS)
    assert len(raised.value.problems) == 201
    assert raised.value.problems[-1] == "x.yaml: 100 more problems are not shown; mend these first."
    assert raised.value.facts["count"] == 300


def test_files(tmp_path: Path) -> None:
    (tmp_path / "w" / "data").mkdir(parents=True)
    (tmp_path / "w" / "data" / "a.csv").write_text("x\n")
    (tmp_path / "outside.csv").write_text("x\n")
    (tmp_path / "w" / "link.csv").symlink_to(tmp_path / "outside.csv")
    (tmp_path / "w" / "folder").symlink_to(tmp_path / "w" / "data")
    text = """\
estudio: 1
modules:
  a: {kind: dataset, dataset: data/a.csv}
  b: {kind: dataset, dataset: data/b.csv}
  c: {kind: dataset, dataset: dat/a.csv}
  d: {kind: dataset, dataset: link.csv}
  e: {kind: dataset, dataset: ./folder//a.csv}
  f: {kind: export-data, dataset: a, path: out/new.csv}
"""
    assert problems(text, WorkspaceFiles(tmp_path / "w")) == [
        "4:31 missing-file dataset is 'data/b.csv', which does not exist: there is no 'b.csv' in the folder 'data'.",
        "5:31 missing-file dataset is 'dat/a.csv', which does not exist: there is no 'dat' in the workspace's folder.",
        (
            "6:31 wrong-path dataset is 'link.csv', a link that leaves the workspace; "
            "everything a run uses lies in the workspace: copy it there."
        ),
    ]


def test_overrides_count_when_a_document_is_checked() -> None:
    text = (
        "estudio: 1\nparameters: {f: {type: number, default: 0.5}}\nmodules:\n  a: {kind: enter-data, data: x}\n"
        "  b: {kind: split-rows, dataset: a, fraction: '${f}'}\n"
    )
    document = parse_experiment_document(text.encode(), "x.yaml")
    assert check_document(document, KINDS, shape_of) == ()
    assert [problem.code for problem in check_document(document, KINDS, shape_of, overrides={"f": 2.0})] == [
        ProblemCode.OUT_OF_RANGE
    ]


def test_the_shape_is_asked_for_with_links_filled_in() -> None:
    text = (
        "estudio: 1\nparameters: {s: {type: path, default: more.py}}\nmodules:\n"
        "  a: {kind: execute-python-script, script: '${s}'}\n"
    )
    codes = [
        problem.code for problem in check_document(parse_experiment_document(text.encode(), "x.yaml"), KINDS, shape_of)
    ]
    assert codes == [ProblemCode.MISSING_FIELD, ProblemCode.MISSING_INPUT]


def test_a_document_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ExperimentNotFound, match=r"There is no experiment document experiments/a\.yaml: check"):
        read_experiment_document(tmp_path / "a.yaml", "experiments/a.yaml")
    with pytest.raises(InvalidDocument, match="cannot be read"):
        read_experiment_document(tmp_path, "experiments")


def test_a_large_document_is_read_and_checked_wholly() -> None:
    modules = ["estudio: 1\nmodules:\n  m0: {kind: enter-data, data: x}\n"]
    modules += [
        f"  m{number}: {{kind: split-rows, dataset: m{number - 1}, seed: {number}}}\n" for number in range(1, 2000)
    ]
    checked = checked_experiment(parse_experiment_document("".join(modules).encode(), "x.yaml"), KINDS, shape_of)
    assert len(checked.experiment.modules) == 2000
    assert checked.experiment.modules["m1999"].connections == {"dataset": OutputReference("m1998", "results1")}
