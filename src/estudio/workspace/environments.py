"""Environments for people: listed, shown, built, removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estudio.environments.builder import BuiltEnvironment


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment as people see it. `folder` and `size_bytes` are None where it is not built."""

    name: str
    digest: str
    python: str
    packages: tuple[tuple[str, str], ...]
    folder: Path | None
    size_bytes: int | None
    source: str
