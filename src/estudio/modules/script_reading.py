"""What a script declares and what it is, found without running it.

Both are remembered by the text: plans look at the same scripts again and again.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from blake3 import blake3

from estudio.core.calling import MAX_TABLES, MIN_PORTS
from estudio.core.module_kind import InputPort, PortType
from estudio.documents.script_digest import script_digest_text
from estudio.documents.script_signature import find_signature
from estudio.errors import InvalidScript

if TYPE_CHECKING:
    from estudio.core.module_kind import Parameter
    from estudio.modules.inputs import ScriptSource

REMEMBERED = 512
"""Scripts; an experiment of 2 000 modules has fewer."""


@functools.lru_cache(maxsize=REMEMBERED)
def declared(source: ScriptSource, *, python2: bool) -> tuple[tuple[InputPort, ...], tuple[Parameter, ...]]:
    """The table ports beyond the first two, and the parameters.

    Raises:
        InvalidScript: it has no `azureml_main`, or one that takes what cannot be given.
    """
    signature = find_signature(source.text, source.name, python2=python2)
    count = len(signature.tables)
    if count > MAX_TABLES:
        raise InvalidScript(
            f"The script {source.name} takes {count} tables; a script takes at most {MAX_TABLES}. "
            "Join some of them first.",
            path=source.name,
            tables=count,
        )
    ports = (
        InputPort(
            f"dataset{number}",
            PortType.TABLE,
            f"the argument {signature.tables[number - 1]}",
            optional=True,
        )
        for number in range(MIN_PORTS + 1, count + 1)
    )
    return tuple(ports), signature.parameters


@functools.lru_cache(maxsize=REMEMBERED)
def script_digest(source: ScriptSource) -> str:
    """A digest that comments and formatting do not change."""
    return blake3(script_digest_text(source.text)).hexdigest()
