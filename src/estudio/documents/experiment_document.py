"""An experiment document as it stands in its file: its tree with places, and what needs no module kinds to be read.

It may still be wrong where that needs the kinds: `experiment_checking` finds that out, and makes the `Experiment`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from estudio.core.experiment import DOCUMENT_VERSION
from estudio.core.parameter_values import shown
from estudio.documents.experiment_parameters import read_parameters
from estudio.documents.names import near_field
from estudio.documents.problems import Problem, ProblemCode, ProblemList, raise_problems
from estudio.documents.yaml_tree import (
    MAX_DOCUMENT_BYTES,
    YamlList,
    YamlMapping,
    YamlScalar,
    YamlValue,
    parse_yaml,
    read_text,
)
from estudio.errors import ExperimentNotFound, InvalidDocument, InvalidUsage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from estudio.core.module_kind import Parameter

DOCUMENT_FIELDS = ("estudio", "name", "description", "parameters", "modules")
"""Of the whole document, in the order in which they are written."""
MAX_MODULES = 20_000
"""Ten times the largest experiment that anyone drew; a plan of so many still fits in memory easily."""
MAX_NAME_CHARACTERS = 200
"""Of an experiment's name for people: one line."""

_NAME_RULE = "names are letters, digits, '_' and '-', at most 100"
_MODULE_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ExperimentDocument:
    """A document that is sound YAML.

    Attributes:
        file: its path relative to the workspace, for messages.
        text: all of it.
        tree: with places.
        name: for people; the file's stem where the document says none.
        modules: the entries below `modules:` that are mappings.
        problems: what is wrong without looking at module kinds.
    """

    file: str
    text: str
    tree: YamlMapping
    name: str
    description: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    modules: Mapping[str, YamlMapping] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def module_names(self) -> Collection[str]:
        """The names of all modules, also of those that are wrong."""
        entry = self.tree.entries.get("modules")
        return entry.value.entries.keys() if entry and isinstance(entry.value, YamlMapping) else ()

    def place_of(self, *path: str) -> tuple[int, int]:
        """Line and column of a field's name, e.g. `place_of("modules", "rank", "script")`.

        Where it is not written, those of the nearest field above it.
        """
        place = self.tree.place
        value: YamlValue = self.tree
        for name in path:
            entry = value.entries.get(name) if isinstance(value, YamlMapping) else None
            if entry is None:
                break
            place, value = entry.key.place, entry.value
        return place


def check_module_name(name: str) -> None:
    """See that a module can have a name.

    Raises:
        InvalidUsage: it cannot.
    """
    if not _MODULE_NAME.fullmatch(name):
        raise InvalidUsage(f"A module cannot be called {shown(name)}: {_NAME_RULE}.", module=name)


def read_experiment_document(path: Path, file: str | None = None) -> ExperimentDocument:
    """Read a document from its file.

    Args:
        path: where it lies.
        file: its name in messages; the path itself where none is given.

    Raises:
        ExperimentNotFound: there is no such file.
        InvalidDocument: it cannot be read, or is no YAML that documents use.
    """
    name = file or str(path)
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError as error:
        raise ExperimentNotFound(f"There is no experiment document {name}: check its name.", file=name) from error
    except OSError as error:
        what = f"The experiment document {name} cannot be read ({error.strerror}): check its permissions."
        raise InvalidDocument(what, file=name) from error
    return parse_experiment_document(content, name)


def parse_experiment_document(content: bytes, file: str) -> ExperimentDocument:
    """Read a document from its bytes; see `read_experiment_document`.

    Raises:
        InvalidDocument: no YAML that documents use, empty, or no mapping at its top.
    """
    problems = ProblemList(file)
    text = read_text(content, problems)
    tree = parse_yaml(text, problems)
    if tree is None or (isinstance(tree, YamlScalar) and tree.plain and tree.value is None):
        rule = f"begin it with 'estudio: {DOCUMENT_VERSION}', 'name: …' and 'modules:'"
        problems.add((1, 1), ProblemCode.SYNTAX, f"the document is empty: {rule}")
    elif not isinstance(tree, YamlMapping):
        problems.add(tree.place, ProblemCode.WRONG_TYPE, f"the document is no mapping: write fields, {_fields()}")
    if isinstance(tree, YamlMapping):
        return _document(file, text, tree, problems)
    raise_problems(problems.sorted())
    raise AssertionError(file)


def _document(file: str, text: str, tree: YamlMapping, problems: ProblemList) -> ExperimentDocument:
    if not _is_of_this_version(tree, problems):
        raise_problems(problems.sorted())
    for name, entry in tree.entries.items():
        if name not in DOCUMENT_FIELDS:
            hint = near_field(name, DOCUMENT_FIELDS)
            problems.add(entry.key.place, ProblemCode.UNKNOWN_FIELD, f"a document has no field {shown(name)}.{hint}")
    name = read_string(tree, "name", problems) or PurePosixPath(file).stem
    if len(name) > MAX_NAME_CHARACTERS or "\n" in name:
        words = f"name is {shown(name)}: write one line of at most {MAX_NAME_CHARACTERS} characters"
        problems.add(tree.entries["name"].value.place, ProblemCode.OUT_OF_RANGE, words)
    description = read_string(tree, "description", problems)
    parameters = read_parameters(tree.entries.get("parameters"), problems)
    modules = _modules(tree, problems)
    return ExperimentDocument(file, text, tree, name, description, parameters, modules, problems.sorted())


def _is_of_this_version(tree: YamlMapping, problems: ProblemList) -> bool:
    """Of another version nothing else can be judged."""
    entry = tree.entries.get("estudio")
    if entry is None:
        words = f"the document does not say its version: write 'estudio: {DOCUMENT_VERSION}' as its first line"
        problems.add(tree.place, ProblemCode.VERSION, words)
        return True
    version = entry.value.value if isinstance(entry.value, YamlScalar) else None
    place = entry.value.place
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        words = f"estudio is no version of a document: write 'estudio: {DOCUMENT_VERSION}'"
        problems.add(place, ProblemCode.VERSION, words)
    elif version > DOCUMENT_VERSION:
        words = f"the document is of version {shown(version)}; this estudio reads up to {DOCUMENT_VERSION}"
        problems.add(place, ProblemCode.VERSION, f"{words}: update estudio")
        return False
    return True


def read_string(tree: YamlMapping, name: str, problems: ProblemList) -> str:
    """A text field that may be missing or empty; a number counts as the text it is written as."""
    entry = tree.entries.get(name)
    if entry is None:
        return ""
    if isinstance(entry.value, YamlScalar):
        return "" if entry.value.value is None else entry.value.text
    what = "a list" if isinstance(entry.value, YamlList) else "a mapping"
    problems.add(entry.value.place, ProblemCode.WRONG_TYPE, f"{name} is {what}: write text")
    return ""


def _modules(tree: YamlMapping, problems: ProblemList) -> dict[str, YamlMapping]:
    entry = tree.entries.get("modules")
    if entry is None:
        problems.add(tree.place, ProblemCode.MISSING_FIELD, "the document has no field 'modules': write 'modules: {}'")
        return {}
    if isinstance(entry.value, YamlScalar) and entry.value.value is None:
        return {}
    if not isinstance(entry.value, YamlMapping):
        words = "modules is no mapping: write each module's name with its fields, e.g. 'diabetes: {kind: dataset, …}'"
        problems.add(entry.value.place, ProblemCode.WRONG_TYPE, words)
        return {}
    if len(entry.value.entries) > MAX_MODULES:
        words = f"the experiment has {len(entry.value.entries)} modules; at most {MAX_MODULES} are allowed: split it"
        problems.add(entry.key.place, ProblemCode.TOO_MUCH, words)
        return {}
    found = {}
    for name, module in entry.value.entries.items():
        if not _MODULE_NAME.fullmatch(name):
            words = f"a module has the name {shown(name)}: {_NAME_RULE}"
            problems.add(module.key.place, ProblemCode.WRONG_NAME, words)
        if isinstance(module.value, YamlMapping):
            found[name] = module.value
        else:
            words = f"the module {shown(name)} has no fields: write at least 'kind: …' below it"
            problems.add(module.key.place, ProblemCode.WRONG_TYPE, words)
    return found


def _fields() -> str:
    return ", ".join(f"'{name}:'" for name in DOCUMENT_FIELDS)
