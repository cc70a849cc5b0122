"""The old wire in front of a published experiment: real guests in real walls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.service import KeySlot
from estudio.server.app import create_app
from estudio.workspace.workspace import Workspace
from tests.server.running import running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.classic.conftest import Classic

pytestmark = [pytest.mark.sandbox, pytest.mark.environments]

EXPERIMENT = """estudio: 1
name: Evaluate expressions
parameters:
  digits: {type: integer, default: 2}
modules:
  samples:
    kind: enter-data
    data: |
      expression
      1+1
  input1: {kind: web-service-input, default: samples}
  evaluate:
    kind: execute-python-script
    script: scripts/evaluate.py
    dataset1: input1
    parameters: {digits: "${digits}"}
  output1: {kind: web-service-output, dataset: evaluate}
"""
SCRIPT = """def azureml_main(table, *, digits: int = 2):
    return table.assign(value=[round(eval(each), digits) for each in table["expression"]])
"""


def test_the_service_of_the_old_article(
    classic: Classic, estudio_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESTUDIO_HOME", str(estudio_home))
    root = tmp_path / "article"
    for name, text in {
        "estudio.toml": "estudio = 1\n",
        "experiments/expressions.yaml": EXPERIMENT,
        "scripts/evaluate.py": SCRIPT,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    with Workspace.open(root) as workspace:
        published = workspace.services.publish("expressions")
        key = published.keys[KeySlot.PRIMARY]
        host = workspace.services.host()
        context = replace(classic.context, host=host, workspace=workspace, jobs=None)
        try:
            with running(create_app(context, ["classic"])) as url:
                api = f"{url}/workspaces/{host.workspace_id}/services/{published.endpoint.id}"
                call = f"{api}/execute?api-version=2.0&details=true"
                table = {"ColumnNames": ["expression"], "Values": [["2**10"], ["22/7"]]}
                body = {"Inputs": {"input1": table}, "GlobalParameters": {"digits": "3"}}
                good = classic.send("POST", call, body, key=key)
                table["Values"] = [["1/0"]]
                bad = classic.send("POST", call, body, key=key)
                swagger = classic.send("GET", f"{api}/swagger.json", key="")
                denied = classic.send("POST", call, body, key=f"{key}x")
        finally:
            host.close(1.0)
    assert good.json["Results"]["output1"]["value"] == {
        "ColumnNames": ["expression", "value"],
        "ColumnTypes": ["String", "Double"],
        "Values": [["2**10", "1024"], ["22/7", "3.143"]],
    }
    assert bad.error == (400, "ModuleExecutionError", "85")
    detail = bad.json["error"]["details"][0]
    assert "ZeroDivisionError: division by zero" in detail["message"]
    assert detail["message"].startswith("Error 0085: ")
    assert denied.error == (401, "Unauthorized", "ScoreRequestUnauthorized")
    example = swagger.json["definitions"]["ExecutionRequest"]["example"]
    assert example == {"Inputs": {"input1": [{"expression": "1+1"}]}, "GlobalParameters": {"digits": "2"}}
