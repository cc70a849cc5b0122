"""`--json`: one object on standard output and nothing else, for outcomes and for failures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from estudio.cli.main import main
from estudio.core.outcome import Visualization
from estudio.errors import EnvironmentNotFound, InvalidDataset
from estudio.workspace.script_runs import WrittenFiles

from .scripted_door import FAILED, FINISHED, IMAGES, POOR_MACHINE, TABLE, ScriptedDoor

Captured = pytest.CaptureFixture[str]


def document(capsys: Captured, code: int, *arguments: str, door: ScriptedDoor) -> dict[str, Any]:
    """The one object on standard output."""
    assert main([*arguments, "--json"], door=door) == code
    out = capsys.readouterr().out
    assert out.endswith("}\n")
    assert out.count("\n") == 1
    assert out.isascii()
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_finished_run(capsys: Captured) -> None:
    outcome = replace(FINISHED.outcome, table2=TABLE, visualization=Visualization("", IMAGES))
    written = WrittenFiles(Path("o.csv"), None, (Path("figs/plot.png"),))
    door = ScriptedDoor(replace(FINISHED, outcome=outcome, written=written), prints=(b"printed\n",))
    columns = [
        {"name": "pregnancies", "type": "int64", "missing": 0},
        {"name": "glucose", "type": "float64", "missing": 5},
        {"name": "región", "type": "large_string", "missing": 1},
    ]
    assert document(capsys, 0, "run", "s.py", door=door) == {
        "state": "finished",
        "exit_code": 0,
        "timings": {
            "queue": 0.25,
            "start": 0.001,
            "hand_over": 0.0015,
            "script": 0.125,
            "result": 0.0225,
            "total": 0.4,
        },
        "tables": [{"rows": 768, "columns": columns}, {"rows": 768, "columns": columns}],
        "log": "printed\n",
        "figures": [
            {"name": "plot.png", "width": 640, "height": 480, "bytes": 8, "path": "figs/plot.png"},
            {"name": "trees/second.png", "width": 30, "height": 20, "bytes": 6, "path": None},
        ],
        "isolation": {"level": "full", "walls": ["user", "network"], "missing": []},
        "error": None,
        "environment": {"name": "default", "digest": "3f8a1c0de9b24471a5d6", "python": "3.12.1"},
        "written": {"output": "o.csv", "output2": None, "figures": ["figs/plot.png"]},
    }


def test_what_the_script_prints_goes_to_standard_error(capsys: Captured) -> None:
    main(["run", "s.py", "--json"], door=ScriptedDoor(prints=(b"printed\n",), progress=("building",)))
    captured = capsys.readouterr()
    assert captured.err == "building\nprinted\n"
    assert json.loads(captured.out)["log"] == "printed\n"


def test_failed_run(capsys: Captured) -> None:
    found = document(capsys, 1, "run", "s.py", door=ScriptedDoor(FAILED))
    assert (found["state"], found["exit_code"], found["tables"]) == ("failed", 1, [])
    assert found["error"] == {
        "code": "script-raised",
        "message": "The script raised TypeError: cannot divide.",
        "traceback": FAILED.outcome.error.traceback if FAILED.outcome.error else "",
        "line": 3,
        "classic_text": "Error 0085\r\nx",
    }


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            InvalidDataset("Row 3 has 5 fields.", row=3, path="a.csv"),
            3,
            {"code": "invalid-dataset", "message": "Row 3 has 5 fields.", "facts": {"row": 3, "path": "a.csv"}},
        ),
        (
            EnvironmentNotFound("No environment 'x'.", name="x"),
            4,
            {"code": "environment-not-found", "message": "No environment 'x'.", "facts": {"name": "x"}},
        ),
        (KeyboardInterrupt(), 130, {"code": "interrupted", "message": "Interrupted.", "facts": {}}),
    ],
)
def test_failures(capsys: Captured, error: BaseException, code: int, told: dict[str, object]) -> None:
    found = document(capsys, code, "run", "s.py", door=ScriptedDoor(error=error))
    state = "cancelled" if code == 130 else "error"
    assert found == {"state": state, "exit_code": code, "error": told}


def test_wrong_usage(capsys: Captured) -> None:
    found = document(capsys, 2, "run", "s.py", "--memory", "x", door=ScriptedDoor())
    assert (found["state"], found["exit_code"], found["error"]["code"]) == ("error", 2, "invalid-usage")
    assert "'--memory'" in found["error"]["message"]


def test_bug(capsys: Captured) -> None:
    found = document(capsys, 70, "run", "s.py", door=ScriptedDoor(error=ValueError("odd")))
    assert (found["exit_code"], found["error"]["code"]) == (70, "bug")
    assert found["error"]["message"].startswith("ValueError: odd.")


def test_doctor(capsys: Captured) -> None:
    found = document(capsys, 5, "doctor", door=ScriptedDoor(machine=POOR_MACHINE))
    assert list(found) == ["level", "walls", "kernel", "machine", "estudio", "exit_code"]
    assert (found["level"], found["exit_code"]) == (None, 5)
    assert found["walls"][0] == {
        "name": "user",
        "what": "other people's files and rights",
        "stands": False,
        "required": True,
        "reason": "user namespaces are off",
        "remedy": "sysctl user.max_user_namespaces=10000",
    }


def test_environments(capsys: Captured) -> None:
    found = document(capsys, 0, "environment", "list", door=ScriptedDoor())
    assert [(each["name"], each["built"]) for each in found["environments"]] == [("default", True), ("old", False)]
    removed = document(capsys, 0, "environment", "remove", "old", door=ScriptedDoor())
    assert removed == {"environments": found["environments"][1:]}
    for command in ("show", "build"):
        shown = document(capsys, 0, "environment", command, "old", door=ScriptedDoor())
        assert shown == {
            "name": "old",
            "digest": "77aa00bb11cc22dd33ee",
            "python": "2.7.18",
            "packages": [{"name": "pandas", "version": "0.24.2"}],
            "folder": None,
            "size_bytes": None,
            "source": "old.toml",
            "built": False,
        }
