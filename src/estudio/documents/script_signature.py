"""What a script's `azureml_main` takes, found without running it: tables, and parameters that a document can set.

Keyword-only arguments are parameters. On Python 2, which has none, positional ones with a literal default after the
first two are; on Python 3 those are further tables.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from estudio.core.counted_words import counted
from estudio.documents.script_definitions import Definition, find_definition, find_header
from estudio.documents.script_parameters import parameter_of
from estudio.documents.script_text import parse_script, read_script_text, words_of
from estudio.errors import InvalidScript

if TYPE_CHECKING:
    from estudio.core.module_kind import Parameter

ENTRY_POINT = "azureml_main"
MAX_TABLES = 64
"""Positional arguments: each becomes a port, and people connect them by hand."""
MAX_PARAMETERS = 500
"""Keyword-only arguments; people set them by hand."""

_HIDDEN = re.compile(rf"\b{ENTRY_POINT}\b|import\s+\*|\bexec\b|\bglobals\b")
"""What may define it where no definition is seen."""
_TWO_PORTS = 2
Argument: TypeAlias = tuple[ast.arg, ast.expr | None]


@dataclass(frozen=True, slots=True)
class ScriptSignature:
    """What `azureml_main` takes.

    Attributes:
        tables: the names of its positional arguments, in order.
        required_tables: how many of them have no default.
        any_tables: whether it takes any number of tables (`*args`).
        parameters: what can be set by name.
        line: where it is defined, counted from 1; None where that is unknown.
        is_known: False where only running the script tells what it takes: `azureml_main` is imported or made by other
            code. Then there are no tables and parameters here.
    """

    tables: tuple[str, ...] = ()
    required_tables: int = 0
    any_tables: bool = False
    parameters: tuple[Parameter, ...] = ()
    line: int | None = None
    is_known: bool = True


UNKNOWN = ScriptSignature(any_tables=True, is_known=False)
"""Of a script that does not tell."""


def find_signature(content: bytes, name: str, *, python2: bool = False) -> ScriptSignature:
    """Read what a script's `azureml_main` takes.

    Args:
        content: the script's file, in any encoding.
        name: its file, for messages.
        python2: whether its environment has Python 2.

    Raises:
        InvalidScript: there is no `azureml_main`, its arguments cannot be read, or one of them cannot be a parameter;
            the message names the line.
    """
    text, _ = read_script_text(content)
    tree = parse_script(text)
    found = find_definition(tree, ENTRY_POINT, python2=python2) if tree else find_header(text, ENTRY_POINT, name)
    if found is None and not _HIDDEN.search("".join(word.text for word in words_of(text) if word.kind != "comment")):
        what = f"The script {name} defines no function {ENTRY_POINT}"
        raise InvalidScript(f"{what}: write def {ENTRY_POINT}(dataframe1=None, dataframe2=None).", path=name)
    if found is None or found.arguments is None:
        return UNKNOWN
    return _signature(found, found.arguments, text, name, python2)


def _signature(found: Definition, arguments: ast.arguments, text: str, name: str, python2: bool) -> ScriptSignature:
    positional = _positional(arguments)
    named: list[Argument] = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    if python2:
        positional, after = _split_python2(positional, found, name)
        named += after
    if len(positional) > MAX_TABLES or len(named) > MAX_PARAMETERS:
        what = f"takes {counted(len(positional), 'table')} and {counted(len(named), 'parameter')}"
        raise _invalid(name, found.line, f"{what}; at most {MAX_TABLES} and {MAX_PARAMETERS} are allowed")
    lines = text.split("\n")
    return ScriptSignature(
        tuple(argument.arg for argument, _ in positional),
        sum(default is None for _, default in positional),
        arguments.vararg is not None,
        tuple(parameter_of(argument, default, found, lines, name) for argument, default in named),
        found.line,
    )


def _positional(arguments: ast.arguments) -> list[Argument]:
    every = [*arguments.posonlyargs, *arguments.args]
    without = [None] * (len(every) - len(arguments.defaults))
    return list(zip(every, [*without, *arguments.defaults], strict=True))


def _split_python2(positional: list[Argument], found: Definition, name: str) -> tuple[list[Argument], list[Argument]]:
    """Tables, and what can be set by name: arguments after the first two whose default is a value, not None."""
    tables, named = positional[:_TWO_PORTS], []
    for argument, default in positional[_TWO_PORTS:]:
        is_table = default is None or (isinstance(default, ast.Constant) and default.value is None)
        if not is_table:
            named.append((argument, default))
        elif named:
            what = f"takes the table {argument.arg} after the parameter {named[0][0].arg}: write tables first"
            raise _invalid(name, found.line, what)
        else:
            tables.append((argument, default))
    return tables, named


def _invalid(name: str, line: int, what: str) -> InvalidScript:
    return InvalidScript(f"The script {name}, line {line}: {ENTRY_POINT} {what}.", path=name, line=line)
