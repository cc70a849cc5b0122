"""The store of environments: finds one that is built, builds one that is not, exactly once, and deletes others.

A folder counts as an environment only when its record, written last, is there. Everything before that may be killed at
any instruction: whoever builds next starts from an empty folder, under the same lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.environment import EnvironmentSpec, check_lock, near_name, parse_environment
from estudio.environments.building_lock import building_lock, note_progress
from estudio.environments.built import (
    RECORD_NAME,
    BuiltEnvironment,
    built_of_document,
    document_of,
    font_cache_of,
    readonly_paths,
)
from estudio.environments.construction import Construction
from estudio.environments.finishing import build_font_cache, compile_bytecode, installed_packages, make_readable
from estudio.environments.installer_errors import explain_system_failure
from estudio.environments.interpreter_records import InterpreterRecords, read_bounded, write_atomically
from estudio.environments.pip_installer import install_by_pip
from estudio.environments.preloads import preloads_of
from estudio.environments.uv_installer import OLDEST as OLDEST_FOR_UV
from estudio.environments.uv_installer import install_by_uv
from estudio.errors import EnvironmentNotFound, InvalidDocument

if TYPE_CHECKING:
    from estudio.environments.interpreters import Interpreter

BUILDER_VERSION = 1
"""Part of every digest: raised when environments must be built anew."""
PRESETS = Path(__file__).parent / "presets"
SPEC_NAME = "spec.json"
MAX_DOCUMENT_BYTES = 1024 * 1024
"""An environment's TOML is a page; a record with 500 packages has 50 kilobytes."""
MAX_LOCK_BYTES = 4 * 1024 * 1024
"""The built-in environment's lock with all its hashes has 200 kilobytes."""
DIGEST_CHARACTERS = 20
"""80 bits: no two environments of one store meet by chance."""
MIN_DIGEST_CHARACTERS = 4
"""Fewer characters of a digest are more likely a mistake than a choice."""

Progress = Callable[[str], None]


def default_root(variables: dict[str, str] | None = None) -> Path:
    """Where environments are kept: `ESTUDIO_HOME`, or `estudio` in the user's data folder (XDG Base Directory)."""
    source = os.environ if variables is None else variables
    chosen = source.get("ESTUDIO_HOME")
    if chosen:
        return Path(chosen).absolute()
    data = source.get("XDG_DATA_HOME", "")
    return (Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share") / "estudio"


class EnvironmentStore:
    """All environments of one user, in one folder."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = default_root() if root is None else root.absolute()
        self._folder = self.root / "environments"
        self._interpreters = InterpreterRecords(self.root / "interpreters.json")

    def resolve(self, name_or_file: str | Path | EnvironmentSpec) -> EnvironmentSpec:
        """The spec of a built-in name, of a TOML file, or of an environment that was built before under that name.

        A lock is read from the file of the same name that ends with `.lock`, where there is one.

        Raises:
            EnvironmentNotFound: no such name, no such file.
            InvalidDocument: the file has a wrong form.
        """
        if isinstance(name_or_file, EnvironmentSpec):
            return name_or_file
        text = str(name_or_file)
        if isinstance(name_or_file, Path) or text.endswith(".toml") or "/" in text:
            return _read_spec(Path(name_or_file))
        if text in preset_names():
            return _read_preset(text)
        for built in self.list():
            if built.name == text:
                return _parse_json(built.folder / SPEC_NAME)
        known = sorted({*preset_names(), *(built.name for built in self.list())})
        message = f"There is no environment {text[:80]!r}; known are {', '.join(known)}, or name a TOML file."
        raise EnvironmentNotFound(message + near_name(text, known), environment=text)

    def built_in_names(self) -> tuple[str, ...]:
        """The names of the environments that estudio brings along."""
        return tuple(preset_names())

    def find(self, spec: EnvironmentSpec) -> BuiltEnvironment | None:
        """The environment of a spec if it is built. Starts no process and takes a millisecond or two."""
        interpreter = self._interpreters.recall(spec.python)
        return None if interpreter is None else self._find(spec, interpreter)

    def digest(self, spec: EnvironmentSpec) -> str:
        """What the environment of a spec is known by, whether it is built or not. Raises InterpreterNotFound."""
        interpreter = self._interpreters.recall(spec.python) or self._interpreters.find(spec.python)
        return digest_of(spec, interpreter)

    def record(self, spec: EnvironmentSpec) -> str:
        """A spec, its digest and, where it is built, the exact versions, as JSON. Raises InterpreterNotFound."""
        built = self.find(spec)
        versions = {} if built is None else {"interpreter": built.version_text, **built.packages}
        return json.dumps({**_spec_document(spec), "digest": self.digest(spec), "versions": versions}, sort_keys=True)

    def ensure(self, spec: EnvironmentSpec, on_progress: Progress | None = None) -> BuiltEnvironment:
        """The environment of a spec, built where it is not; raises what `build` raises."""
        return self.find(spec) or self.build(spec, on_progress)

    def build(self, spec: EnvironmentSpec, on_progress: Progress | None = None) -> BuiltEnvironment:
        """Build the environment of a spec, unless it is built already or another process is about to.

        Args:
            spec: what is wanted.
            on_progress: told about each step in words, e.g. "downloading 31 packages".

        Raises:
            InterpreterNotFound: no Python that satisfies is installed.
            PackagesUnresolvable: no versions satisfy, or there is no wheel for one of them.
            RegistryUnreachable: something is to be downloaded and cannot be.
            EnvironmentDiskFull: no room.
            EnvironmentFailed: anything else.
            InvalidDocument: the lock has a wrong form.
        """
        tell = on_progress or (lambda _: None)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            interpreter = self._interpreters.find(spec.python)
            folder = self._folder / digest_of(spec, interpreter)
            with building_lock(folder.with_suffix(".lock"), tell) as held:
                built = self._find(spec, interpreter)
                return built or self._build(spec, interpreter, folder, held, tell)
        except OSError as error:
            raise explain_system_failure(error, spec) from error

    def list(self) -> tuple[BuiltEnvironment, ...]:
        """All environments that are built, by name."""
        if not self._folder.is_dir():
            return ()
        built = (_read_record(path) for path in self._folder.iterdir() if path.suffix == "")
        return tuple(sorted(filter(None, built), key=lambda each: (each.name, each.digest)))

    def remove(self, name_or_digest: str) -> tuple[BuiltEnvironment, ...]:
        """Delete the environments of a name, or the one whose digest begins so; gives what was deleted.

        Raises:
            EnvironmentNotFound: none is built.
            EnvironmentFailed: a file cannot be deleted.
        """
        chosen = tuple(built for built in self.list() if _is_called(built, name_or_digest))
        if not chosen:
            known = sorted({built.name for built in self.list()})
            listed = f"built are {', '.join(known)}" if known else "none is built"
            message = f"No environment {name_or_digest[:80]!r} is built; {listed}.{near_name(name_or_digest, known)}"
            raise EnvironmentNotFound(message, environment=name_or_digest)
        for built in chosen:
            with building_lock(built.folder.with_suffix(".lock"), lambda _: None):
                _delete(built.folder)
                built.folder.with_suffix(".txt").unlink(missing_ok=True)
        return chosen

    def _find(self, spec: EnvironmentSpec, interpreter: Interpreter) -> BuiltEnvironment | None:
        built = _read_record(self._folder / digest_of(spec, interpreter))
        if built is None or not built.python.exists():
            return None
        preload, preload_when_used = preloads_of(spec, built.packages)
        return replace(built, name=spec.name, preload=preload, preload_when_used=preload_when_used)

    def _build(
        self, spec: EnvironmentSpec, interpreter: Interpreter, folder: Path, held: int, tell: Progress
    ) -> BuiltEnvironment:
        def on_progress(words: str) -> None:
            note_progress(held, words)
            tell(words)

        _delete(folder)
        lock_file = folder.with_suffix(".txt")
        construction = Construction(spec, interpreter, folder, lock_file, self.root / "tools", on_progress, (held,))
        try:
            return _construct(construction)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)  # an interrupted build gives its room back; the next starts anew
            raise


def digest_of(spec: EnvironmentSpec, interpreter: Interpreter) -> str:
    """What an environment is known by: everything that decides what is in it, and nothing else."""
    wanted = [spec.lock] if spec.lock else sorted(spec.packages)
    python = [interpreter.implementation, interpreter.version, interpreter.abi, str(interpreter.path)]
    decisive = json.dumps([BUILDER_VERSION, python, wanted, sorted(spec.from_source)])
    return hashlib.sha256(decisive.encode()).hexdigest()[:DIGEST_CHARACTERS]


def preset_names() -> list[str]:
    """The names of the built-in environments."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def _construct(construction: Construction) -> BuiltEnvironment:
    spec, interpreter, folder = construction.spec, construction.interpreter, construction.folder
    if interpreter.version[:2] >= OLDEST_FOR_UV:
        install_by_uv(construction)
    else:
        install_by_pip(construction)
    compile_bytecode(construction)
    packages = installed_packages(folder)
    build_font_cache(construction, packages)
    write_atomically(folder / SPEC_NAME, json.dumps(_spec_document(spec)))
    size_bytes = make_readable(folder)
    preload, preload_when_used = preloads_of(spec, packages)
    built = BuiltEnvironment(
        spec.name,
        folder.name,
        folder,
        construction.python,
        interpreter.prefix,
        interpreter.version,
        preload,
        preload_when_used,
        readonly_paths(folder, construction.python, interpreter),
        packages,
        font_cache_of(folder),
        size_bytes,
    )
    write_atomically(folder / RECORD_NAME, json.dumps(document_of(built)))
    return built


def _delete(folder: Path) -> None:
    """Delete an environment's folder, its record first, so that a deletion that is interrupted leaves none."""
    (folder / RECORD_NAME).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)


def _is_called(built: BuiltEnvironment, name_or_digest: str) -> bool:
    is_digest = len(name_or_digest) >= MIN_DIGEST_CHARACTERS and built.digest.startswith(name_or_digest)
    return built.name == name_or_digest or is_digest


def _read_record(folder: Path) -> BuiltEnvironment | None:
    try:
        document = json.loads(read_bounded(folder / RECORD_NAME, MAX_DOCUMENT_BYTES))
    except (OSError, ValueError):
        return None
    return built_of_document(folder, document) if isinstance(document, dict) else None


def _read_preset(name: str) -> EnvironmentSpec:
    """A built-in spec; its lock is ours and checked when it is built, not on every run."""
    path = PRESETS / f"{name}.toml"
    spec = parse_environment(tomllib.loads(path.read_text(encoding="utf-8")), name)
    lock = path.with_suffix(".lock")
    return replace(spec, lock=lock.read_text(encoding="utf-8")) if lock.exists() else spec


def _read_spec(path: Path) -> EnvironmentSpec:
    try:
        document = tomllib.loads(read_bounded(path, MAX_DOCUMENT_BYTES))
        lock_file = path.with_suffix(".lock")
        lock = read_bounded(lock_file, MAX_LOCK_BYTES) if lock_file.exists() else ""
    except FileNotFoundError:
        raise EnvironmentNotFound(f"There is no environment file {path}.", environment=str(path)) from None
    except (OSError, ValueError) as error:
        raise InvalidDocument(f"The environment {path} cannot be read: {error}.", source=str(path)) from error
    spec = parse_environment(document, str(path))
    if not lock:
        return spec
    spec = replace(spec, lock=lock)
    check_lock(spec, str(path))
    return spec


def _parse_json(path: Path) -> EnvironmentSpec:
    return parse_environment(json.loads(read_bounded(path, MAX_LOCK_BYTES + MAX_DOCUMENT_BYTES)), str(path))


def _spec_document(spec: EnvironmentSpec) -> dict[str, object]:
    document = {
        "name": spec.name,
        "python": spec.python.text,
        "packages": spec.packages,
        "from-source": spec.from_source,
        "preload": spec.preload,
        "preload-when-used": spec.preload_when_used,
        "lock": spec.lock,
    }
    return {field: value for field, value in document.items() if value is not None}
