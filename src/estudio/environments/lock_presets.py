"""Locks the built-in environments anew: `python -m estudio.environments.lock_presets`, for those who release estudio.

The locks are universal (each Python from 3.11 on, each platform) and hold names, versions, markers and hashes alone, so
that a user's own package index serves them.
"""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from pathlib import Path

from estudio.core.package_lock import parse_package_lock
from estudio.environments.processes import clean_variables, uv_command

PRESETS = Path(__file__).parent / "presets"
OLDEST_PYTHON = "3.11"
VIRTUALENV = "virtualenv==20.21.1"
"""The last release that makes environments for Python 2.7; it brings the last pip for it (20.3.4)."""


def lock_presets() -> None:
    """Write the lock of every preset, and that of the tool for Python 2.7.

    Raises:
        InvalidDocument: a lock came out with anything but names, versions, markers and hashes.
        CalledProcessError: uv failed.
    """
    for path in sorted(PRESETS.glob("*.toml")):
        _lock(tomllib.loads(path.read_text(encoding="utf-8"))["packages"], path.with_suffix(".lock"))
    _lock([VIRTUALENV], PRESETS / "virtualenv.lock")


def _lock(packages: list[str], target: Path) -> None:
    form = ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet"]
    scope = ["--universal", "--python-version", OLDEST_PYTHON, "--no-python-downloads", "--only-binary", ":all:"]
    with tempfile.TemporaryDirectory() as folder:
        wanted, locked = Path(folder, "wanted.in"), Path(folder, "locked.txt")
        wanted.write_text("\n".join(packages) + "\n", encoding="utf-8")
        command = [*uv_command(), "pip", "compile", *scope, *form, "--output-file", str(locked), str(wanted)]
        subprocess.run(command, check=True, env=clean_variables(), cwd="/")
        text = locked.read_text(encoding="utf-8")
    parse_package_lock(text, target.stem)
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    lock_presets()
