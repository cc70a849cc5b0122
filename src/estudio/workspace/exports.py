"""An experiment as one file: a zip that is a workspace of its own, or the graph as JSON.

The JSON says what the YAML document says, with links in place; it is for programs, and nothing reads it back.
"""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from estudio.core.experiment import DOCUMENT_VERSION
from estudio.documents.workspace_settings import SETTINGS_FILE
from estudio.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from estudio.core.experiment import Experiment, Module
    from estudio.core.module_kind import Parameter

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The same files make the same zip, whenever it is made."""
COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ExportedExperiment:
    """A file that was written, how many files are in it, and its size."""

    path: Path
    files: int
    size_bytes: int


class NotedFiles:
    """Opens files and folders of a workspace, and remembers which were asked for."""

    def __init__(self, find: Callable[[str], Path]) -> None:
        self._find = find
        self.found: dict[str, Path] = {}

    def __call__(self, path: str) -> Path:
        """Where it lies. Raises InvalidInput."""
        self.found[path] = self._find(path)
        return self.found[path]


def write_zip(target: Path, root: Path, found: Mapping[str, Path]) -> ExportedExperiment:
    """Write these files and folders of a workspace as a zip, whole or not at all. Raises OutputFailed."""
    names = {SETTINGS_FILE: root / SETTINGS_FILE}
    for name, path in found.items():
        names |= dict(_files_of(name, path))
    with _written(target) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with names[name].open("rb") as source, archive.open(entry, "w", force_zip64=True) as copy:
                while part := source.read(COPY_BYTES):
                    copy.write(part)
    return ExportedExperiment(target, len(names), target.stat().st_size)


def write_json(target: Path, experiment: Experiment) -> ExportedExperiment:
    """Write the graph, whole or not at all. Raises OutputFailed."""
    with _written(target) as stream:
        stream.write(json.dumps(experiment_json(experiment), indent=2, ensure_ascii=False).encode() + b"\n")
    return ExportedExperiment(target, 1, target.stat().st_size)


def experiment_json(experiment: Experiment) -> dict[str, Any]:
    """The graph as the document says it."""
    return {
        "estudio": DOCUMENT_VERSION,
        "name": experiment.name,
        "description": experiment.description,
        "parameters": {name: _parameter(parameter) for name, parameter in experiment.parameters.items()},
        "modules": {name: _module(module) for name, module in experiment.modules.items()},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {"type": parameter.type.value, "default": parameter.default, "words": parameter.words}


def _module(module: Module) -> dict[str, Any]:
    return {
        "kind": module.kind,
        "comment": module.comment,
        "deterministic": module.deterministic,
        "settings": dict(module.settings),
        "parameters": dict(module.parameters),
        "connections": {port: str(source) for port, source in module.connections.items()},
    }


def _files_of(name: str, path: Path) -> Iterable[tuple[str, Path]]:
    if not path.is_dir():
        return [(name, path)]
    inner = (found for found in path.rglob("*") if found.is_file() and "__pycache__" not in found.parts)
    return [(f"{name.rstrip('/')}/{found.relative_to(path).as_posix()}", found) for found in inner]


@contextmanager
def _written(target: Path) -> Iterator[BinaryIO]:
    """A file beside the target that takes its place when it is complete."""
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as stream:
            yield stream
        os.replace(beside, target)  # noqa: PTH105 - the same, and it says what it does
    except OSError as error:
        raise OutputFailed(f"{target} cannot be written: {error.strerror or error}.", path=str(target)) from error
    finally:
        beside.unlink(missing_ok=True)
