"""Environments for people: listed, shown, built, removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


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


def list_environments() -> tuple[EnvironmentSummary, ...]:
    """All environments that are known here."""
    raise NotImplementedError


def show_environment(name_or_file: str) -> EnvironmentSummary:
    """One environment."""
    raise NotImplementedError


def build_environment(name_or_file: str, on_progress: Callable[[str], None]) -> EnvironmentSummary:
    """Build one environment."""
    raise NotImplementedError


def remove_environment(name_or_digest: str) -> EnvironmentSummary:
    """Remove one environment."""
    raise NotImplementedError
