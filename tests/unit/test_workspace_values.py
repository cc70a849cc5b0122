"""What the workspace decides without a store or a sandbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estudio.core.run import Owner, RunRecord, RunState
from estudio.documents.workspace_settings import parse_workspace_settings
from estudio.workspace.datasets import type_of
from estudio.workspace.preparation import workspace_default
from estudio.workspace.upkeep import old_runs

RUN = RunRecord("r9", "a", "0" * 64, RunState.FINISHED, False, 9.0, Owner(1, "1", "b"))
RUNS = [
    RUN,
    replace(RUN, id="r8", experiment="b"),
    replace(RUN, id="r7"),
    replace(RUN, id="r6", state=RunState.RUNNING),
    replace(RUN, id="r5"),
]


@pytest.mark.parametrize(
    ("keep", "old"), [(None, []), (1, ["r7", "r5"]), (2, ["r5"]), (3, ["r5"]), (4, []), (0, ["r9", "r8", "r7", "r5"])]
)
def test_old_runs_are_those_beyond_the_newest_of_each_experiment(keep: int | None, old: list[str]) -> None:
    assert [run.id for run in old_runs(RUNS, keep)] == old


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "GenericCSV"),
        ("A.NH.CSV", "GenericCSVNoHeader"),
        ("a.tsv.gz", "GenericTSV"),
        ("a.zip", "Zip"),
        ("a.parquet", "Dataset"),
        ("a", "Dataset"),
    ],
)
def test_types_have_the_old_words(name: str, kind: str) -> None:
    assert type_of(name) == kind


def test_a_setting_that_a_module_leaves_open_is_the_workspaces() -> None:
    settings = parse_workspace_settings(
        b'estudio = 1\n[limits]\nmemory = "1 GiB"\ntimeout-seconds = 5\nlog = "2.5 MiB"\n'
    )
    assert workspace_default(settings, "memory_mib", 4096) == 1024
    assert workspace_default(settings, "timeout_seconds", 600.0) == 5
    assert workspace_default(settings, "log_mib", 16) == 2
    assert workspace_default(parse_workspace_settings(b'estudio = 1\n[limits]\nlog = "9 KiB"\n'), "log_mib", 16) == 1
    assert workspace_default(settings, "environment", "x") == "default"
    assert workspace_default(settings, "fraction", 0.5) == 0.5
