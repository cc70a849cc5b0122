"""Where a script defines a function at its top level: the definition that counts when the script has run.

Conditions on Python's version and on `__name__` are decided; of other branches the later one is taken, of a `try` its
body. Nothing is executed.
"""

from __future__ import annotations

import ast
import bisect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.documents.script_text import Word, parse_script, words_of
from estudio.errors import InvalidScript

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OLD_NUMBER = re.compile(r"(0+)(\d+)[lL]?|(\w+?)[lL]")
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition: its arguments (None where they cannot be known), the line of its name, its docstring.

    `offset` is what to add to the lines inside `arguments`.
    """

    arguments: ast.arguments | None
    line: int
    docstring: str = ""
    offset: int = 0


def find_definition(tree: ast.Module, name: str, *, python2: bool) -> Definition | None:
    """The last top-level definition of a name, also below if, try, with and loops."""
    known = _Names(python2)
    known.walk(tree.body)
    return known.found.get(name)


def find_header(text: str, name: str, file: str) -> Definition | None:
    """The same for a source that cannot be parsed: only the header of the last `def NAME(…)` is.

    Raises:
        InvalidScript: that header cannot be parsed either.
    """
    words = [word for word in words_of(text) if word.kind != "comment"]
    said = [at for at, word in enumerate(words) if word.kind != "space"]
    found: tuple[int, str] | None = None
    for here, before in zip(said, [None, *said], strict=False):
        if words[here].text == "def" and _is_header(words, said, here, name):
            line = words[before] if before is not None else None
            indentation = line.text.lstrip("\n") if line else ""
            if line is None or line.kind == "line" or line.text == "async":
                found = found if found and indentation and not found[1] else (here, indentation)
    return None if found is None else _parsed_header(text, words, found[0], name, file)


def _is_header(words: Sequence[Word], said: Sequence[int], here: int, name: str) -> bool:
    at = bisect.bisect_left(said, here)
    return [words[place].text for place in said[at + 1 : at + 3]] == [name, "("]


def _parsed_header(text: str, words: Sequence[Word], at: int, name: str, file: str) -> Definition:
    line = text.count("\n", 0, words[at].begin) + 1
    depth, pieces = 0, []
    for word in words[at:]:
        depth += (word.text in _OPEN) - (word.text in _CLOSE)
        pieces.append(_renewed(word))
        if word.text in _CLOSE and depth == 0:
            break
    tree = parse_script("".join(pieces) + ": pass")
    if tree is None or not isinstance(tree.body[0], ast.FunctionDef):
        what = f"The script {file}, line {line}: the arguments of {name} cannot be read"
        raise InvalidScript(f"{what}; write e.g. (dataframe1=None, dataframe2=None).", path=file, line=line)
    return Definition(tree.body[0].args, line, offset=line - 1)


def _renewed(word: Word) -> str:
    """A word of Python 2 as Python 3 writes it: `017`, `10L`, `ur''`."""
    if word.kind == "text" and word.text[:2].lower() == "ur":
        return word.text[1:]
    match = _OLD_NUMBER.fullmatch(word.text) if word.kind == "number" else None
    if match is None or match[2] == "0":
        return word.text
    return match[3] or f"0o{match[2]}"


class _Names:
    """What the top level of a script binds, as far as it can be seen."""

    def __init__(self, python2: bool) -> None:
        self.found: dict[str, Definition] = {}
        self._version = (2, 7) if python2 else (3, 99)

    def walk(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._take(statement)

    def _take(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            words = ast.get_docstring(statement) or ""
            self.found[statement.name] = Definition(statement.args, statement.lineno, words)
        elif isinstance(statement, ast.ClassDef):
            self.found[statement.name] = Definition(None, statement.lineno)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            self._assign(statement)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                self.found[bound] = Definition(None, statement.lineno)
        else:
            self._enter(statement)

    def _enter(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.If):
            decided = _decided(statement.test, self._version)
            self.walk(statement.body if decided is not False else ())
            self.walk(statement.orelse if decided is not True else ())
        elif isinstance(statement, ast.Try):
            self.walk([*statement.body, *statement.orelse])
            tried = dict(self.found)
            for handler in statement.handlers:
                self.walk(handler.body)
            self.found.update(tried)
            self.walk(statement.finalbody)
        elif isinstance(statement, ast.With | ast.For | ast.While):
            self.walk(statement.body)

    def _assign(self, statement: ast.Assign | ast.AnnAssign) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if not isinstance(target, ast.Name):
                continue
            value = statement.value
            if isinstance(value, ast.Lambda):
                self.found[target.id] = Definition(value.args, statement.lineno)
            elif isinstance(value, ast.Name) and value.id in self.found:
                self.found[target.id] = self.found[value.id]
            elif value is not None:
                self.found[target.id] = Definition(None, statement.lineno)


def _decided(test: ast.expr, version: tuple[int, int]) -> bool | None:
    """Whether a condition holds when a script is imported; None where only running tells."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, operator, right = ast.unparse(test.left), test.ops[0], test.comparators[0]
    if left == "__name__" and isinstance(right, ast.Constant) and right.value == "__main__":
        return {ast.Eq: False, ast.NotEq: True}.get(type(operator))
    try:
        given = ast.literal_eval(right)
    except ValueError:
        return None
    if left in {"sys.version_info[0]", "sys.version_info.major"} and isinstance(given, int):
        return _compared((version[0],), operator, (given,))
    if left in {"sys.version_info", "sys.version_info[:2]"} and isinstance(given, tuple) and given[:1]:
        return _compared(version, operator, given) if given[0] != version[0] or len(given) == 1 else None
    return None


def _compared(version: tuple[int, ...], operator: ast.cmpop, given: tuple[int, ...]) -> bool | None:
    answers = {
        ast.Eq: version == given,
        ast.NotEq: version != given,
        ast.Lt: version < given,
        ast.LtE: version <= given,
        ast.Gt: version > given,
        ast.GtE: version >= given,
    }
    return answers.get(type(operator))
