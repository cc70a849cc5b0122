"""Fills an environment for a Python that uv refuses (2.7), by the last virtualenv and pip that serve it.

That virtualenv runs on a newer Python, from a small tool environment of its own, built once and locked by hashes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.environment import EnvironmentSpec, check_lock
from estudio.core.python_requirement import parse_python_requirement
from estudio.environments.building_lock import building_lock
from estudio.environments.interpreter_records import write_atomically
from estudio.environments.interpreters import ask_interpreter, find_interpreter, running_interpreter
from estudio.environments.uv_installer import install_by_uv

if TYPE_CHECKING:
    from estudio.environments.construction import Construction

_LOCK = Path(__file__).parent / "presets" / "virtualenv.lock"
_COMPLETE = "complete"


def install_by_pip(construction: Construction) -> None:
    """Create the virtual environment and install the packages.

    Raises:
        EnvironmentFailed: one of its kinds, by what pip wrote.
        InvalidDocument: the lock has a wrong form.
        OSError: a file cannot be written.
    """
    tool = _virtualenv_tool(construction)
    options = ["--quiet", "--no-periodic-update", "--no-download", "--no-vcs-ignore"]
    interpreter = ["--python", str(construction.interpreter.path)]
    data = {"VIRTUALENV_OVERRIDE_APP_DATA": str(tool / "data")}
    construction.run(
        [str(tool / "bin" / "python"), "-m", "virtualenv", *options, *interpreter, str(construction.folder)], data
    )
    construction.on_progress("resolving")
    options = ["--no-compile", "--progress-bar", "off", *construction.wheels_only]
    construction.run([*_pip(construction), "install", *options, *_requirements(construction)])
    _write_lock(construction)


def _requirements(construction: Construction) -> list[str]:
    if construction.spec.lock:
        locked = check_lock(construction.spec, construction.spec.name)
        write_atomically(construction.lock_file, construction.spec.lock)
        hashes = ["--require-hashes"] if all(package.hashed for package in locked) else []
        return [*hashes, "--no-deps", "--requirement", str(construction.lock_file)]
    if construction.lock_file.exists():
        return ["--no-deps", "--requirement", str(construction.lock_file)]
    wanted = construction.folder / "requirements.txt"
    write_atomically(wanted, "\n".join(construction.spec.packages) + "\n")
    return ["--use-feature=2020-resolver", "--requirement", str(wanted)]


def _write_lock(construction: Construction) -> None:
    if construction.lock_file.exists():
        return
    frozen = construction.attempt([*_pip(construction), "freeze"])
    lines = [line for line in frozen.lines if "==" in line and " " not in line]
    write_atomically(construction.lock_file, "\n".join(lines) + "\n")


def _pip(construction: Construction) -> list[str]:
    quiet = ["--disable-pip-version-check", "--no-python-version-warning", "--no-input", "--no-color"]
    return [str(construction.python), "-m", "pip", *quiet]


def _virtualenv_tool(construction: Construction) -> Path:
    lock = _LOCK.read_text(encoding="utf-8")
    digest = hashlib.sha256(f"{lock}{running_interpreter()}{sys.version}".encode()).hexdigest()[:12]
    tool = construction.tools / f"virtualenv-{digest}"
    tool.parent.mkdir(parents=True, exist_ok=True)
    with building_lock(tool.with_suffix(".lock"), construction.on_progress) as held:
        if (tool / _COMPLETE).exists():
            return tool
        construction.on_progress("preparing virtualenv")
        if tool.exists():
            shutil.rmtree(tool)
        running = running_interpreter()
        interpreter = (ask_interpreter(running) if running else None) or find_interpreter(">=3.11")
        spec = EnvironmentSpec(
            "virtualenv", parse_python_requirement(">=3.11", "virtualenv"), ("virtualenv",), lock=lock
        )
        install_by_uv(
            replace(
                construction,
                spec=spec,
                interpreter=interpreter,
                folder=tool,
                lock_file=tool.with_suffix(".txt"),
                held=(*construction.held, held),
            )
        )
        write_atomically(tool / _COMPLETE, "")
    return tool
