"""The commands of a workspace, in this process, on real parts; no script runs, so nothing has to be started."""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from estudio.cli.main import main
from tests.workspace.making import make_workspace

from .golden_files import same_as_golden

if TYPE_CHECKING:
    from pathlib import Path

Captured = pytest.CaptureFixture[str]
RUN_ID = re.compile(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{4}")
CHANGING = (
    (RUN_ID, "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "YYYY-MM-DD HH:MM:SS"),
    (re.compile(r"\d+(\.\d+)? (ms|s)\b"), "TIME"),
    (re.compile(r"──+"), "──"),
    (re.compile(r"  +"), "  "),
)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_workspace(tmp_path / "ws")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


def steady(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, words in CHANGING:
        text = pattern.sub(words, text)
    return text


def told(capsys: Captured, code: int, *arguments: str) -> tuple[str, str]:
    """What a command says, without what differs from run to run."""
    assert main(arguments) == code
    captured = capsys.readouterr()
    return steady(captured.out), steady(captured.err)


def document(capsys: Captured, code: int, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    found = json.loads(lines[0])
    assert isinstance(found, dict)
    return found


def run_in_order(capsys: Captured, *arguments: str) -> tuple[str, str]:
    """A run of one module after the other: lines in the same order every time."""
    return told(capsys, 0, "experiment", "run", "plain", "--parallel", "1", *arguments)


def test_a_run_is_shown_and_remembered(capsys: Captured) -> None:
    same_as_golden("workspace-run.txt", run_in_order(capsys, "--set", "part=0.25"))
    same_as_golden("workspace-run-again.txt", run_in_order(capsys, "--set", "part=0.75", "--to", "halves"))
    same_as_golden("workspace-history.txt", told(capsys, 0, "history", "list"))
    same_as_golden("workspace-history-module.txt", told(capsys, 0, "history", "show", "latest", "halves"))
    same_as_golden("workspace-compare.txt", told(capsys, 0, "history", "compare"))
    same_as_golden("workspace-show.txt", told(capsys, 0, "show", "plain", "halves.results2"))
    same_as_golden("workspace-list.txt", told(capsys, 0, "experiment", "list"))


def test_an_experiment_is_shown_and_checked(capsys: Captured) -> None:
    same_as_golden("workspace-experiment.txt", told(capsys, 0, "experiment", "show", "plain"))
    same_as_golden("workspace-check.txt", told(capsys, 0, "experiment", "check", "plain"))


def test_all_problems_of_a_document_are_told_with_their_lines(capsys: Captured, workspace: Path) -> None:
    path = workspace / "experiments" / "plain.yaml"
    path.write_text(path.read_text().replace("seed: 1", "sead: 1").replace("split-rows", "split-row"))
    captured = told(capsys, 3, "experiment", "run", "plain")
    same_as_golden("workspace-problems.txt", captured)
    error = document(capsys, 3, "experiment", "check", "plain")["error"]
    assert [f"{problem}\n" for problem in error["problems"]] == captured[1].splitlines(keepends=True)[:-1]
    assert error["code"] == "invalid-document"
    assert main(["experiment", "run", "plain", "--json-lines"]) == 3
    assert json.loads(capsys.readouterr().out)["error"]["problems"] == error["problems"]


def test_a_run_as_one_object_and_as_lines(capsys: Captured) -> None:
    run = document(capsys, 0, "experiment", "run", "plain")
    assert (run["state"], run["exit_code"], run["partial"]) == ("finished", 0, False)
    assert {module["name"]: module["state"] for module in run["modules"]} == {
        "people": "finished",
        "halves": "finished",
        "table": "finished",
    }
    assert main(["experiment", "run", "plain", "--json-lines"]) == 0
    captured = capsys.readouterr()
    events = [json.loads(line) for line in captured.out.splitlines()]
    assert captured.err == ""
    assert [event["event"] for event in events] == ["run", "module", "module", "module", "run"]
    assert sorted(events[0]["modules"]) == ["halves", "people", "table"]
    assert {event["module"]["state"] for event in events[1:4]} == {"reused"}
    assert events[-1]["run"]["state"] == "finished"
    assert events[-1]["run"]["id"] == events[0]["run"]["id"]


def test_history_as_json(capsys: Captured) -> None:
    first = document(capsys, 0, "experiment", "run", "plain")["id"]
    second = document(capsys, 0, "experiment", "run", "plain", "--set", "part=1")["id"]
    assert [run["id"] for run in document(capsys, 0, "history", "list")["runs"]] == [second, first]
    assert document(capsys, 0, "history", "show", second[:22])["id"] == second
    assert document(capsys, 0, "history", "show", "latest", "halves")["reason"]["code"] == "changed"
    compared = document(capsys, 0, "history", "compare", first, second)
    assert (compared["before"], compared["after"], compared["identical"]) == (first, second, False)
    (halves,) = [module for module in compared["modules"] if module["change"] != "same"]
    assert halves["name"] == "halves"
    assert halves["tables"]["results1"]["rows_after"] == 4
    assert document(capsys, 0, "history", "remove", first)["runs"][0]["id"] == first
    assert document(capsys, 3, "history", "show", first)["error"]["code"] == "run-not-found"


def test_without_runs_it_says_how_to_make_one(capsys: Captured) -> None:
    assert told(capsys, 0, "history", "list")[0] == "There are no runs yet; `estudio experiment run NAME` makes one.\n"
    assert "estudio experiment run plain" in told(capsys, 3, "show", "plain", "people")[1]
    run_in_order(capsys)
    assert "is the first one" in told(capsys, 3, "history", "compare")[1]


def test_a_run_is_restored(capsys: Captured, tmp_path: Path) -> None:
    run_in_order(capsys)
    restored = document(capsys, 0, "history", "restore", "latest", str(tmp_path / "old"))
    assert "experiments/plain.yaml" in restored["files"]
    assert main(["experiment", "run", "plain", "--workspace", str(tmp_path / "old")]) == 0
    assert told(capsys, 3, "history", "restore", "latest", str(tmp_path / "old"))[1].endswith("new folder.\n")


def test_an_experiment_is_exported(capsys: Captured, tmp_path: Path) -> None:
    assert main(["experiment", "export", "scripted", "--output", str(tmp_path / "s.zip")]) == 0
    assert "s.zip: 4 files" in capsys.readouterr().err
    assert "scripts/double.py" in zipfile.ZipFile(tmp_path / "s.zip").namelist()
    assert main(["experiment", "export", "plain", "--format", "json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert exported == document(capsys, 0, "experiment", "show", "plain")
    assert "--format json" in told(capsys, 2, "experiment", "export", "plain", "--output", "-")[1]


def test_a_page_and_figures(capsys: Captured, tmp_path: Path) -> None:
    run_in_order(capsys)
    assert main(["show", "plain", "people", "--html", str(tmp_path / "people.html")]) == 0
    assert capsys.readouterr().err == f"Page: {tmp_path / 'people.html'}\n"
    page = (tmp_path / "people.html").read_text(encoding="utf-8")
    assert "Ngozi" in page
    assert document(capsys, 0, "show", "plain", "people")["row_count"] == 4
    assert told(capsys, 3, "show", "plain", "people", "--html", str(tmp_path / "no" / "x.html"))[0] == ""
    assert "two columns" in told(capsys, 2, "show", "plain", "people", "--scatter", "age")[1]


def test_datasets(capsys: Captured, workspace: Path) -> None:
    (workspace / "small.csv").write_text("a,b\n1,x\n2,\n")
    assert told(capsys, 0, "dataset", "list")[0].startswith("There are no datasets yet")
    assert told(capsys, 0, "dataset", "add", "small.csv", "--name", "Small table")[1] == (
        "Small table@1 is saved: 2 rows, 2 columns.\nIn an experiment: {kind: dataset, dataset: Small table}\n"
    )
    same_as_golden("workspace-dataset.txt", told(capsys, 0, "dataset", "show", "Small table"))
    same_as_golden("workspace-datasets.txt", told(capsys, 0, "dataset", "list"))
    found = document(capsys, 0, "dataset", "list")["datasets"]
    assert [(each["name"], each["version"], each["rows"]) for each in found] == [("Small table", 1, 2)]
    assert document(capsys, 0, "dataset", "show", "Small table@1")["versions"] == [1]
    assert document(capsys, 0, "dataset", "remove", "Small table")["datasets"][0]["version"] == 1
    assert document(capsys, 3, "dataset", "remove", "Small table")["error"]["code"] == "dataset-not-found"
    assert "Check the path" in told(capsys, 3, "dataset", "add", "none.csv")[1]


def test_the_store_is_verified_and_pruned(capsys: Captured, workspace: Path) -> None:
    run_in_order(capsys)
    report = document(capsys, 0, "store", "verify")
    assert (report["damaged"], report["missing"]) == ([], [])
    assert document(capsys, 0, "store", "prune", "--dry-run")["objects"] == 0
    assert told(capsys, 0, "store", "prune", "--keep-runs", "1")[1].startswith("Removed 0 runs and 0 objects")
    damaged = max((workspace / ".estudio/objects").glob("??/*"), key=lambda path: path.stat().st_size)
    damaged.chmod(0o644)
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    assert main(["store", "verify"]) == 3
    assert "damaged" in capsys.readouterr().err
    assert main(["experiment", "run", "plain"]) == 0


def test_init_makes_what_is_missing_and_touches_nothing(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / ".gitignore").write_text("mine")
    monkeypatch.chdir(folder)
    same_as_golden("workspace-init.txt", told(capsys, 0, "init"))
    assert (folder / ".gitignore").read_text() == "mine\n.estudio/\n"
    (folder / "scripts" / "choose.py").write_text("x = 1\n")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert document(capsys, 0, "init")["made"] == []
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "this is a workspace already" in told(capsys, 0, "init")[1]


def test_the_first_experiment_is_valid(capsys: Captured, tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    assert main(["experiment", "check", "first", "--workspace", str(tmp_path / "new")]) == 0
    assert "first is valid: 3 modules." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["experiment", "run", "plian"], 3, "Did you mean 'plain'?"),
        (["experiment", "run", "plain", "--to", "halfs"], 3, "halves"),
        (["experiment", "run", "plain", "--set", "part"], 2, "NAME=VALUE"),
        (["experiment", "run", "plain", "--set", "part=1", "--set", "part=2"], 2, "twice"),
        (["experiment", "run", "plain", "--set", "prat=1"], 2, "Did you mean 'part'?"),
        (["experiment", "run", "plain", "--set", "part=x"], 2, "number"),
        (["experiment", "run", "plain", "--parallel", "0"], 2, "whole number from 1"),
        (["experiment", "list", "--workspace", "scripts"], 3, "estudio init scripts"),
        (["history", "show", "x"], 3, "x"),
    ],
)
def test_what_cannot_be_is_refused_in_words(capsys: Captured, arguments: list[str], code: int, words: str) -> None:
    assert words in told(capsys, code, *arguments)[1]
