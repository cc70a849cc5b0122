"""Remembers which interpreter satisfied a requirement, so that a run of a script starts no process to look for it.

A record counts only while the executable is the same file as when it was asked; a broken or lost one is made again.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from estudio.environments.interpreters import (
    Interpreter,
    facts_of_interpreter,
    find_interpreter,
    interpreter_of_facts,
    running_interpreter,
    running_version,
)

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.python_requirement import PythonRequirement

RECORDS_VERSION = 1
MAX_RECORDS_BYTES = 1024 * 1024
"""A record has some 500 bytes; more is no file of ours."""


class InterpreterRecords:
    """A JSON file of requirements and the interpreters that were found for them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self, requirement: PythonRequirement) -> Interpreter | None:
        """The interpreter that satisfied a requirement before and still does; starts no process."""
        record = self._read().get(_key(requirement))
        if not isinstance(record, dict):
            return None
        facts = record.get("facts")
        interpreter = interpreter_of_facts(facts) if isinstance(facts, dict) else None
        if interpreter is None or record.get("identity") != _identity(interpreter.path):
            return None
        return interpreter if requirement.allows(interpreter.version) else None

    def find(self, requirement: PythonRequirement) -> Interpreter:
        """The interpreter for a requirement, looked for where it is not remembered.

        Raises:
            InterpreterNotFound: none satisfies.
        """
        known = self.recall(requirement)
        if known is not None:
            return known
        found = find_interpreter(requirement)
        record = {"facts": facts_of_interpreter(found), "identity": _identity(found.path)}
        records = {**self._read(), _key(requirement): record}
        write_atomically(self._path, json.dumps({"version": RECORDS_VERSION, "records": records}, indent=1))
        return found

    def _read(self) -> dict[str, object]:
        try:
            document = json.loads(read_bounded(self._path, MAX_RECORDS_BYTES))
        except (OSError, ValueError):
            return {}
        if not isinstance(document, dict) or document.get("version") != RECORDS_VERSION:
            return {}
        records = document.get("records")
        return records if isinstance(records, dict) else {}


def read_bounded(path: Path, most_bytes: int) -> str:
    """A text file of at most so many bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger, or no UTF-8.
    """
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"more than {most_bytes} bytes")
    return content.decode()


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that others see all of it or nothing, also after a crash.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _key(requirement: PythonRequirement) -> str:
    """Two installations of estudio on two Pythons prefer each their own."""
    running = running_interpreter()
    if running is not None and requirement.allows(running_version()):
        return f"{requirement.text} beside {running}"
    return requirement.text


def _identity(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]
