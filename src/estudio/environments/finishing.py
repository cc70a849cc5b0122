"""What makes an installed environment fast and readable: bytecode, the list of fonts, permissions, a list of packages.

A sandbox shows environments read-only: what is not compiled here would be compiled again in every zygote.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.package_lock import package_name
from estudio.environments.built import font_cache_of
from estudio.environments.installer_errors import disk_full
from estudio.environments.interpreter_records import write_atomically
from estudio.errors import EnvironmentFailed

if TYPE_CHECKING:
    from estudio.environments.construction import Construction

_NOT_COMPILED = r"[/\\]tests?[/\\]"
"""Packages' own tests: a third of all files, imported by nobody's script."""
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded|Errno (?:28|122)\b")
_DISTRIBUTION = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py\d[^-]*)?\.(?:dist|egg)-info", re.ASCII)


def compile_bytecode(construction: Construction) -> None:
    """Compile every module, on all cores, by the environment's own interpreter.

    From 3.7 on the bytecode is not checked against its source's time, which a copy or a backup may change. Modules
    that do not compile (templates, other versions' syntax) are left as they are, as installers do.

    Raises:
        EnvironmentDiskFull: no room.
    """
    construction.on_progress("compiling bytecode")
    version = construction.interpreter.version
    options = ["-q", "-x", _NOT_COMPILED]
    if version >= (3, 5, 0):
        options += ["-j", "0"]
    if version >= (3, 7, 0):
        options += ["--invalidation-mode", "unchecked-hash"]
    folders = [str(folder.parent) for folder in package_folders(construction.folder)]
    finished = construction.attempt([str(construction.python), "-E", "-s", "-m", "compileall", *options, *folders])
    if _NO_ROOM.search(finished.output):
        raise disk_full(construction.spec.name, "the disk is full.")
    if not _is_compiled(construction.folder):  # the exit status says only that some file did not compile
        message = f"The bytecode of the environment {construction.spec.name!r} could not be compiled"
        raise EnvironmentFailed(f"{message}: {finished.output[-300:]}", environment=construction.spec.name)


def _is_compiled(folder: Path) -> bool:
    pandas = [path / "pandas" for path in package_folders(folder)]
    return any(next(path.glob(name), None) for path in pandas for name in ("*.pyc", "__pycache__/__init__.*.pyc"))


def build_font_cache(construction: Construction, packages: dict[str, str]) -> None:
    """Let matplotlib list its fonts, so that no plot waits for it, and leave only those that a sandbox will show.

    Raises:
        EnvironmentFailed: matplotlib is installed and cannot be imported.
        OSError: a file cannot be written.
    """
    folder = font_cache_of(construction.folder)
    folder.mkdir(exist_ok=True)
    if "matplotlib" not in packages:
        return
    construction.on_progress("building the font cache")
    variables = {"MPLCONFIGDIR": str(folder), "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
    finished = construction.attempt([str(construction.python), "-s", "-c", "import matplotlib.font_manager"], variables)
    if finished.status != 0:
        message = f"matplotlib of the environment {construction.spec.name!r} cannot be imported"
        raise EnvironmentFailed(f"{message}: {finished.output[-300:]}", environment=construction.spec.name)
    for path in folder.glob("font*ist*.json"):
        write_atomically(path, without_system_fonts(path.read_text(encoding="utf-8"), construction.folder))


def without_system_fonts(text: str, folder: Path) -> str:
    """The list of fonts that matplotlib made, without those outside of an environment.

    A font that is listed but not there makes matplotlib list all fonts again, in every script that draws.
    """
    document = json.loads(text)
    for fonts in ("ttflist", "afmlist"):
        entries = document.get(fonts, [])
        document[fonts] = [entry for entry in entries if _is_inside(entry.get("fname", ""), folder)]
    return json.dumps(document)


def _is_inside(name: str, folder: Path) -> bool:
    return not Path(name).is_absolute() or folder in Path(name).parents


def make_readable(folder: Path) -> int:
    """Let everybody read an environment and its owner alone write, whatever umask and caches did.

    Gives the size of all files in bytes.

    Raises:
        OSError: a mode cannot be changed.
    """
    total = 0
    for parent, _, names in os.walk(folder):
        _allow(Path(parent), stat.S_IRUSR | stat.S_IXUSR | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        for name in names:
            total += _allow(Path(parent, name), stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    return total


def _allow(path: Path, wanted: int) -> int:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return 0
    if status.st_mode & stat.S_IXUSR:
        wanted |= stat.S_IXGRP | stat.S_IXOTH
    mode = (stat.S_IMODE(status.st_mode) | wanted) & ~(stat.S_IWGRP | stat.S_IWOTH)
    if mode != stat.S_IMODE(status.st_mode):
        path.chmod(mode)
    return status.st_size


def package_folders(folder: Path) -> list[Path]:
    """The site-packages folders of a virtual environment; `lib64` may be a link to `lib`."""
    found = {path.resolve() for lib in ("lib", "lib64") for path in folder.glob(f"{lib}/python*/site-packages")}
    return sorted(found)


def installed_packages(folder: Path) -> dict[str, str]:
    """Names and versions of the packages in a virtual environment, sorted by name."""
    names = [path.name for site in package_folders(folder) for path in site.iterdir()]
    matches = filter(None, map(_DISTRIBUTION.fullmatch, names))
    return dict(sorted((package_name(match["name"]), match["version"]) for match in matches))
