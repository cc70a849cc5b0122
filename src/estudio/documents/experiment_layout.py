"""`NAME.layout.json`: where the modules of an experiment stand on the canvas, apart from its logic.

It is no part of an experiment: without it, or with modules missing in it, everything runs, and a canvas finds places.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.core.parameter_values import shown
from estudio.documents.problems import ProblemCode, ProblemList, raise_problems
from estudio.documents.replacing_files import replace_file
from estudio.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LAYOUT_VERSION = 1
"""The `estudio` field of a layout file."""
LAYOUT_SUFFIX = ".layout.json"
MAX_LAYOUT_BYTES = 8 * 1024 * 1024
"""Some 100 bytes for each of the modules that an experiment may have, four times."""
MAX_COORDINATE = 1_000_000.0
"""Pixels from the origin: beyond, browsers draw inexactly."""

_FIELDS = ("estudio", "modules")


@dataclass(frozen=True, slots=True)
class Position:
    """A module's upper left corner in pixels, y downwards."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class ExperimentLayout:
    """Positions by module name; a module may have none, and a position no module."""

    positions: Mapping[str, Position] = field(default_factory=dict)
    content: bytes | None = None
    """The file as it was read; None where there is none yet."""


def read_layout(path: Path, file: str | None = None) -> ExperimentLayout:
    """Read a layout file; a missing one is an empty layout.

    Raises:
        InvalidDocument: broken, too large, or of a later version.
    """
    name = file or str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_LAYOUT_BYTES + 1)
    except FileNotFoundError:
        return ExperimentLayout()
    except OSError as error:
        what = f"The layout {name} cannot be read ({error.strerror}): check its permissions."
        raise InvalidDocument(what, file=name) from error
    return ExperimentLayout(parse_layout(content, name), content)


def parse_layout(content: bytes, file: str) -> dict[str, Position]:
    """The positions in a layout file's bytes.

    Raises:
        InvalidDocument: broken, too large, or of a later version.
    """
    problems = ProblemList(file)
    document = _loaded(content, problems)
    version = document.get("estudio")
    if type(version) is not int or version < 1:
        words = f"the layout does not say its version: write 'estudio': {LAYOUT_VERSION}"
        problems.add((1, 1), ProblemCode.VERSION, words)
    elif version > LAYOUT_VERSION:
        words = f"the layout is of version {shown(version)}; this estudio reads up to {LAYOUT_VERSION}: update estudio"
        problems.add((1, 1), ProblemCode.VERSION, words)
        raise_problems(problems.found)
    for name in document:
        if name not in _FIELDS:
            words = f"a layout has no field {shown(name)}: it has {' and '.join(_FIELDS)}"
            problems.add((1, 1), ProblemCode.UNKNOWN_FIELD, words)
    modules = document.get("modules", {})
    if not isinstance(modules, dict):
        problems.add((1, 1), ProblemCode.WRONG_TYPE, "modules is no object of positions by module")
        modules = {}
    found = {name: _position(name, value, problems) for name, value in modules.items()}
    raise_problems(problems.sorted())
    return {name: position for name, position in found.items() if position is not None}


def write_layout(path: Path, layout: ExperimentLayout, positions: Mapping[str, Position]) -> bool:
    """Write other positions in place of a layout that was read; returns whether anything was written.

    Raises:
        InvalidDocument: the file changed since it was read.
        OutputFailed: it cannot be written.
    """
    return replace_file(path, layout_content(positions), layout.content)


def layout_content(positions: Mapping[str, Position]) -> bytes:
    """The one form of a layout: sorted, a line for each module, whole numbers without a point."""
    lines = [
        f"    {json.dumps(name, ensure_ascii=False)}: "
        f'{{"x": {_written(positions[name].x)}, "y": {_written(positions[name].y)}}}'
        for name in sorted(positions)
    ]
    body = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
    return f'{{\n  "estudio": {LAYOUT_VERSION},\n  "modules": {body}\n}}\n'.encode()


def _loaded(content: bytes, problems: ProblemList) -> dict[str, object]:
    document: object = None
    place = (1, 1)
    if len(content) > MAX_LAYOUT_BYTES:
        words = f"the layout has more than {MAX_LAYOUT_BYTES} bytes"
        problems.add(place, ProblemCode.TOO_MUCH, f"{words}: delete it, a new one is made")
    else:
        try:
            document = json.loads(content.decode("utf-8"))
        except json.JSONDecodeError as error:
            place = (error.lineno, error.colno)
            problems.add(place, ProblemCode.SYNTAX, f"the layout is no JSON ({error.msg}): mend it, or delete it")
        except (ValueError, RecursionError):
            problems.add(place, ProblemCode.SYNTAX, "the layout is no JSON in UTF-8: mend it, or delete it")
        else:
            if not isinstance(document, dict):
                problems.add(place, ProblemCode.WRONG_TYPE, "the layout is no object: mend it, or delete it")
    raise_problems(problems.found)
    return document if isinstance(document, dict) else {}


def _position(name: str, value: object, problems: ProblemList) -> Position | None:
    numbers = [value.get("x"), value.get("y")] if isinstance(value, dict) and value.keys() == {"x", "y"} else []
    found = [
        float(number)
        for number in numbers
        if isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= MAX_COORDINATE
    ]
    if len(found) != 2:
        rule = f"write {{'x': 0, 'y': 0}} with numbers up to {MAX_COORDINATE:.0f}"
        problems.add((1, 1), ProblemCode.WRONG_TYPE, f"the position of {shown(name)} is none: {rule}")
        return None
    return Position(found[0], found[1])


def _written(number: float) -> str:
    bounded = max(-MAX_COORDINATE, min(MAX_COORDINATE, number)) if math.isfinite(number) else 0.0
    rounded = round(bounded, 2)
    return str(int(rounded)) if rounded == int(rounded) else repr(rounded)
