"""Fills an environment by uv, for Python 3.6 and newer: a virtual environment, a lock, its packages.

A spec without a lock is resolved once; the lock is kept beside the environment, so that a build that was interrupted
gives the same versions when it is repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.environment import check_lock
from estudio.environments.interpreter_records import write_atomically
from estudio.environments.processes import uv_command

if TYPE_CHECKING:
    from estudio.environments.construction import Construction

OLDEST = (3, 6)
"""uv 0.13 asks interpreters with `-I`, which came with 3.4, and refuses those before 3.6."""


def install_by_uv(construction: Construction) -> None:
    """Create the virtual environment and install the packages.

    Raises:
        EnvironmentFailed: one of its kinds, by what uv wrote.
        InvalidDocument: the lock has a wrong form.
        OSError: a file cannot be written.
    """
    interpreter = str(construction.interpreter.path)
    construction.run(
        [
            *uv_command(),
            "venv",
            "--no-project",
            "--no-python-downloads",
            "--python",
            interpreter,
            str(construction.folder),
        ]
    )
    lock_environment(construction)
    locked = check_lock(construction.spec, construction.spec.name) if construction.spec.lock else ()
    hashes = ["--require-hashes"] if locked and all(package.hashed for package in locked) else []
    construction.run_online_or_offline(
        [*_uv_pip(construction, "install"), *hashes, "--requirements", str(construction.lock_file)]
    )


def lock_environment(construction: Construction) -> None:
    """See that the lock file is there: the spec's own lock, that of an interrupted build, or a new one."""
    if construction.spec.lock:
        write_atomically(construction.lock_file, construction.spec.lock)
    if construction.lock_file.exists():
        return
    construction.on_progress("resolving")
    wanted = construction.folder / "requirements.txt"
    write_atomically(wanted, "\n".join(construction.spec.packages) + "\n")
    resolved = construction.folder / "resolved.txt"
    command = [*_uv_pip(construction, "compile"), "--quiet", "--generate-hashes", "--no-header", "--no-annotate"]
    construction.run_online_or_offline([*command, "--output-file", str(resolved), str(wanted)])
    write_atomically(construction.lock_file, resolved.read_text(encoding="utf-8"))


def _uv_pip(construction: Construction, verb: str) -> list[str]:
    python = ["--no-python-downloads", "--python", str(construction.python)]
    return [*uv_command(), "pip", verb, *python, *construction.wheels_only]
