"""A workspace from Python, on real parts: run, reuse, fail, look, restore, export."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from estudio.core.events import ModuleOutput, RunChanged
from estudio.core.run import ModuleState, ReasonCode, RunState
from estudio.engine.snapshot import load_snapshot
from estudio.errors import (
    EnvironmentNotFound,
    ExperimentNotFound,
    InvalidDocument,
    InvalidUsage,
    InvalidWorkspace,
    ModuleNotFound,
    OutputFailed,
    PortNotFound,
    RunNotFound,
)
from estudio.workspace.looking import look_at
from estudio.workspace.workspace import Workspace

from .making import BROKEN, SCRIPT, make_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estudio.core.events import Event
    from estudio.workspace.runs import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "work space")


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.open(folder) as opened:
        yield opened


def states(run: Run) -> dict[str, str]:
    return {module.module: module.state.value for module in run.module_runs}


def test_a_run_gives_tables_and_the_next_one_reuses_them(workspace: Workspace) -> None:
    first = workspace.experiment("plain").run({"part": 0.25})
    assert first.finished
    assert set(states(first).values()) == {"finished"}
    assert first["halves"].results1.row_count == 1
    assert first["people"].dataset.to_arrow().to_pydict()["name"] == ["Anna", "José", "Mei", "Ngozi"]
    again = workspace.experiment("plain").run({"part": "0.25"})
    assert set(states(again).values()) == {"reused"}
    assert again["halves"].results1.to_arrow().equals(first["halves"].results1.to_arrow())
    other = workspace.experiment("plain").run()
    assert states(other) == {"people": "reused", "halves": "finished", "table": "reused"}
    reason = other["halves"].reason
    assert reason is not None
    assert reason.code is ReasonCode.CHANGED
    assert "fraction" in reason.changes[0]


def test_the_workspaces_limit_of_what_a_script_prints_holds(folder: Path) -> None:
    (folder / "estudio.toml").write_text('estudio = 1\n[limits]\nlog = "1 MiB"\n')
    script = folder / "scripts" / "double.py"
    script.write_text(SCRIPT.replace('"doubling"', '"x" * 1_200_000'))
    with Workspace.open(folder) as workspace:
        run = workspace.experiment("scripted").run()
        assert (run["double"].error or {})["code"] == "output-too-large"
        document = folder / "experiments" / "scripted.yaml"
        document.write_text(document.read_text().replace("dataset1: towns}", "dataset1: towns, log_mib: 2}"))
        assert workspace.experiment("scripted").run().finished


def test_only_what_is_asked_for_runs(workspace: Workspace) -> None:
    run = workspace.experiment("plain").run(to="halves")
    assert states(run) == {"people": "finished", "halves": "finished", "table": "skipped"}
    fresh = workspace.experiment("plain").run(to=["people"], fresh=True)
    assert look_at(workspace, "plain", "halves.results2").run.id == run.id
    assert look_at(workspace, "plain", "people").run.id == fresh.id
    reason = fresh["people"].reason
    assert reason is not None
    assert reason.code is ReasonCode.FRESH


def test_a_script_is_broken_and_mended(workspace: Workspace, folder: Path) -> None:
    experiment = workspace.experiment("scripted")
    events: list[Event] = []
    run = experiment.run(on_event=events.append)
    assert run.finished, [module.error for module in run.module_runs]
    assert run["double"].results.to_arrow().to_pydict()["people"] == [2, 4]
    assert run["double"].log == run["double"].visualization.text == "doubling\n"
    assert "".join(event.text for event in events if isinstance(event, ModuleOutput)) == "doubling\n"
    assert [event.run.state for event in events if isinstance(event, RunChanged)] == [
        RunState.RUNNING,
        RunState.FINISHED,
    ]

    (folder / "scripts/double.py").write_text(BROKEN)
    broken = experiment.run()
    assert broken.state is RunState.FAILED
    assert states(broken) == {"towns": "reused", "double": "failed", "after": "blocked", "alone": "reused"}
    error = broken["double"].error
    assert error is not None
    assert error["line"] == 3
    assert "poeple" in str(error["traceback"])
    assert look_at(workspace, "scripted", "double").run.id == run.id

    (folder / "scripts/double.py").write_text("# another comment\n" + SCRIPT)
    assert set(states(experiment.run()).values()) == {"reused"}


def test_nothing_runs_before_the_whole_document_is_valid(workspace: Workspace, folder: Path) -> None:
    document = folder / "experiments/plain.yaml"
    document.write_text(document.read_text().replace("seed: 1", "sead: 1").replace("towns.csv", "twns.csv"))
    with pytest.raises(InvalidDocument) as refused:
        workspace.experiment("plain").run()
    assert [problem.split(" ")[0] for problem in refused.value.problems] == [
        "experiments/plain.yaml:18:",
        "experiments/plain.yaml:19:",
    ]
    assert workspace.runs() == ()
    (summary,) = [each for each in workspace.experiments() if each.name == "plain"]
    assert summary.modules is None
    assert "sead" in summary.problem


@pytest.mark.parametrize(("given", "words"), [({"prat": 1}, "part"), ({"part": "much"}, "number")])
def test_a_wrong_parameter_is_refused(workspace: Workspace, given: dict[str, str | int], words: str) -> None:
    with pytest.raises(InvalidUsage, match=words):
        workspace.experiment("plain").run(given)


def test_wrong_names_say_the_near_one(workspace: Workspace) -> None:
    with pytest.raises(ExperimentNotFound, match="Did you mean 'plain'"):
        workspace.experiment("plian")
    with pytest.raises(ModuleNotFound, match="halves"):
        workspace.experiment("plain").run(to="halfs")
    run = workspace.experiment("plain").run()
    with pytest.raises(ModuleNotFound, match="Did you mean 'halves'"):
        run["halfs"]
    with pytest.raises(PortNotFound, match="Did you mean 'results1'"):
        run["halves"].output("result1")
    with pytest.raises(AttributeError, match="output port 'result1'"):
        _ = run["halves"].result1
    with pytest.raises(RunNotFound):
        workspace.run("2019")


def test_an_experiment_is_found_by_name_and_by_path(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(folder / "experiments")
    names = ["plain", "experiments/plain.yaml", "./plain.yaml", str(folder / "experiments" / "plain.yaml")]
    assert {workspace.experiment(name).file for name in names} == {"experiments/plain.yaml"}
    (tmp_path / "other.yaml").write_text("estudio: 1\n")
    with pytest.raises(ExperimentNotFound, match="outside the workspace"):
        workspace.experiment(str(tmp_path / "other.yaml"))
    with Workspace.open() as found:
        assert found.folder.root == folder


def test_without_a_workspace_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (None, tmp_path):
        with pytest.raises(InvalidWorkspace, match="estudio init"):
            Workspace.open(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [("estudio = 2\n", "update estudio"), ("x", "TOML"), ("estudio = 1\nnmae = 'x'\n", "Did you mean 'name'")],
)
def test_a_wrong_estudio_toml(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "estudio.toml").write_text(text)
    with pytest.raises((InvalidWorkspace, InvalidDocument), match=words):
        Workspace.open(tmp_path)


def test_a_run_is_restored_as_a_workspace_that_runs(workspace: Workspace, folder: Path, tmp_path: Path) -> None:
    document = folder / "experiments/plain.yaml"
    before = document.read_text()
    run = workspace.experiment("plain").run()
    document.write_text(before.replace("Anna", "Berta"))
    (folder / "datasets/towns.csv").write_text("town\nOslo\n")
    restored = workspace.restore(run.id[:18], tmp_path / "old")
    assert set(restored.files) == {"estudio.toml", "experiments/plain.yaml", "datasets/towns.csv"}
    assert (tmp_path / "old/experiments/plain.yaml").read_text() == before
    with Workspace.open(tmp_path / "old") as old:
        repeated = old.experiment("plain").run()
        assert repeated["table"].dataset.to_arrow().equals(run["table"].dataset.to_arrow())
    with pytest.raises(OutputFailed, match="is not empty"):
        workspace.restore(run.id, tmp_path / "old")


def test_an_export_is_a_workspace(workspace: Workspace, tmp_path: Path) -> None:
    exported = workspace.experiment("scripted").export_zip(tmp_path / "scripted.zip")
    with zipfile.ZipFile(exported.path) as archive:
        assert archive.namelist() == [
            "datasets/towns.csv",
            "estudio.toml",
            "experiments/scripted.yaml",
            "scripts/double.py",
        ]
        archive.extractall(tmp_path / "copy")
    with Workspace.open(tmp_path / "copy") as copy:
        assert copy.experiment("scripted").run(to="alone")["alone"].state is ModuleState.FINISHED
    again = workspace.experiment("scripted").export_zip(tmp_path / "again.zip")
    assert again.path.read_bytes() == exported.path.read_bytes()
    graph = json.loads(workspace.experiment("plain").export_json(tmp_path / "plain.json").path.read_text())
    assert graph["modules"]["halves"]["connections"] == {"dataset": "people.dataset"}
    assert graph["modules"]["halves"]["settings"] == {"fraction": "${part}", "seed": 1}


def test_checking_says_what_a_run_would_do(workspace: Workspace) -> None:
    experiment = workspace.experiment("plain")
    assert [work.words for work in experiment.check().modules] == ["runs", "runs if its inputs changed", "runs"]
    experiment.run()
    checked = experiment.check()
    assert [work.words for work in checked.modules] == ["reused"] * 3
    assert len(workspace.runs()) == 1


def test_datasets_have_versions_and_run(workspace: Workspace, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "numbers.csv"
    source.write_text("a,b\n1,x\n2,y\n")
    added = workspace.datasets.add(source)
    assert (added.reference, added.row_count, added.type) == ("numbers@1", 2, "GenericCSV")
    assert workspace.datasets.add(source).version == 1
    source.write_text("a,b\n1,x\n")
    assert workspace.datasets.add(source).version == 2
    (folder / "experiments/saved.yaml").write_text(
        "estudio: 1\nmodules:\n  old: {kind: dataset, dataset: numbers@1}\n  new: {kind: dataset, dataset: numbers}\n"
    )
    run = workspace.experiment("saved").run()
    assert (run["old"].dataset.row_count, run["new"].dataset.row_count) == (2, 1)
    assert [each.version for each in workspace.datasets.versions("numbers")] == [2, 1]
    assert len(workspace.datasets.remove("numbers@1")) == 1
    assert run["old"].dataset.row_count == 2


def test_runs_are_forgotten_and_what_they_kept_is_pruned(workspace: Workspace, folder: Path) -> None:
    experiment = workspace.experiment("plain")
    for part in (0.25, 0.5, 0.75):
        experiment.run({"part": part})
    assert len(workspace.runs("plain")) == 3
    for path in (folder / ".estudio/objects").rglob("*"):
        os.utime(path, (1, 1))
    planned = workspace.prune(keep_runs=1, dry_run=True)
    assert (len(planned.runs), len(workspace.runs())) == (2, 3)
    pruned = workspace.prune(keep_runs=1)
    assert (pruned.objects, pruned.freed_bytes) == (planned.objects, planned.freed_bytes)
    assert pruned.objects > 0
    assert len(workspace.runs()) == 1
    verified = workspace.verify()
    assert (verified.damaged, verified.missing) == ((), ())
    assert set(states(experiment.run({"part": 0.75})).values()) == {"reused"}


def test_a_run_keeps_what_its_environment_was(workspace: Workspace) -> None:
    run = workspace.experiment("scripted").run()
    snapshot = load_snapshot(workspace._parts.objects, run.record.snapshot)
    kept = json.loads(workspace._parts.objects.read_bytes(snapshot.environments["default"], 1 << 20))
    assert kept["versions"]["pandas"] in kept["lock"]
    parts = run["double"].record.key_parts
    assert parts is not None
    assert kept["digest"] in parts.parts.values()
    verified = workspace.verify()
    assert (verified.damaged, verified.missing) == ((), ())


def test_a_run_shows_itself_in_a_notebook(workspace: Workspace) -> None:
    run = workspace.experiment("plain").run()
    page = run._repr_html_()
    assert "<td>halves</td><td>split-rows</td><td>finished</td>" in page
    assert "Anna" in run["people"]._repr_html_()
    assert run.id in repr(run)
    assert list(run) == [module.module for module in run.module_runs]
    assert "halves" in run
    assert len(run) == 3


def test_a_failing_watcher_ends_the_run_and_the_next_one_works(workspace: Workspace) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError(f"the watcher saw {type(event).__name__}")

    with pytest.raises(RuntimeError, match="the watcher"):
        workspace.experiment("plain").run(on_event=fail)
    assert workspace.runs()[0].state is not RunState.RUNNING
    assert workspace.experiment("plain").run().finished


def test_the_settings_of_the_workspace_hold_where_a_module_says_nothing(folder: Path) -> None:
    (folder / "estudio.toml").write_text(
        'estudio = 1\n[defaults]\nenvironment = "nowhere"\nseed = 7\n[parallel]\nmodules = 1\n'
    )
    with Workspace.open(folder) as workspace:
        with pytest.raises(EnvironmentNotFound, match="nowhere"):
            workspace.experiment("scripted").run()
        document = folder / "experiments/scripted.yaml"
        document.write_text(document.read_text().replace("dataset1: towns", "dataset1: towns, environment: default"))
        assert len(workspace.experiment("scripted").check().modules) == 4
        run = workspace.experiment("plain").run(to="halves")
        parts = run["halves"].record.key_parts
        assert parts is not None
        assert parts.parts["seed"] == "1"
