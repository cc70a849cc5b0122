"""`estudio.toml`: the settings of a workspace, beside its version, which makes a folder a workspace.

Everything but `estudio` may be missing; a command's option goes before a setting, a module's own field before both.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estudio.core.limits import Limits
from estudio.core.parameter_values import shown
from estudio.documents.names import near_field
from estudio.documents.problems import ProblemCode, ProblemList, raise_problems
from estudio.errors import InvalidDocument, InvalidWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SETTINGS_FILE = "estudio.toml"
SETTINGS_VERSION = 1
"""The `estudio` field."""
MAX_SETTINGS_BYTES = 64 * 1024
"""Some twenty fields and comments; more is another file."""
MAX_SEED = 2**32 - 1
"""The largest seed that NumPy takes."""
MAX_PARALLEL = 1_024
"""Modules at one time; more than any machine has cores for."""
MAX_BYTES = 2**62 - 1
"""As `core.limits.Limits` has it."""
MAX_NAME_CHARACTERS = 200

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SIZE = re.compile(r"(\d{1,20}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)
_HEADER = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]")
_FIELD = re.compile(r"\s*(?:([A-Za-z0-9_-]+)\s*\.\s*)?[\"']?([A-Za-z0-9_-]+)[\"']?\s*=")
_SYNTAX = re.compile(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """What `estudio.toml` says.

    Attributes:
        name: the workspace's, for people; "" for that of its folder.
        environment: of script modules that name none.
        seed: of runs that are given none.
        limits: of each script call.
        parallel_modules: how many modules run at one time; None leaves it to the machine.
        memory_bytes: what all modules that run at one time may take together; None leaves it to the machine.
    """

    name: str = ""
    environment: str = "default"
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    parallel_modules: int | None = None
    memory_bytes: int | None = None


def read_workspace_settings(path: Path, file: str = SETTINGS_FILE) -> WorkspaceSettings:
    """Read a workspace's `estudio.toml`.

    Raises:
        InvalidWorkspace: there is none, or one of a later version.
        InvalidDocument: it cannot be read; `problems` has everything that is wrong.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_SETTINGS_BYTES + 1)
    except FileNotFoundError as error:
        what = f"{path.parent} is no workspace: it has no {path.name}"
        raise InvalidWorkspace(f"{what}. Make it one with `estudio init`.", folder=str(path.parent)) from error
    except OSError as error:
        what = f"The settings {file} cannot be read ({error.strerror}): check their permissions."
        raise InvalidDocument(what, file=file) from error
    return parse_workspace_settings(content, file)


def parse_workspace_settings(content: bytes, file: str = SETTINGS_FILE) -> WorkspaceSettings:
    """Read the bytes of an `estudio.toml`; see `read_workspace_settings`."""
    problems = ProblemList(file)
    text, fields = _loaded(content, problems)
    reader = _Reader(_lines(text), problems)
    version = fields.get("estudio")
    if type(version) is int and version > SETTINGS_VERSION:
        what = f"{file} is of version {version}; this estudio reads up to {SETTINGS_VERSION}: update estudio."
        raise InvalidWorkspace(what, file=file, version=version)
    if type(version) is not int or version < 1:
        words = f"the settings do not say their version: write 'estudio = {SETTINGS_VERSION}' as the first line"
        problems.add(reader.place("", "estudio"), ProblemCode.VERSION, words)
    settings = reader.settings(fields)
    raise_problems(problems.sorted())
    return settings


class _Reader:
    """Reads fields and notes what is wrong with them."""

    def __init__(self, lines: Mapping[tuple[str, str], int], problems: ProblemList) -> None:
        self._lines = lines
        self._problems = problems
        self._values: dict[str, object] = {}

    def place(self, table: str, name: str) -> tuple[int, int]:
        """Where a field stands; its table where its own line is not seen."""
        return self._lines.get((table, name), self._lines.get(("", table), 1)), 1

    def settings(self, fields: Mapping[str, object]) -> WorkspaceSettings:
        for name, value in fields.items():
            if name in TABLES:
                self._table(name, value)
            elif name not in TOP_FIELDS:
                self._unknown("", name, [*TOP_FIELDS, *TABLES])
            elif name != "estudio":
                self._field("", name, value, TOP_FIELDS[name])
        return self._built()

    def _table(self, table: str, value: object) -> None:
        if not isinstance(value, dict):
            words = f"{table} is no table: write [{table}] on a line of its own, with its fields below"
            self._problems.add(self.place("", table), ProblemCode.WRONG_TYPE, words)
            return
        known = TABLES[table]
        for name, item in value.items():
            if name in known:
                self._field(table, name, item, known[name])
            else:
                self._unknown(table, name, list(known))

    def _field(self, table: str, name: str, value: object, setting: _Setting) -> None:
        read, wanted = setting
        found = read(value)
        if found is None:
            words = f"{name} is {shown(value)}, but it takes {wanted}"
            self._problems.add(self.place(table, name), ProblemCode.WRONG_TYPE, words)
        else:
            self._values[f"{table}.{name}"] = found

    def _unknown(self, table: str, name: str, known: list[str]) -> None:
        where = f"[{table}] has no field" if table else "there is no setting"
        words = f"{where} {shown(name)}.{near_field(name, known)}"
        self._problems.add(self.place(table, name), ProblemCode.UNKNOWN_FIELD, words)

    def _built(self) -> WorkspaceSettings:
        values = self._values
        limits = {
            LIMIT_FIELDS[name.removeprefix("limits.")]: value
            for name, value in values.items()
            if name.startswith("limits.")
        }
        named = {SETTING_FIELDS[name]: value for name, value in values.items() if name in SETTING_FIELDS}
        return replace(WorkspaceSettings(limits=replace(Limits(), **limits)), **named)  # type: ignore[arg-type]


def parse_size(value: object) -> int | None:
    """Bytes from a number or from `512M`, `4 GiB`, `1.5G`; K, M, G and T count by 1024. None for anything else."""
    if type(value) is int:
        size = value
    else:
        match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            return None
        size = int(float(match[1]) * _UNITS[match[2].upper()])
    return size if 0 < size <= MAX_BYTES else None


def _text(value: object) -> str | None:
    sound = isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARACTERS and value.isprintable()
    return str(value) if sound else None


def _whole(low: int, high: int) -> Callable[[object], int | None]:
    def read(value: object) -> int | None:
        return value if type(value) is int and low <= value <= high else None

    return read


def _seconds(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < MAX_BYTES else None  # type: ignore[arg-type, operator]


_Setting = tuple["Callable[[object], object]", str]
_SIZE_WORDS = 'a size: write e.g. "4 GiB"'
TOP_FIELDS: Mapping[str, _Setting] = {
    "estudio": (_whole(1, SETTINGS_VERSION), "the version"),
    "name": (_text, f"text: one line of at most {MAX_NAME_CHARACTERS} characters"),
}
"""Fields above all tables, with how they are read and what they take."""
TABLES: Mapping[str, Mapping[str, _Setting]] = {
    "defaults": {
        "environment": (_text, 'the name or file of an environment: write e.g. "default"'),
        "seed": (_whole(0, MAX_SEED), f"a whole number from 0 to {MAX_SEED}"),
    },
    "limits": {
        "timeout-seconds": (_seconds, "a number of seconds above 0: write e.g. 600"),
        "memory": (parse_size, _SIZE_WORDS),
        "disk": (parse_size, _SIZE_WORDS),
        "processes": (_whole(1, 1_000_000), "a whole number above 0: write e.g. 128"),
        "output": (parse_size, _SIZE_WORDS),
        "log": (parse_size, _SIZE_WORDS),
    },
    "parallel": {
        "modules": (_whole(1, MAX_PARALLEL), f"a whole number from 1 to {MAX_PARALLEL}"),
        "memory": (parse_size, _SIZE_WORDS),
    },
}
"""The same for the fields of each table."""
LIMIT_FIELDS: Mapping[str, str] = {
    "timeout-seconds": "timeout_seconds",
    "memory": "memory_bytes",
    "disk": "disk_bytes",
    "processes": "processes",
    "output": "output_bytes",
    "log": "log_bytes",
}
"""Fields of `[limits]` and the limit that each sets."""
SETTING_FIELDS: Mapping[str, str] = {
    ".name": "name",
    "defaults.environment": "environment",
    "defaults.seed": "seed",
    "parallel.modules": "parallel_modules",
    "parallel.memory": "memory_bytes",
}
"""The other fields and the attribute that each sets."""


def new_workspace_settings() -> str:
    """The text of a new workspace's `estudio.toml`: its version, and every setting in a comment."""
    return _NEW


_NEW = f"""\
# The settings of this workspace. What stands in a comment is what holds without it.
estudio = {SETTINGS_VERSION}

[defaults]
# environment = "default"   # of script modules that name none
# seed = 0                  # of whatever is random

[limits]                    # of each script call
# timeout-seconds = 600
# memory = "4 GiB"
# disk = "1 GiB"
# processes = 128
# output = "4 GiB"
# log = "16 MiB"

[parallel]
# modules = 2               # that run at one time; as many as the machine has cores
# memory = "8 GiB"          # of all of them together; as much as the machine can spare
"""


def _loaded(content: bytes, problems: ProblemList) -> tuple[str, dict[str, object]]:
    text, fields = "", {}
    if len(content) > MAX_SETTINGS_BYTES:
        problems.add(
            (1, 1), ProblemCode.TOO_MUCH, f"the settings have more than {MAX_SETTINGS_BYTES} bytes: shorten them"
        )
    else:
        try:
            text = content.decode("utf-8")
            fields = tomllib.loads(text)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            problems.add((line, 1), ProblemCode.SYNTAX, "the settings are no UTF-8: save them as UTF-8")
        except tomllib.TOMLDecodeError as error:
            said = _SYNTAX.fullmatch(str(error))
            last = text.count("\n") + 1
            place = (int(said[2]), int(said[3])) if said and said[2] else (last, 1)
            what = said[1] if said else str(error)
            problems.add(
                place, ProblemCode.SYNTAX, f"the settings are no TOML ({what}): write NAME = VALUE, texts in quotes"
            )
        except RecursionError:
            problems.add((1, 1), ProblemCode.SYNTAX, "the settings lie in each other too deep: they are flat")
    raise_problems(problems.found)
    return text, fields


def _lines(text: str) -> dict[tuple[str, str], int]:
    """The line of each (table, field), as far as they are written in the usual way."""
    found: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.match(line)
        if header is not None:
            table = header[1]
            found.setdefault(("", table), number)
            continue
        written = _FIELD.match(line)
        if written is not None:
            found.setdefault((written[1] or table, written[2]), number)
    return found
