"""Finding Pythons among shims, copies and things that only look like one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from estudio.environments import interpreter_places, interpreters
from estudio.environments.built import readonly_paths
from estudio.environments.interpreters import Interpreter, find_interpreter, interpreter_of_facts
from estudio.errors import InterpreterNotFound, InvalidDocument


def pretend(path: Path, version: tuple[int, int, int], **facts: object) -> None:
    """Write a program that answers as a Python of that version would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    answer = {
        "executable": str(path), "version": list(version), "release": "final", "implementation": "cpython",
        "prefix": str(path.parent.parent), "standard_library": str(path.parent), "abi": "x", "machine": "y",
        "library": "", **facts,
    }  # fmt: skip
    path.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH, an own pyenv and no other Python than the running one."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr(interpreter_places, "SYSTEM_FOLDERS", (str(tmp_path / "system"),))
    return tmp_path


def test_the_running_python_comes_first_for_a_range(machine: Path) -> None:
    pretend(machine / "path" / "python3.14", (3, 14, 1))
    found = find_interpreter(">=3.11")
    assert found.version == sys.version_info[:3]
    assert found.prefix == Path(sys.base_prefix)
    assert not found.path.is_symlink()


def test_path_comes_before_pyenv_and_pyenv_before_the_system(machine: Path) -> None:
    pretend(machine / "system" / "python3.5", (3, 5, 1))
    assert find_interpreter("3.5").version == (3, 5, 1)
    pretend(machine / "pyenv/versions/3.5.2/bin/python", (3, 5, 2))
    assert find_interpreter("3.5").version == (3, 5, 2)
    pretend(machine / "path" / "python3.5", (3, 5, 3))
    assert find_interpreter("3.5").version == (3, 5, 3)
    assert find_interpreter("3.5.1").version == (3, 5, 1)


def test_of_a_range_the_newest_series_and_of_pyenv_the_newest_patch(machine: Path) -> None:
    for patch in (9, 10):
        pretend(machine / f"pyenv/versions/3.5.{patch}/bin/python", (3, 5, patch))
    pretend(machine / "pyenv/versions/3.4.1/bin/python", (3, 4, 1))
    assert find_interpreter("<3.6").version == (3, 5, 10)
    assert find_interpreter("<3.5").version == (3, 4, 1)


def test_a_name_is_not_believed(machine: Path) -> None:
    pretend(machine / "path" / "python3.5", (3, 4, 1))
    with pytest.raises(InterpreterNotFound):
        find_interpreter("3.5")


def test_shims_that_fail_hang_or_chatter_are_skipped(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "ASK_SECONDS", 0.5)
    (machine / "path").mkdir()
    for name, body in {"python3.5": "exit 127", "python3": "/bin/sleep 30", "python": "echo hello"}.items():
        (machine / "path" / name).write_text(f"#!/bin/sh\n{body}\n")
        (machine / "path" / name).chmod(0o755)
    pretend(machine / "pyenv/versions/3.5.2/bin/python", (3, 5, 2))
    assert find_interpreter("3.5").version == (3, 5, 2)


def test_a_shim_leads_to_the_python_behind_it(machine: Path) -> None:
    behind = machine / "elsewhere/bin/python3.5"
    pretend(behind, (3, 5, 7))
    pretend(machine / "path" / "python3.5", (3, 5, 7), executable=str(behind))
    assert find_interpreter("3.5").path == behind


@pytest.mark.parametrize(
    "facts",
    [
        {"implementation": "pypy"},
        {"release": "candidate"},
        {"version": [3, 15, 0]},
        {"version": [2, 6, 9]},
        {"version": 3},
    ],
)
def test_what_we_cannot_use_is_no_interpreter(facts: dict[str, object]) -> None:
    good = interpreters.facts_of_interpreter(find_interpreter(">=3.11"))
    assert interpreter_of_facts(good) is not None
    assert interpreter_of_facts({**good, **facts}) is None


def test_not_found_names_what_is_asked_what_is_there_and_the_next_step(machine: Path) -> None:
    pretend(machine / "pyenv/versions/3.5.2/bin/python", (3, 5, 2))
    running = ".".join(map(str, sys.version_info[:3]))
    with pytest.raises(InterpreterNotFound) as caught:
        find_interpreter("2.7")
    assert caught.value.message == (
        f"No Python that satisfies '2.7' is installed; installed are {running}, 3.5.2. "
        "Install one, e.g. with `pyenv install 2.7`, or ask for another version."
    )
    with pytest.raises(InterpreterNotFound, match=r"Pythons from 2\.7 to 3\.14 are supported"):
        find_interpreter("3.99")


def test_no_requirement_at_all_is_refused() -> None:
    with pytest.raises(InvalidDocument):
        find_interpreter("python")


def interpreter_at(prefix: Path, name: str = "python3.5") -> Interpreter:
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib" / name).mkdir(parents=True)
    (prefix / "bin" / name).write_text("")
    return Interpreter(prefix / "bin" / name, (3, 5, 0), prefix, "cpython", prefix / "lib" / name, "x", None)


def test_readonly_paths_hold_every_hop_of_the_executables_links(tmp_path: Path) -> None:
    interpreter = interpreter_at(tmp_path / "own")
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    hop = tmp_path / "hop"
    hop.symlink_to(interpreter.path)
    (folder / "bin" / "python").symlink_to(hop)
    assert readonly_paths(folder, folder / "bin" / "python", interpreter) == (
        folder,
        hop,
        tmp_path / "own" / "bin",
        tmp_path / "own" / "lib",
    )


def test_readonly_paths_of_a_system_python_are_not_the_whole_system(tmp_path: Path) -> None:
    found = Interpreter(Path("/usr/bin/env"), (3, 5, 0), Path("/usr"), "cpython", Path("/usr/lib"), "x", None)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/usr/bin/env")
    paths = readonly_paths(tmp_path, tmp_path / "bin" / "python", found)
    assert {Path("/usr/bin/env"), Path("/usr/lib"), tmp_path} == set(paths)
