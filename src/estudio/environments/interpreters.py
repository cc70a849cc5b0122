"""Finds an installed CPython, 2.7 to 3.14, for a requirement such as `3.12` or `>=3.11`.

Candidates are asked for their version by running them, never judged by their name: a pyenv shim called `python3.10` may
be any version or none at all. What they answered is remembered by `interpreter_records` until the file changes.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.python_requirement import PythonRequirement, Version, parse_python_requirement
from estudio.environments import interpreter_places
from estudio.environments.processes import clean_variables, run_quietly
from estudio.errors import InterpreterNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK_SECONDS = 10.0
"""A cold interpreter on a slow disk answers in two; one that hangs is skipped."""
NEWEST, OLDEST = (3, 14), (2, 7)
"""What the guest is written for."""

_QUESTION = """
import json, os, sys, platform
try:
    from importlib.machinery import EXTENSION_SUFFIXES as suffixes
except ImportError:
    suffixes = ['cp%d%d%s' % (sys.version_info[0], sys.version_info[1], 'mu' if sys.maxunicode > 65535 else 'm')]
import sysconfig
print(json.dumps({
    'executable': sys.executable, 'version': list(sys.version_info[:3]), 'release': sys.version_info[3],
    'implementation': platform.python_implementation().lower(),
    'prefix': getattr(sys, 'real_prefix', getattr(sys, 'base_prefix', sys.prefix)),
    'standard_library': os.path.dirname(os.path.realpath(os.__file__)),
    'abi': suffixes[0], 'machine': platform.machine(),
    'library': os.path.join(sysconfig.get_config_var('LIBDIR') or '', sysconfig.get_config_var('INSTSONAME') or '')
    if sysconfig.get_config_var('Py_ENABLE_SHARED') else '',
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that is installed, never one inside a virtual environment.

    Attributes:
        path: the executable itself, links resolved.
        version: three numbers.
        prefix: the folder it was installed to, e.g. `/usr`.
        implementation: `cpython`.
        standard_library: the folder of its own Python modules.
        abi: what its compiled modules are called, with the machine: what a wheel must fit.
        library: its shared library where it has one, links not resolved.
    """

    path: Path
    version: Version
    prefix: Path
    implementation: str
    standard_library: Path
    abi: str
    library: Path | None

    @property
    def series(self) -> str:
        """The first two numbers, e.g. `3.12`."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def version_text(self) -> str:
        """All three numbers, e.g. `3.12.1`."""
        return ".".join(map(str, self.version))


def find_interpreter(requirement: str | PythonRequirement) -> Interpreter:
    """Find the interpreter for a requirement.

    The Python that runs estudio comes first where it satisfies; then, by version from the newest down, those on PATH,
    of pyenv, in the system's folders, and those that uv knows of. Nothing is downloaded.

    Raises:
        InterpreterNotFound: none satisfies; the message names what is installed.
        InvalidDocument: no requirement at all.
    """
    if isinstance(requirement, str):
        requirement = parse_python_requirement(requirement, "given here")
    asked: set[Path] = set()
    for place in _places(requirement):
        interpreter = _ask_once(place, asked)
        if interpreter is not None and requirement.allows(interpreter.version):
            return interpreter
    raise _not_found(requirement)


def ask_interpreter(place: Path) -> Interpreter | None:
    """Run an executable and ask what it is; `None` where it is no CPython that we can use, or does not answer."""
    for _ in range(3):  # a shim, then the Python behind it, then that of the virtual environment
        facts = _ask(place)
        if facts is None:
            return None
        real = Path(os.path.realpath(str(facts["executable"])))
        if real == place:
            return interpreter_of_facts(facts)
        place = real
    return None


def interpreter_of_facts(facts: dict[str, object]) -> Interpreter | None:
    """The answer of an interpreter as a value; `None` where it is not one that we can use."""
    numbers = facts.get("version")
    if not isinstance(numbers, list) or len(numbers) != 3 or facts.get("release") != "final":
        return None
    version = (int(numbers[0]), int(numbers[1]), int(numbers[2]))
    if facts.get("implementation") != "cpython" or not OLDEST <= version[:2] <= NEWEST:
        return None
    return Interpreter(
        Path(str(facts["executable"])),
        version,
        Path(str(facts["prefix"])),
        "cpython",
        Path(str(facts["standard_library"])),
        f"{facts['abi']}-{facts['machine']}",
        Path(str(facts["library"])) if facts.get("library") else None,
    )


def facts_of_interpreter(interpreter: Interpreter) -> dict[str, object]:
    """The opposite of `interpreter_of_facts`, for a JSON file."""
    abi, _, machine = interpreter.abi.rpartition("-")
    return {
        "executable": str(interpreter.path),
        "version": list(interpreter.version),
        "release": "final",
        "implementation": interpreter.implementation,
        "prefix": str(interpreter.prefix),
        "standard_library": str(interpreter.standard_library),
        "abi": abi,
        "machine": machine,
        "library": str(interpreter.library or ""),
    }


def running_interpreter() -> Path | None:
    """The executable of the Python that runs estudio, outside of any virtual environment."""
    executable = getattr(sys, "_base_executable", None) or sys.executable
    return Path(os.path.realpath(executable)) if executable else None


def running_version() -> Version:
    """The version of the Python that runs estudio."""
    return (sys.version_info.major, sys.version_info.minor, sys.version_info.micro)


def _places(requirement: PythonRequirement) -> Iterator[Path]:
    running = running_interpreter()
    if running is not None and requirement.allows(running_version()):
        yield running
    for series in possible_series(requirement):
        yield from interpreter_places.executables_of_series(*series)
    yield from interpreter_places.executables_known_to_uv(requirement.text)


def possible_series(requirement: PythonRequirement) -> list[tuple[int, int]]:
    """The series (3.14, 3.13, …, 2.7) of which some version may satisfy a requirement, newest first."""
    all_series = [(3, minor) for minor in range(NEWEST[1], -1, -1)] + [OLDEST]
    return [series for series in all_series if any(requirement.allows((*series, patch)) for patch in range(100))]


def _ask_once(place: Path, asked: set[Path]) -> Interpreter | None:
    real = Path(os.path.realpath(place))
    if real in asked:
        return None
    asked.add(real)
    return ask_interpreter(place)


def _ask(place: Path) -> dict[str, object] | None:
    answer = run_quietly([str(place), "-E", "-s", "-S", "-c", _QUESTION], clean_variables(), ASK_SECONDS)
    if answer is None:
        return None
    try:
        facts = json.loads(answer)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and isinstance(facts.get("executable"), str) else None


def _not_found(requirement: PythonRequirement) -> InterpreterNotFound:
    listed = ", ".join(_installed_versions()) or "none"
    names_one = requirement.exact and possible_series(requirement)
    wanted = requirement.clauses[0].version if names_one else running_version()[:2]
    version = ".".join(map(str, wanted))
    tool = f"`pyenv install {version}`" if wanted < (3, 8) else f"`uv python install {version}`"
    way = f"Install one, e.g. with {tool}, or ask for another version."
    if requirement.exact and not names_one:
        way = "Pythons from 2.7 to 3.14 are supported: ask for one of those."
    message = f"No Python that satisfies {requirement.text!r} is installed; installed are {listed}. {way}"
    return InterpreterNotFound(message, requirement=requirement.text, installed=listed)


def _installed_versions() -> list[str]:
    asked: set[Path] = set()
    everything = parse_python_requirement(">=2.7", "given here")
    found = (_ask_once(place, asked) for place in _places(everything))
    versions = {interpreter.version: interpreter.version_text for interpreter in found if interpreter is not None}
    return [versions[version] for version in sorted(versions, reverse=True)]
