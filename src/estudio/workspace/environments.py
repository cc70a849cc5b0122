"""Environments for people: listed, shown, built, removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.workspace.open import open_environments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from estudio.core.environment import EnvironmentSpec
    from estudio.environments.builder import EnvironmentStore
    from estudio.environments.built import BuiltEnvironment


@dataclass(frozen=True, slots=True)
class EnvironmentSummary:
    """An environment as people see it. `digest` is "", `folder` and `size_bytes` are None where it is not built.

    `packages` are names and versions once it is built, names and what was asked of them before.
    """

    name: str
    digest: str
    python: str
    packages: tuple[tuple[str, str], ...]
    folder: Path | None
    size_bytes: int | None
    source: str


def list_environments() -> tuple[EnvironmentSummary, ...]:
    """The built-in environments and all that are built, by name."""
    store = open_environments()
    built = [summary_of(environment) for environment in store.list()]
    names = {summary.name for summary in built}
    waiting = [_summary(store, store.resolve(name)) for name in store.built_in_names() if name not in names]
    return tuple(sorted([*built, *waiting], key=lambda summary: (summary.name, summary.digest)))


def show_environment(name_or_file: str | Path) -> EnvironmentSummary:
    """One environment, built or not. Raises EnvironmentNotFound, InvalidDocument."""
    store = open_environments()
    return _summary(store, store.resolve(name_or_file))


def build_environment(name_or_file: str | Path, on_progress: Callable[[str], None] | None = None) -> EnvironmentSummary:
    """Build an environment unless it is built already. Raises EnvironmentFailed, InvalidDocument."""
    store = open_environments()
    return summary_of(store.ensure(store.resolve(name_or_file), on_progress))


def remove_environment(name_or_digest: str) -> tuple[EnvironmentSummary, ...]:
    """Remove what was built under a name or a digest. Raises EnvironmentNotFound."""
    return tuple(summary_of(environment) for environment in open_environments().remove(name_or_digest))


def summary_of(built: BuiltEnvironment) -> EnvironmentSummary:
    """A built environment as people see it."""
    return EnvironmentSummary(
        built.name,
        built.digest,
        built.version_text,
        tuple(built.packages.items()),
        built.folder,
        built.size_bytes,
        "built-in" if built.name in open_environments().built_in_names() else "custom",
    )


def _summary(store: EnvironmentStore, spec: EnvironmentSpec) -> EnvironmentSummary:
    built = store.find(spec)
    if built is not None:
        return summary_of(built)
    source = "built-in" if spec.name in store.built_in_names() else "custom"
    return EnvironmentSummary(
        spec.name, "", str(spec.python), tuple((requirement, "") for requirement in spec.packages), None, None, source
    )
