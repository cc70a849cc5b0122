"""The files of a published function: an experiment document, a script and a bundle that a person can read and edit.

What a person has edited since is never written over: the files then get another name. A record beside the script says
what was written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.documents.new_documents import new_document
from estudio.documents.replacing_files import replace_file
from estudio.errors import InvalidInput, OutputFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from estudio.core.module_kind import Value
    from estudio.workspace.code_bundle import CodeBundle
    from estudio.workspace.folder import WorkspaceFolder

FOLDER = "code-services"
RECORD = "published.json"
INPUT, OUTPUT = "input1", "output1"
"""What the client calls them."""
PYTHON_27 = "python-2.7-64"
ENVIRONMENT = """\
# What functions see that are published from Python 2.7 by the azureml client library. Edit it as you need: estudio does
# not write it again. The client's own part needs numpy, pandas and requests.
python = "2.7"
packages = [
    "numpy==1.16.6",
    "pandas==0.24.2",
    "requests==2.27.1",
    "scipy==1.2.3",
    "scikit-learn==0.20.4",
    "matplotlib==2.2.5",
]
"""
"""The last releases for Python 2.7."""
MAX_NAME_CHARACTERS = 60
"""Of a service's 64: room for a number at its end."""
MAX_NUMBERED = 1_000
_HEAD = """\
# -*- coding: utf-8 -*-
# Published as a web service by the azureml client library; its own code comes first, then the function.
"""
_TAIL = """

# What follows was added when this was published: the result's columns are called as the service says.
_published_main = azureml_main


def azureml_main(df1=None, df2=None):
    import pandas

    if df1 is None or not len(df1.columns):
        df1 = pandas.DataFrame(index=[0])  # a function without arguments: one call, one row
    frame = _published_main(df1, df2)
    if isinstance(frame, (tuple, list)) and frame:
        frame = frame[0]
    names = {names}
    if isinstance(frame, pandas.DataFrame) and len(frame.columns) == len(names):
        if set(frame.columns) != set(names):
            frame.columns = names
    return frame
"""


@dataclass(frozen=True, slots=True)
class CodeServiceFiles:
    """Where they are, relative to the workspace; `name` is the experiment's, and of a new service."""

    name: str
    experiment: str


def write_code_service(
    folder: WorkspaceFolder, service_id: str, bundle: CodeBundle, taken: Iterable[str]
) -> CodeServiceFiles:
    """Write the files of a function, over what was written for the same service and not edited since.

    Args:
        folder: the workspace's.
        service_id: 32 hexadecimal digits.
        bundle: what is published.
        taken: names of other web services.

    Raises:
        InvalidInput: nothing here runs the language.
        OutputFailed: a file cannot be written.
    """
    environment = _environment(folder, bundle.language)
    names = set(taken)
    for name in _names(bundle.name):
        place = folder.root / FOLDER / name
        experiment = f"experiments/{name}.yaml"
        if name in names or not _is_free(folder, place, experiment, service_id):
            continue
        files = _files(name, experiment, environment, bundle)
        _write(folder, place, files, service_id)
        return CodeServiceFiles(name, experiment)
    raise InvalidInput(f"{MAX_NUMBERED} web services are called like {bundle.name[:80]!r}; choose another name.")


def slug_of(name: str) -> str:
    """A name for people in the letters that addresses and files may have."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_NAME_CHARACTERS].rstrip("-") or "function"


def _names(name: str) -> Iterable[str]:
    slug = slug_of(name)
    return itertools.chain([slug], (f"{slug}-{number}" for number in range(2, MAX_NUMBERED)))


def _environment(folder: WorkspaceFolder, language: str) -> str:
    """The environment file of a language, which is written where it is the client's and nobody has one yet."""
    path = f"environments/{language}.toml"
    place = folder.root / path
    if place.is_file():
        return path
    if language != PYTHON_27:
        what = "R is not run here" if language.upper().startswith("R") else f"nothing here runs {language}"
        raise InvalidInput(
            f"The Language {language} cannot be published: {what}. {PYTHON_27} can, and any Python for which the "
            "workspace has an environment file environments/LANGUAGE.toml.",
            language=language,
        )
    _put(place, ENVIRONMENT.encode())
    return path


def _is_free(folder: WorkspaceFolder, place: Path, experiment: str, service_id: str) -> bool:
    """Whether nothing is there, or just what was written for this service."""
    if not place.exists():
        return not (folder.root / experiment).exists()
    try:
        record = json.loads((place / RECORD).read_text(encoding="utf-8"))
        return bool(record["service"] == service_id) and all(
            not (folder.root / path).exists() or _digest((folder.root / path).read_bytes()) == digest
            for path, digest in record["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _files(name: str, experiment: str, environment: str, bundle: CodeBundle) -> dict[str, bytes]:
    """By path; the experiment's document is the last."""
    script, zipped = f"{FOLDER}/{name}/script.py", f"{FOLDER}/{name}/bundle.zip"
    sample: dict[str, Value] = {"kind": "enter-data", "data": _sample_text(bundle)}
    if bundle.arguments:
        sample["columns"] = {column.name: column.type for column in bundle.arguments}
    code: dict[str, Value] = {
        "kind": "execute-python-script",
        "script": script,
        "environment": environment,
        "dataset1": INPUT,
    }
    modules: dict[str, Mapping[str, Value]] = {
        "sample": sample,
        INPUT: {"kind": "web-service-input", "name": INPUT, "default": "sample"},
    }
    files: dict[str, bytes] = {}
    if bundle.files:
        files[zipped] = bundle.files
        modules["bundle"] = {"kind": "script-bundle", "path": zipped}
        code["bundle"] = "bundle"
    modules["function"] = code
    modules[OUTPUT] = {"kind": "web-service-output", "name": OUTPUT, "dataset": "function"}
    names = "[" + ", ".join(f"u{json.dumps(column.name)}" for column in bundle.results) + "]"
    files[script] = (_HEAD + bundle.source + _TAIL.replace("{names}", names)).encode()
    files[experiment] = new_document(bundle.name, modules).encode()
    return files


def _sample_text(bundle: CodeBundle) -> str:
    """Names and one row of samples as CSV; nothing where there are no arguments."""
    if not bundle.arguments:
        return "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow([column.name for column in bundle.arguments])
    writer.writerow([column.sample for column in bundle.arguments])
    return text.getvalue()


def _write(folder: WorkspaceFolder, place: Path, files: Mapping[str, bytes], service_id: str) -> None:
    """The record first: who is killed in between has files that are not the record's, and they are left alone."""
    record = {"service": service_id, "files": {path: _digest(content) for path, content in files.items()}}
    _put(place / RECORD, (json.dumps(record, indent=2) + "\n").encode())
    for path, content in files.items():
        _put(folder.root / path, content)


def _put(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content, path.read_bytes() if path.exists() else None)
    except OSError as error:
        raise OutputFailed(f"{path} cannot be written: {error.strerror or error}.", path=str(path)) from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
