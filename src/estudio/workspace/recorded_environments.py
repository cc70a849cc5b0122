"""Environments as a version recorded them: by their lock, whatever stands under their name today.

One that is gone is built again from its lock; where it had none, from the versions that were installed.
"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from estudio.core.environment import EnvironmentSpec, parse_environment
from estudio.errors import EnvironmentFailed, EnvironmentNotFound, InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estudio.environments.builder import EnvironmentStore
    from estudio.environments.built import BuiltEnvironment

_OF_RECORD = ("digest", "versions")
_INTERPRETER = "interpreter"


class RecordedEnvironments:
    """The environments of one version by the names that its modules use. Any thread may call it.

    Args:
        store: where environments are built.
        records: what was recorded of each, as `EnvironmentStore.record` gives it.
        on_progress: told in words how building one goes on.
    """

    def __init__(
        self,
        store: EnvironmentStore,
        records: Mapping[str, str],
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._on_progress = on_progress
        self._records = {name: _Record(name, text) for name, text in records.items()}
        self._built: dict[str, BuiltEnvironment] = {}
        self._lock = threading.Lock()

    def digest(self, environment: str) -> str:
        """What it was known by when it was recorded. Raises EnvironmentNotFound."""
        return self._record(environment).digest

    def built(self, environment: str) -> BuiltEnvironment:
        """The environment, built first where it is not. Raises EnvironmentFailed."""
        record = self._record(environment)
        with self._lock:
            if environment not in self._built:
                self._built[environment] = self._find(record)
            return self._built[environment]

    def complete(self, environment: str) -> str:
        """Its record with the exact versions; it is built first where it is not. Raises EnvironmentFailed."""
        built = self.built(environment)
        record = self._record(environment)
        versions = {_INTERPRETER: built.version_text, **built.packages}
        return json.dumps({**record.document, "digest": built.digest, "versions": versions}, sort_keys=True)

    def _record(self, environment: str) -> _Record:
        if environment not in self._records:
            raise EnvironmentNotFound(
                f"The web service has no environment {environment[:80]!r}; publish it again.", environment=environment
            )
        return self._records[environment]

    def _find(self, record: _Record) -> BuiltEnvironment:
        found = self._store.find(record.spec)
        if found is not None and found.digest == record.digest and _has_versions(found, record):
            return found
        spec = record.spec if record.spec.lock or not record.packages else replace(record.spec, lock=record.lock)
        return self._store.ensure(spec, self._on_progress)


def _has_versions(built: BuiltEnvironment, record: _Record) -> bool:
    """Without a lock an environment may have been built anew since, under the same digest."""
    return not record.packages or dict(built.packages) == record.packages


class _Record:
    """What was recorded of one environment. Raises EnvironmentFailed for a record that cannot be read."""

    def __init__(self, name: str, text: str) -> None:
        try:
            document = json.loads(text)
            self.digest = str(document["digest"])
            self.packages: dict[str, str] = {
                package: str(version) for package, version in document["versions"].items() if package != _INTERPRETER
            }
            self.document = {field: value for field, value in document.items() if field not in _OF_RECORD}
            self.spec: EnvironmentSpec = parse_environment(self.document, name)
        except (ValueError, KeyError, TypeError, AttributeError, InvalidDocument) as error:
            raise EnvironmentFailed(
                f"What the web service recorded of the environment {name} cannot be read: {error}. Publish it again.",
                environment=name,
            ) from error

    @property
    def lock(self) -> str:
        """A lock made of the versions that were installed."""
        return "".join(f"{package}=={version}\n" for package, version in sorted(self.packages.items()))
