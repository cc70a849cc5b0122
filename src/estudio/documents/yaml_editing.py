"""Changes a YAML text in place: only the characters of what changes are touched, found by their places in the tree.

Each change is checked: the new text is read again and must hold exactly the old values with the change. So a way of
writing YAML that this does not foresee ends in an error, never in a document that says something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from estudio.documents.problems import ProblemList, raise_problems
from estudio.documents.yaml_tree import (
    YamlEntry,
    YamlList,
    YamlMapping,
    YamlScalar,
    YamlValue,
    parse_yaml,
    read_text,
    value_of,
)
from estudio.documents.yaml_writing import write_lines, write_name, write_value
from estudio.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.module_kind import Value

STEP = 2
"""Blanks of one level of indentation, where the text does not show another step."""

_GAP = re.compile(r"(?:\s|#[^\n]*\n)*")


class Splice(NamedTuple):
    """Characters from `begin` to `end` of a text, and what takes their place."""

    begin: int
    end: int
    text: str


class YamlText:
    """A document's text under edit. `path` is a sequence of names from the top."""

    def __init__(self, content: bytes, file: str) -> None:
        """Raises InvalidDocument where it cannot be read."""
        self.file = file
        self.text = read_text(content, ProblemList(file))
        self.newline = "\r\n" if "\r\n" in self.text else "\n"
        self.tree = self._parsed(self.text)

    def find(self, path: Sequence[str]) -> YamlEntry | None:
        """The entry at a path."""
        found: YamlEntry | None = None
        value: YamlValue = self.tree
        for name in path:
            found = value.entries.get(name) if isinstance(value, YamlMapping) else None
            if found is None:
                return None
            value = found.value
        return found

    def set(self, path: Sequence[str], value: Value) -> None:
        """Set a field, making it and all above it where they are missing."""
        entry = self.find(path)
        if entry is not None and repr(value_of(entry.value)) == repr(value):
            return
        expected = value_of(self.tree)
        _set(expected, path, value)
        self.apply(self._setting(path, value), expected)

    def remove(self, path: Sequence[str]) -> None:
        """Remove a field where it is; what is left of its mapping stays."""
        if self.find(path) is None:
            return
        expected = value_of(self.tree)
        _at(expected, path[:-1]).pop(path[-1])
        self.apply(self.removal(path), expected)

    def remove_all(self, paths: Sequence[Sequence[str]]) -> None:
        """Remove several fields that are there, or none of them."""
        expected = value_of(self.tree)
        for path in paths:
            _at(expected, path[:-1]).pop(path[-1])
        try:
            self.apply([splice for path in paths for splice in self.removal(path)], expected)
        except InvalidDocument:  # fields beside each other: their commas overlap
            text, tree = self.text, self.tree
            try:
                for path in paths:
                    self.remove(path)
            except InvalidDocument:
                self.text, self.tree = text, tree
                raise

    def apply(self, splices: Sequence[Splice], expected: Value) -> None:
        """Change the text.

        Raises:
            InvalidDocument: the new text would not hold what is expected; nothing was changed.
        """
        text = self.text
        for splice in sorted(splices, reverse=True):
            text = text[: splice.begin] + splice.text + text[splice.end :]
        try:
            tree = self._parsed(text)
            is_as_expected = repr(value_of(tree)) == repr(expected)
        except InvalidDocument:
            is_as_expected = False
        if not is_as_expected:
            what = f"{self.file} is written in a way that cannot be changed in place here"
            raise InvalidDocument(f"{what}: make this change in an editor.", file=self.file)
        self.text, self.tree = text, tree

    def removal(self, path: Sequence[str]) -> list[Splice]:
        """What removes an entry that is there."""
        parent = self._mapping(path[:-1])
        names = list(parent.entries)
        at = names.index(path[-1])
        entry = parent.entries[path[-1]]
        if parent.flow:
            before = parent.entries[names[at - 1]] if at else None
            after = parent.entries[names[at + 1]] if at + 1 < len(names) else None
            return self._flow_removal(entry, before, after)
        if len(names) == 1 and len(path) > 1:
            above = self.find(path[:-1])
            if above is not None:
                return [*self._lines_removal(entry), Splice(above.key.end + 1, above.key.end + 1, " {}")]
        return self._lines_removal(entry)

    def _parsed(self, text: str) -> YamlMapping:
        problems = ProblemList(self.file)
        tree = parse_yaml(text, problems)
        raise_problems(problems.sorted())
        if not isinstance(tree, YamlMapping):
            raise InvalidDocument(f"{self.file} is no mapping of fields: it cannot be changed here.", file=self.file)
        return tree

    def _mapping(self, path: Sequence[str]) -> YamlMapping:
        entry = self.find(path)
        value = entry.value if entry is not None else self.tree
        if not isinstance(value, YamlMapping):
            where = ".".join(path)
            raise InvalidDocument(f"{self.file}: {where} is no mapping of fields: mend it first.", file=self.file)
        return value

    def _setting(self, path: Sequence[str], value: Value) -> list[Splice]:
        entry = self.find(path)
        if entry is not None:
            return self._replacement(entry, value, self._is_in_flow(path))
        above = self.find(path[:-1])
        if len(path) > 1 and above is None:
            return self._setting(path[:-1], {path[-1]: value})
        if above is not None and _is_empty(above.value) and not self._is_in_flow(path[:-1]):
            return self._first(above, path[-1], value)
        parent = self._mapping(path[:-1])
        if parent.flow:
            return self._flow_insertion(parent, path[-1], value)
        column = next(iter(parent.entries.values())).key.column
        return [self._insertion(self._end(parent), " " * (column - 1), {path[-1]: value})]

    def _is_in_flow(self, path: Sequence[str]) -> bool:
        parent = self.find(path[:-1])
        value = parent.value if parent is not None else self.tree
        return isinstance(value, YamlMapping) and value.flow

    def _replacement(self, entry: YamlEntry, value: Value, in_flow: bool) -> list[Splice]:
        old, indentation = entry.value, " " * (entry.key.column - 1 + self._step())
        lines = write_lines(value, indentation, self.newline) if isinstance(value, str) and not in_flow else None
        new = lines or write_value(value, in_flow=in_flow)
        end = self._end(old)
        if old.begin == end:
            return [Splice(end, end, f" {new}")]
        if isinstance(old, YamlScalar) or old.flow:
            ending = self.newline if self.text[end - 1 : end] == "\n" else ""
            return [Splice(old.begin, end, new + ending)]
        removed = Splice(self._line_begin(old.begin), self._line_end(end), "")
        return [Splice(entry.key.end + 1, entry.key.end + 1, f" {new}"), removed]

    def _first(self, above: YamlEntry, name: str, value: Value) -> list[Splice]:
        """The first entry of an empty mapping, on a line of its own."""
        begin = above.value.begin
        while begin > above.key.end + 1 and self.text[begin - 1] in " \t":
            begin -= 1
        gone = [Splice(begin, above.value.end, "")] if above.value.end > begin else []
        indentation = " " * (above.key.column - 1 + self._step())
        return [*gone, self._insertion(above.value.end, indentation, {name: value})]

    def _insertion(self, end: int, indentation: str, fields: dict[str, Value]) -> Splice:
        """New lines after the line in which `end` lies."""
        at = self._line_end(end)
        lines = "".join(self._line(indentation, name, value) for name, value in fields.items())
        if at and self.text[at - 1] != "\n":
            lines = self.newline + lines.removesuffix(self.newline)
        return Splice(at, at, lines)

    def _line(self, indentation: str, name: str, value: Value) -> str:
        deeper = indentation + " " * self._step()
        begin = f"{indentation}{write_name(name)}:"
        if isinstance(value, dict) and value and not _is_flat(value):
            return begin + self.newline + "".join(self._line(deeper, *item) for item in value.items())
        lines = write_lines(value, deeper, self.newline) if isinstance(value, str) else None
        return f"{begin} {lines or write_value(value)}{self.newline}"

    def _flow_insertion(self, parent: YamlMapping, name: str, value: Value) -> list[Splice]:
        written = f"{write_name(name)}: {write_value(value, in_flow=True)}"
        if not parent.entries:
            return [Splice(parent.begin + 1, parent.end - 1, written)]
        last = list(parent.entries.values())[-1].value
        return [Splice(last.end, last.end, f", {written}")]

    def _flow_removal(self, entry: YamlEntry, before: YamlEntry | None, after: YamlEntry | None) -> list[Splice]:
        begin, end = entry.key.begin, max(entry.value.end, entry.key.end)
        if before is not None:
            comma = self._comma(max(before.value.end, before.key.end))
            blanks = self.text[comma + 1 : begin]
            if blanks.strip(" ") == "":
                return [Splice(comma, end, "")]
            if after is not None:
                return [Splice(begin, self._comma(end) + 1, "")]
            return [Splice(comma, comma + 1, ""), Splice(begin, end, "")]
        if after is None:
            return [Splice(begin, end, "")]
        comma = self._comma(end)
        between = self.text[comma + 1 : after.key.begin]
        return [Splice(begin, after.key.begin if between.strip(" ") == "" else comma + 1, "")]

    def _comma(self, after: int) -> int:
        gap = _GAP.match(self.text, after)
        return gap.end() if gap is not None else after

    def _lines_removal(self, entry: YamlEntry) -> list[Splice]:
        begin = self._line_begin(entry.key.begin)
        end = self._line_end(max(self._end(entry.value), entry.key.end))
        return [Splice(begin, end, "")]

    def _end(self, value: YamlValue) -> int:
        """Where a value ends, without the blank lines and comments behind it."""
        if isinstance(value, YamlList | YamlMapping) and not value.flow:
            last = value.items[-1] if isinstance(value, YamlList) else list(value.entries.values())[-1].value
            return self._end(last)
        if isinstance(value, YamlScalar) and value.is_block:
            written = self.text[value.begin : value.end]
            keeps = "+" in written.split("\n", 1)[0].split("#")[0]
            return value.end if keeps else value.begin + len(written.rstrip())
        return value.end

    def _line_begin(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Behind the line end of the line in which the character before `at` lies."""
        if at and self.text[at - 1] == "\n":
            return at
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _step(self) -> int:
        """Blanks of one level, as the first indented mapping shows them."""
        for entry in self.tree.entries.values():
            if isinstance(entry.value, YamlMapping) and not entry.value.flow:
                return max(1, entry.value.column - entry.key.column)
        return STEP


def _is_empty(value: YamlValue) -> bool:
    if isinstance(value, YamlMapping):
        return not value.entries
    return isinstance(value, YamlScalar) and value.value is None


def _is_flat(value: dict[str, Value]) -> bool:
    """Whether a mapping is short enough for one line: an experiment's parameter, no module."""
    return "kind" not in value and not any(isinstance(item, dict) for item in value.values())


def _at(value: Value, path: Sequence[str]) -> dict[str, Value]:
    for name in path:
        if not isinstance(value, dict):
            break
        value = value[name]
    if not isinstance(value, dict):
        raise InvalidDocument(f"{'.'.join(path)} is no mapping of fields: mend it first.")
    return value


def _set(value: Value, path: Sequence[str], new: Value) -> None:
    for name in path[:-1]:
        if not isinstance(value, dict):
            break
        if value.get(name) is None:
            value[name] = {}
        value = value[name]
    if not isinstance(value, dict):
        raise InvalidDocument(f"{'.'.join(path[:-1])} is no mapping of fields: mend it first.")
    value[path[-1]] = new
