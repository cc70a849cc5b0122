"""YAML text → a tree of values, each with its place; the strict and small part of YAML that documents use.

The scanner is libyaml's, but nothing of PyYAML decides what a value means: `no`, `on` and `2024-01-01` are text here,
as in YAML 1.2, and so are numbers with leading zeros. Anchors, tags and directives are refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import yaml

from estudio.documents.problems import ProblemCode, ProblemList, raise_problems
from estudio.documents.yaml_words import words_of_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.core.module_kind import Value

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""Some 100 000 modules, or the largest table that anyone types into a document."""
MAX_DEPTH = 12
"""Documents are five levels deep; libyaml and readers of the tree stay far from their limits."""
MAX_VALUES = 1_000_000
"""Scalars, lists and mappings: forty for each of the modules that a document may have; they take some 200 MB."""
MAX_KEY_CHARACTERS = 1_000
"""A field's name; also what libyaml allows for a plain one."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,99})", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_BLOCK_STYLES = frozenset({"|", ">"})
_NUMBER_BEGINS = frozenset("+-.0123456789")
_FORBIDDEN = re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)")


class YamlScalar(NamedTuple):
    """One value. `begin` and `end` are offsets in the text, line and column count from 1."""

    text: str
    plain: bool
    begin: int
    end: int
    line: int
    column: int
    is_block: bool = False
    """Written after `|` or `>`: then `end` is the beginning of a later line."""

    @property
    def place(self) -> tuple[int, int]:
        """Line and column."""
        return self.line, self.column

    @property
    def value(self) -> Value:
        """What it means: quoted text is text, plain text may be a number, a boolean or nothing."""
        return plain_value(self.text) if self.plain else self.text


class YamlList(NamedTuple):
    """A list; `flow` says that it is written in brackets. Without brackets, `end` is that of its last value."""

    items: list[YamlValue]
    flow: bool
    begin: int
    end: int
    line: int
    column: int

    @property
    def place(self) -> tuple[int, int]:
        """Line and column."""
        return self.line, self.column


class YamlEntry(NamedTuple):
    """A name and its value in a mapping."""

    key: YamlScalar
    value: YamlValue


class YamlMapping(NamedTuple):
    """A mapping; every name is text, whatever it looks like. Without braces, `end` is that of its last value."""

    entries: dict[str, YamlEntry]
    flow: bool
    begin: int
    end: int
    line: int
    column: int

    @property
    def place(self) -> tuple[int, int]:
        """Line and column."""
        return self.line, self.column


YamlValue: TypeAlias = YamlScalar | YamlList | YamlMapping


def plain_value(text: str) -> Value:
    """What unquoted text means (YAML 1.2, without octal and hexadecimal numbers, infinity and not-a-number)."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] in _NUMBER_BEGINS:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def value_of(tree: YamlValue) -> Value:
    """A tree without places. Its depth is bounded by the reader."""
    if isinstance(tree, YamlScalar):
        return tree.value
    if isinstance(tree, YamlList):
        return [value_of(item) for item in tree.items]
    return {name: value_of(entry.value) for name, entry in tree.entries.items()}


def read_text(content: bytes, problems: ProblemList) -> str:
    """The text of a document.

    Raises:
        InvalidDocument: too large, no UTF-8, or characters that editors and YAML count as different lines.
    """
    text, line = "", 1
    if len(content) > MAX_DOCUMENT_BYTES:
        size = f"{len(content) / 1024 / 1024:.1f} MiB"
        rule = f"at most {MAX_DOCUMENT_BYTES // 1024 // 1024} MiB are allowed: keep tables in files of their own"
        problems.add((1, 1), ProblemCode.TOO_MUCH, f"the document has {size}; {rule}")
    elif content.startswith(b"\xef\xbb\xbf"):
        what = "the document begins with a byte order mark (BOM)"
        problems.add((1, 1), ProblemCode.SYNTAX, f"{what}: save it as plain UTF-8, without BOM")
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.add((1, 1), ProblemCode.SYNTAX, "the document is UTF-16: save it as UTF-8")
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            what = f"the byte 0x{content[error.start]:02x} is no UTF-8"
            problems.add((line, 1), ProblemCode.SYNTAX, f"{what}: save the document as UTF-8")
    raise_problems(problems.found)
    _check_characters(text, problems)
    return text


def _check_characters(text: str, problems: ProblemList) -> None:
    wrong = _FORBIDDEN.search(text)
    if wrong is None:
        return
    place = text.count("\n", 0, wrong.start()) + 1, wrong.start() - text.rfind("\n", 0, wrong.start())
    if wrong[0] == "\r":
        what = "a carriage return without line feed (an old Mac's line end): end lines with LF or CRLF"
    else:
        mend = "remove it, or write it in double quotes as"
        what = f"the invisible character U+{ord(wrong[0]):04X}: {mend} \\u{ord(wrong[0]):04x}"
    problems.add(place, ProblemCode.SYNTAX, f"the document holds {what}")
    raise_problems(problems.found)


def parse_yaml(text: str, problems: ProblemList) -> YamlValue | None:
    """The tree of a document that `read_text` gave; None for an empty one.

    Names that occur twice are noted in `problems`; the last one counts.

    Raises:
        InvalidDocument: no YAML, or more than documents use.
    """
    composer = _Composer(problems)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        place, words = words_of_error(error, text)
        problems.add(place, ProblemCode.SYNTAX, words)
        raise_problems(problems.sorted())
    except yaml.YAMLError as error:
        problems.add((1, 1), ProblemCode.SYNTAX, f"the document is no YAML: {error}")
        raise_problems(problems.sorted())
    return composer.root


class _Composer:
    """Builds the tree from libyaml's events."""

    def __init__(self, problems: ProblemList) -> None:
        self.problems = problems
        self.root: YamlValue | None = None
        self.open: list[_Open] = []
        self.count = 0
        self.documents = 0

    def take(self, event: yaml.Event) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._check(event)
            begin, end = event.start_mark, event.end_mark
            plain = event.style in {None, ""} and event.implicit[0]
            place = begin.index, end.index, begin.line + 1, begin.column + 1
            self._put(YamlScalar(event.value, plain, *place, event.style in _BLOCK_STYLES))
        elif kind in {yaml.MappingStartEvent, yaml.SequenceStartEvent}:
            self._check(event)
            self.open.append(_Open(event))
            if len(self.open) > MAX_DEPTH:
                self._refuse(event, f"values lie in each other more than {MAX_DEPTH} deep: documents are flatter")
        elif kind in {yaml.MappingEndEvent, yaml.SequenceEndEvent}:
            self._put(self.open.pop().closed(event))
        elif kind is yaml.AliasEvent:
            self._refuse(event, f"'*{event.anchor}' repeats another place, which documents do not use: write it out")
        elif kind is yaml.DocumentStartEvent:
            self.documents += 1
            if self.documents > 1:
                self._refuse(event, "'---' begins a second document: one file holds one")
            if event.version or event.tags:
                self._refuse(event, "a '%' directive, which documents do not use: remove it")

    def _check(self, event: yaml.Event) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            self._refuse(event, f"there are more than {MAX_VALUES} values: keep tables in files of their own")
        if event.anchor is not None:
            self._refuse(event, f"'&{event.anchor}' names a place to repeat, which documents do not use: remove it")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:80]
            self._refuse(event, f"the tag '{tag}', which documents do not use: remove it")

    def _refuse(self, event: yaml.Event, words: str) -> None:
        place = event.start_mark.line + 1, event.start_mark.column + 1
        self.problems.add(place, ProblemCode.SYNTAX, words)
        raise_problems(self.problems.sorted())

    def _put(self, value: YamlValue) -> None:
        if not self.open:
            self.root = value
            return
        top = self.open[-1]
        if top.items is not None:
            top.items.append(value)
        elif top.key is not None:
            top.entries[top.key.text] = YamlEntry(top.key, value)
            top.key = None
        else:
            top.key = self._key(value, top)

    def _key(self, value: YamlValue, top: _Open) -> YamlScalar:
        if not isinstance(value, YamlScalar):
            self.problems.add(value.place, ProblemCode.SYNTAX, "a list or mapping stands as a field's name: use text")
            return YamlScalar("", False, value.begin, value.end, *value.place)
        if len(value.text) > MAX_KEY_CHARACTERS:
            words = f"a field's name has {len(value.text)} characters; at most {MAX_KEY_CHARACTERS} are allowed"
            self.problems.add(value.place, ProblemCode.TOO_MUCH, words)
        earlier = top.entries.get(value.text)
        if earlier is not None:
            words = f"{value.text!r} stands here for the second time, first in line {earlier.key.line}"
            self.problems.add(value.place, ProblemCode.DUPLICATE, f"{words}: keep one of them")
        return value


class _Open:
    """A list or mapping whose end has not come."""

    __slots__ = ("entries", "event", "items", "key")

    def __init__(self, event: yaml.Event) -> None:
        self.event = event
        self.items: list[YamlValue] | None = [] if type(event) is yaml.SequenceStartEvent else None
        self.entries: dict[str, YamlEntry] = {}
        self.key: YamlScalar | None = None

    def closed(self, end: yaml.Event) -> YamlValue:
        begin, flow = self.event.start_mark, bool(self.event.flow_style)
        place = begin.index, self._end(end, flow), begin.line + 1, begin.column + 1
        if self.items is not None:
            return YamlList(self.items, flow, *place)
        return YamlMapping(self.entries, flow, *place)

    def _end(self, end: yaml.Event, flow: bool) -> int:
        if flow:
            return int(end.end_mark.index)
        values: Iterator[YamlValue] = iter(self.items or [entry.value for entry in self.entries.values()])
        return max((value.end for value in values), default=int(self.event.start_mark.index))
