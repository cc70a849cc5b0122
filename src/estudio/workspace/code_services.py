"""Publishing a function that the old client library sends: its files are written, then published like any experiment.

A function has no design-time data, so a sample made of its types stands in; whether it runs on that is no matter.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from estudio.errors import ServiceNotFound, StateConflict
from estudio.workspace.code_service_files import OUTPUT, write_code_service
from estudio.workspace.publishing import Publisher, PublishOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.tables.table import Table
    from estudio.workspace.code_bundle import CodeBundle
    from estudio.workspace.experiments import WorkspaceExperiment
    from estudio.workspace.open import WorkspaceParts
    from estudio.workspace.publishing import PublishedVersion


class StudioPublisher:
    """Publishes for old clients: keys of new services are kept wrapped for the management key that asks.

    Args:
        parts: of the workspace.
        experiment: finds an experiment by its name.
    """

    def __init__(self, parts: WorkspaceParts, experiment: Callable[[str], WorkspaceExperiment]) -> None:
        self._parts = parts
        self._experiment = experiment
        self._one_at_a_time = threading.Lock()

    def publish_code(self, service_id: str, bundle: CodeBundle, token: str) -> PublishedVersion:
        """Publish a function as a new service of that id, or as its next version.

        Raises:
            InvalidInput: nothing here runs its language, or it defines no `azureml_main`.
            OutputFailed: its files cannot be written.
            EnvironmentFailed, SandboxUnavailable, StoreFailed: ours.
        """
        with self._one_at_a_time:
            return self._publish_code(service_id, bundle, token)

    def _publish_code(self, service_id: str, bundle: CodeBundle, token: str) -> PublishedVersion:
        services = self._parts.services.list_services()
        mine = next((each for each in services if each.id == service_id), None)
        files = write_code_service(
            self._parts.folder, service_id, bundle, [each.name for each in services if each.id != service_id]
        )
        options = PublishOptions(
            name=files.name if mine is None else mine.name,
            service_id=service_id,
            declared={OUTPUT: _declared(bundle)},
            force=True,
            management_token=token,
        )
        return Publisher(self._parts).publish(self._experiment(files.name), options)

    def publish_experiment(self, name: str, token: str, *, update: bool) -> PublishedVersion:
        """Publish an experiment as the service of its name.

        Raises:
            StateConflict: there is a service already, and it is not to be updated.
            InvalidInput: it cannot be published, or does not run.
        """
        experiment = self._experiment(name)
        published = self.find_published(name)
        if published is not None and not update:
            raise StateConflict(
                f"The experiment {name} is the web service {published} already. Ask with "
                "updateExistingWebService=true for a new version.",
                service=published,
            )
        with self._one_at_a_time:
            options = PublishOptions(name=published, management_token=token)
            return Publisher(self._parts).publish(experiment, options)

    def find_published(self, experiment: str) -> str | None:
        """The name of the service that an experiment was published as last; None where it was not."""
        services = self._parts.services
        for service in services.list_services():
            try:
                if services.get_version(service.id, service.current).experiment == experiment:
                    return service.name
            except ServiceNotFound:
                continue
        return None


def _declared(bundle: CodeBundle) -> Table:
    """A table with the columns that the bundle's description of results names."""
    import pyarrow as pa  # noqa: PLC0415 - only where something is published

    from estudio.tables.conversion import convert_columns  # noqa: PLC0415 - needs Arrow
    from estudio.tables.table import Table  # noqa: PLC0415

    texts = {column.name: pa.array([column.sample], pa.large_string()) for column in bundle.results}
    return Table.from_arrow(convert_columns(pa.table(texts), {column.name: column.type for column in bundle.results}))
