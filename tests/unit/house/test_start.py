"""start.py: too old Pythons, the stamp, a .venv that is not ours, and one real set-up with two starts at once."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[3]
COPIED = ["start.py", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "README.md", "LICENSE"]


def old_pythons() -> list[str]:
    installed = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))) / "versions"
    minor_versions = ["2.7", *(f"3.{minor}" for minor in range(6, 11))]
    found = [str(path) for name in minor_versions for path in installed.glob(f"{name}.*/bin/python")]
    return found + [path for name in minor_versions if (path := shutil.which(f"/usr/bin/python{name}"))]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what start.py needs."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def start(checkout: Path) -> ModuleType:
    """The module of the copy."""
    specification = importlib.util.spec_from_file_location("start_copy", checkout / "start.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("python", old_pythons() or [None])
def test_an_old_python_says_that_it_is_too_old(python: str | None) -> None:
    if python is None:
        pytest.skip("no old Python is installed")
    ended = subprocess.run([python, str(ROOT / "start.py"), "run", "x.py"], capture_output=True, text=True, check=False)
    assert ended.returncode == 4
    assert ended.stdout == ""
    assert "estudio needs 3.11 or newer." in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_without_a_command_it_explains_itself_and_makes_nothing(
    start: ModuleType, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start.main([]) == 0
    assert "python3 start.py run SCRIPT.py" in capsys.readouterr().out
    assert not (checkout / ".venv").exists()


def test_somebody_elses_venv_is_left_alone(
    start: ModuleType, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "precious").write_text("x")
    assert start.main(["run"]) == 4
    assert "was not made by start.py" in capsys.readouterr().err
    assert [path.name for path in (checkout / ".venv").iterdir()] == ["precious"]


def test_a_missing_venv_module_names_the_package(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start.Steps, "can", lambda _self, _command: False)
    monkeypatch.setenv("PATH", "")
    assert start.main(["run"]) == 4
    assert "has no module venv. Install" in capsys.readouterr().err


def test_a_failed_step_is_told_with_its_output_and_leaves_no_stamp(
    start: ModuleType, checkout: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", "print('the cause'); raise SystemExit(7)"]
    monkeypatch.setattr(start, "make_venv", lambda run: run.must("Making .venv", command))
    assert start.main(["run"]) == 4
    told = capfd.readouterr().err
    assert "Making .venv failed (exit code 7)." in told
    assert "    the cause" in told
    assert not (checkout / ".venv" / ".estudio-ready.json").exists()


def finish(start: ModuleType, **changes: Any) -> dict[str, Any]:
    """Make .venv look ready, but for some changes of its stamp."""
    Path(start.VENV).mkdir()
    wanted: dict[str, Any] = start.wanted_stamp()
    start.write_stamp(wanted | changes)
    return wanted


@pytest.mark.parametrize(
    ("changes", "runs", "tests"),
    [
        ({}, True, True),
        ({"dev": None}, True, False),
        ({"dev": "older"}, True, False),
        ({"runtime": "older"}, False, False),
        ({"interpreter": "another"}, False, False),
        ({"place": "/elsewhere"}, False, False),
    ],
)
def test_the_stamp_decides_what_is_ready(start: ModuleType, changes: dict[str, Any], runs: bool, tests: bool) -> None:
    wanted = finish(start, **changes)
    assert start.is_ready(wanted, False) is runs
    assert start.is_ready(wanted, True) is tests


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"'])
def test_a_broken_stamp_is_no_stamp(start: ModuleType, text: str) -> None:
    wanted = finish(start)
    Path(start.STAMP).write_text(text)
    assert start.is_ready(wanted, False) is False


def test_a_changed_lock_asks_for_a_new_set_up(start: ModuleType) -> None:
    before = start.wanted_stamp()
    with Path(start.RUNTIME_LOCK).open("a") as file:
        file.write("# changed\n")
    after = start.wanted_stamp()
    assert after["runtime"] != before["runtime"]
    assert after["dev"] == before["dev"]


def test_a_change_of_tool_settings_asks_for_none(start: ModuleType, checkout: Path) -> None:
    before = start.wanted_stamp()
    with (checkout / "pyproject.toml").open("a") as file:
        file.write('\n[tool.other]\nx = "y"\n')
    assert start.wanted_stamp() == before


def test_the_locked_uv_is_found_with_its_hashes(start: ModuleType) -> None:
    requirement, version = start.locked_uv()
    assert requirement.startswith(f"uv=={version} ")
    assert requirement.count("--hash=sha256:") >= 10
    assert "==" not in requirement.removeprefix(f"uv=={version}")


def test_clearing_keeps_the_lock_that_others_wait_on(start: ModuleType, checkout: Path) -> None:
    os.close(start.open_lock())
    venv = checkout / ".venv"
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "link").symlink_to(checkout)
    start.clear()
    assert [path.name for path in venv.iterdir()] == [".estudio-lock"]
    assert (checkout / "start.py").exists()


@pytest.mark.parametrize(
    ("own_variables", "trusts_the_system"),
    [
        ({}, True),
        ({"SSL_CERT_FILE": "x.pem"}, False),
        ({"SSL_CERT_DIR": "certs"}, False),
        ({"UV_SYSTEM_CERTS": "0"}, False),
    ],
)
def test_uv_trusts_whom_the_system_trusts_unless_told_otherwise(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    own_variables: dict[str, str],
    trusts_the_system: bool,
) -> None:
    for name in start.OWN_CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    for name, value in own_variables.items():
        monkeypatch.setenv(name, value)
    assert (start.Steps(0, str(tmp_path)).variables.get("UV_SYSTEM_CERTS") == "1") is trusts_the_system


@pytest.mark.environments
@pytest.mark.slow
def test_two_first_starts_make_one_venv(checkout: Path) -> None:
    starts = [
        subprocess.Popen(
            [sys.executable, str(checkout / "start.py"), "frobnicate"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [start.communicate(timeout=280)[1] for start in starts]
    assert sum("Setting up .venv" in text for text in told) == 1, told
    assert sum("Ready after" in text for text in told) == 1, told
    stamp = json.loads((checkout / ".venv" / ".estudio-ready.json").read_text())
    assert stamp["dev"] is None
    answer = subprocess.run(
        [checkout / ".venv" / "bin" / "python", "-Ic", "import estudio, pyarrow, typer; print(estudio.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == str(checkout / "src" / "estudio" / "__init__.py")
    assert list((checkout / ".venv").glob("lib/python*/site-packages/typer/__pycache__/*.pyc"))
