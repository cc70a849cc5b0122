"""Scripts of every age behind all walls: the oldest and the newest interpreters that are installed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from estudio import ScriptRunner, ScriptState
from estudio.errors import InterpreterNotFound

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = {
    "2.7": 'python = "2.7"\npackages = ["pandas==0.24.2", "numpy==1.16.6"]\n',
    "3.6": 'python = "3.6"\npackages = ["pandas==1.1.5", "numpy==1.19.5"]\n',
    "newest": 'python = ">=3.12"\npackages = ["pandas", "numpy", "pyarrow"]\n',
}
SCRIPT = """# -*- coding: utf-8 -*-
import socket
import sys

def azureml_main(table):
    print(sys.version.split()[0])
    print(u'caf\\xe9')
    try:
        socket.socket()
        print('a socket')
    except Exception as error:
        print(type(error).__name__)
    table['twice'] = table['n'] * 2
    return table,
"""


@pytest.mark.parametrize("version", DOCUMENTS)
def test_an_environment_of_this_age_works_behind_all_walls(version: str, home: Path, tmp_path: Path) -> None:
    assert home.is_dir()
    document = tmp_path / "aged.toml"
    document.write_text(DOCUMENTS[version])
    try:
        runner = ScriptRunner(document, ready=1)
    except InterpreterNotFound as error:
        pytest.skip(error.message)
    with runner:
        table = pa.table({"n": [1, 2, None], "t": ["a", "ñ", None], "b": [True, False, True]})
        outcome = runner.run(SCRIPT, table)
        assert outcome.finished, outcome.error
        assert outcome.table is not None
        assert outcome.table.to_arrow()["twice"].to_pylist() == [2.0, 4.0, None]
        assert outcome.table.to_arrow()["t"].to_pylist() == ["a", "ñ", None]
        lines = outcome.log.splitlines()
        assert version == "newest" or lines[0].startswith(version)
        assert lines[1] == "café"
        assert lines[2] in ("PermissionError", "error")
        failed = runner.run("def azureml_main(table):\n    raise ValueError('late')\n", table)
        assert failed.state is ScriptState.FAILED
        assert failed.error is not None
        assert failed.error.line == 2
