"""The public names, compared whole: adding one is a decision, losing one breaks people."""

from __future__ import annotations

import subprocess
import sys

import pytest

import estudio

NAMES = [
    "Calling",
    "EstudioError",
    "IsolationLevel",
    "Limits",
    "Run",
    "ScriptError",
    "ScriptOutcome",
    "ScriptRunner",
    "ScriptState",
    "Table",
    "Visualization",
    "Workspace",
    "read_table",
    "run_script",
    "write_table",
]


def test_these_are_the_public_names() -> None:
    assert estudio.__all__ == NAMES
    assert len(NAMES) <= 15
    assert set(NAMES) <= set(dir(estudio))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_there_and_documented(name: str) -> None:
    value = getattr(estudio, name)
    assert value.__module__.startswith("estudio.")
    assert value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'estudio' has no attribute 'Tabel'"):
        estudio.Tabel  # type: ignore[attr-defined] # noqa: B018


def test_importing_estudio_is_cheap() -> None:
    script = (
        "import sys, estudio; print([name for name in ('pyarrow', 'pandas', 'typer', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
