"""All module kinds: their descriptions, and them at work.

A kind is one file in `modules/kinds`, found by listing that folder; nothing else names it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

from estudio.modules import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import ModuleKind
    from estudio.modules.behaviour import Behaviour
    from estudio.modules.kind_parts import KindParts


class KindFile(Protocol):
    """What a file of `modules/kinds` has."""

    @property
    def KIND(self) -> ModuleKind:  # noqa: N802 -- a constant of the file
        """Its description."""
        ...

    def behaviour(self, parts: KindParts) -> Behaviour:
        """The kind at work, with what it needs from outside."""
        ...


def module_kinds() -> Mapping[str, ModuleKind]:
    """The palette: every kind by name."""
    return {name: file.KIND for name, file in _files().items()}


def behaviours(parts: KindParts) -> Mapping[str, Behaviour]:
    """Every kind at work, by name."""
    return {name: file.behaviour(parts) for name, file in _files().items()}


@functools.cache
def _files() -> Mapping[str, KindFile]:
    names = sorted(found.name for found in pkgutil.iter_modules(kinds.__path__))
    files = [cast("KindFile", importlib.import_module(f"{kinds.__name__}.{name}")) for name in names]
    return {file.KIND.name: file for file in files}
