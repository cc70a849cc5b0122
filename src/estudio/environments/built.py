"""An environment that is built and ready: where it lies, what is in it, and what a sandbox must show of it.

`readonly_paths` are those of the environment and its interpreter; the system's shared libraries (libc and its like)
are the sandbox's own business.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.python_requirement import Version
    from estudio.environments.interpreters import Interpreter

RECORD_VERSION = 1
RECORD_NAME = "environment.json"
"""Written last: a folder without it is no environment."""


@dataclass(frozen=True, slots=True)
class BuiltEnvironment:
    """A complete environment.

    Attributes:
        name: of the spec that asked for it.
        digest: of interpreter, packages and builder; the name of its folder.
        folder: the virtual environment.
        python: the executable to start, inside `folder`.
        base_prefix: where the interpreter itself is installed.
        version: of the interpreter.
        preload: Python modules for every zygote.
        preload_when_used: Python modules for the zygotes of scripts that mention them.
        readonly_paths: folders and files that must be visible for it to run, none inside another.
        packages: names and versions, sorted by name.
        font_cache: a folder with matplotlib's list of fonts. matplotlib uses a folder named by `MPLCONFIGDIR` only
            where it can write to it, so a sandbox has to copy the files.
        size_bytes: of all its files; those that it shares with uv's cache by hard links count too.
    """

    name: str
    digest: str
    folder: Path
    python: Path
    base_prefix: Path
    version: Version
    preload: tuple[str, ...]
    preload_when_used: tuple[str, ...]
    readonly_paths: tuple[Path, ...]
    packages: Mapping[str, str]
    font_cache: Path
    size_bytes: int

    @property
    def version_text(self) -> str:
        """The interpreter's version, e.g. `3.12.1`."""
        return ".".join(map(str, self.version))


def font_cache_of(folder: Path) -> Path:
    """Where an environment keeps matplotlib's list of fonts."""
    return folder / "fonts"


def readonly_paths(folder: Path, python: Path, interpreter: Interpreter) -> tuple[Path, ...]:
    """What must be visible for an environment to run: itself, its interpreter, its interpreter's own modules.

    An interpreter that shares its prefix with the system (`/usr`, `/usr/local`) gives its single files, another one its
    `bin` and `lib` folders.
    """
    paths = [folder, interpreter.path, interpreter.standard_library, *_links(python)]
    if interpreter.library is not None and interpreter.library.exists():
        paths += [interpreter.library, interpreter.library.resolve()]
    if interpreter.prefix not in {Path("/"), Path("/usr"), Path("/usr/local")}:
        paths += [interpreter.prefix / name for name in ("bin", "lib", "lib64")]
    existing = sorted({path for path in paths if path.exists()})
    return tuple(path for path in existing if not any(other in path.parents for other in existing))


def _links(path: Path) -> list[Path]:
    """Every hop of a chain of links: each name must be there for the next to be followed."""
    hops: list[Path] = []
    while path.is_symlink() and len(hops) < 40:  # the kernel's own limit (path_resolution(7))
        target = path.parent / path.readlink()
        path = target.parent.resolve() / target.name
        hops.append(path)
    return hops


def document_of(built: BuiltEnvironment) -> dict[str, object]:
    """The record beside an environment, as JSON."""
    return {
        "record": RECORD_VERSION,
        "name": built.name,
        "digest": built.digest,
        "python": str(built.python.relative_to(built.folder)),
        "base_prefix": str(built.base_prefix),
        "version": list(built.version),
        "preload": list(built.preload),
        "preload_when_used": list(built.preload_when_used),
        "readonly_paths": [str(path) for path in built.readonly_paths],
        "packages": dict(built.packages),
        "size_bytes": built.size_bytes,
    }


def built_of_document(folder: Path, document: Mapping[str, object]) -> BuiltEnvironment | None:
    """The opposite of `document_of`; `None` for a record of another version or a folder that was moved."""
    if document.get("record") != RECORD_VERSION:
        return None
    match document:
        case {
            "name": str(name),
            "digest": str(digest),
            "python": str(python),
            "base_prefix": str(base_prefix),
            "version": [int(major), int(minor), int(patch)],
            "preload": list(preload),
            "preload_when_used": list(preload_when_used),
            "readonly_paths": list(paths),
            "packages": dict(packages),
            "size_bytes": int(size_bytes),
        } if str(folder) in paths and digest == folder.name:
            return BuiltEnvironment(
                name,
                digest,
                folder,
                folder / python,
                Path(base_prefix),
                (major, minor, patch),
                tuple(map(str, preload)),
                tuple(map(str, preload_when_used)),
                tuple(Path(str(path)) for path in paths),
                {str(name): str(version) for name, version in packages.items()},
                font_cache_of(folder),
                size_bytes,
            )
        case _:
            return None
