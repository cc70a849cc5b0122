"""What the old Studio's own interface spoke of: datasets, uploads and experiments of one workspace, under old ids."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from estudio.workspace.blobs import WorkspaceBlobs
from estudio.workspace.studio_datasets import StudioDatasets
from estudio.workspace.studio_experiments import StudioExperiments
from estudio.workspace.studio_uploads import Uploads

if TYPE_CHECKING:
    from estudio.workspace.code_services import StudioPublisher
    from estudio.workspace.open import WorkspaceParts
    from estudio.workspace.studio_services import StudioServices
    from estudio.workspace.workspace import Workspace

UPLOADS_NAME = "uploads"
"""Below the state folder."""


class StudioObjects:
    """The objects of one workspace, for old clients. Any thread may use it.

    Attributes:
        workspace_id: 32 hexadecimal digits, part of every id.
        name: the workspace's, for people.
    """

    def __init__(self, workspace_id: str, workspace: Workspace, parts: WorkspaceParts) -> None:
        self.workspace_id = workspace_id
        self.name = workspace.folder.name
        self._workspace = workspace
        self._parts = parts

    @cached_property
    def uploads(self) -> Uploads:
        """Files on their way in."""
        return Uploads(self._workspace.folder.state / UPLOADS_NAME)

    @cached_property
    def datasets(self) -> StudioDatasets:
        """Datasets."""
        return StudioDatasets(self.workspace_id, self._workspace.datasets, self.uploads)

    @cached_property
    def experiments(self) -> StudioExperiments:
        """Experiments and what their ports gave."""
        return StudioExperiments(self.workspace_id, self._workspace)

    @cached_property
    def services(self) -> StudioServices:
        """Web services, endpoints and keys."""
        from estudio.workspace.studio_services import StudioServices  # noqa: PLC0415 - imports the engine

        return StudioServices(self._parts, self._workspace.services)

    @cached_property
    def publisher(self) -> StudioPublisher:
        """Publishes functions and experiments."""
        from estudio.workspace.code_services import StudioPublisher  # noqa: PLC0415 - the same

        return StudioPublisher(self._parts, self._workspace.experiment)

    @cached_property
    def blobs(self) -> WorkspaceBlobs:
        """Uploads of jobs, and the key that signs addresses of files."""
        return WorkspaceBlobs(self._workspace.folder)
