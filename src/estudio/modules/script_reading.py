"""What a script declares, found without running it: further table ports, and parameters."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass

from blake3 import blake3

from estudio.core.module_kind import Parameter, ParameterType


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """How many tables a script takes by position, its parameters, and a digest without comments and formatting."""

    tables: int
    parameters: tuple[Parameter, ...]
    digest: str


_TYPES = {
    bool: ParameterType.BOOLEAN,
    int: ParameterType.INTEGER,
    float: ParameterType.NUMBER,
    str: ParameterType.STRING,
}


@functools.lru_cache(maxsize=512)
def script_facts(text: bytes) -> ScriptFacts:
    """Read a script."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ScriptFacts(2, (), blake3(text).hexdigest())
    digest = blake3(ast.dump(tree).encode("utf-8", "replace")).hexdigest()
    for statement in reversed(tree.body):
        if isinstance(statement, ast.FunctionDef) and statement.name == "azureml_main":
            arguments = statement.args
            parameters = tuple(
                _parameter(argument.arg, default)
                for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            )
            return ScriptFacts(len(arguments.posonlyargs) + len(arguments.args), parameters, digest)
    return ScriptFacts(2, (), digest)


def _parameter(name: str, default: ast.expr | None) -> Parameter:
    value = default.value if isinstance(default, ast.Constant) else None
    if not isinstance(value, bool | int | float | str):
        return Parameter(name, ParameterType.STRING, required=default is None)
    return Parameter(name, _TYPES[type(value)], default=value)
