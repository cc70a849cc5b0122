"""What an old client asks a job for: inputs and outputs as blob references, and parameters.

An upload to this server goes before everything else that a reference says, so that an old script changes only its
upload: a connection string of a storage account elsewhere may stay in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from estudio.core.job import JobFile, JobFileKind, JobRequest
from estudio.errors import JobNotFound
from estudio.server.classic import catalogue as old
from estudio.server.classic.blobs import CONTAINER, RESULTS, result_name, split_result_name
from estudio.server.classic.door import OLDEST_VERSION
from estudio.server.classic.errors import refuse
from estudio.workspace.blobs import DATASETS, INPUT_FORMATS, OUTPUT_FORMATS, chunks_of, format_of
from estudio.workspace.call_wire import parse_classic_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.service import ServiceVersion
    from estudio.server.context import ServerContext
    from estudio.services.calling import LiveEndpoint
    from estudio.workspace.blobs import WorkspaceBlobs

MAX_BODY_BYTES = 1 << 20
"""Of a job's description; its data lie elsewhere."""
MAX_TEXT_CHARACTERS = 2_048
"""Of any text in a reference."""
MAX_REFERENCES = 200
"""Inputs or outputs in one request; no service has as many."""
DEFAULT_FORMAT = "csv"
_DIALECTS = ("nh.csv", "nh.tsv")

Reference = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request as it was sent, its shape and names checked, its files not looked for yet."""

    inputs: Mapping[str, Reference] = field(default_factory=dict)
    outputs: Mapping[str, Reference] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)


def parse_batch_request(body: bytes, version: ServiceVersion, api_version: str) -> BatchRequest:
    """Read a job's description.

    Raises:
        ClassicRefusal: RequestBodyInvalid, DuplicateInputInBatchCall, BatchJobInputsNotSpecified,
            BatchJobInputsTooManySpecified, InvalidInputNames, InvalidOutputOverrideName, IncompatibleModel …
    """
    document = _read_object(body)
    if api_version == OLDEST_VERSION and len(version.outputs) > 1:
        raise refuse(old.INVALID_OPERATION, "IncompatibleModel")
    parameters = document.get("GlobalParameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise refuse(old.BAD_ARGUMENT, "RequestBodyInvalid", more="GlobalParameters is no object.")
    return BatchRequest(_inputs_of(document, version), _outputs_of(document, version), parameters or {})


def _read_object(body: bytes) -> dict[str, object]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refuse(old.BAD_ARGUMENT, "RequestBodyInvalid", more=f"The body is no JSON: {error}.") from None
    if not isinstance(document, dict):
        raise refuse(old.BAD_ARGUMENT, "RequestBodyInvalid", more="The body is no JSON object.")
    unknown = sorted(set(document) - {"Input", "Inputs", "Output", "Outputs", "GlobalParameters"})
    if unknown:
        names = ", ".join(unknown)[:MAX_TEXT_CHARACTERS]
        raise refuse(old.BAD_ARGUMENT, "RequestBodyInvalid", more=f"The body has unknown members: {names}.")
    return document


def _inputs_of(document: Mapping[str, object], version: ServiceVersion) -> Mapping[str, Reference]:
    single, several = document.get("Input"), document.get("Inputs")
    if single is not None and several is not None:
        raise refuse(old.BAD_ARGUMENT, "DuplicateInputInBatchCall")
    names = [port.name for port in version.inputs]
    if single is not None:
        several = {names[0]: single} if names else {"Input": single}
    references = _references(several, "Inputs")
    if len(references) > len(names):
        raise refuse(old.BAD_ARGUMENT, "BatchJobInputsTooManySpecified", ", ".join(names))
    unknown = [name for name in references if name not in names]
    if unknown:
        raise refuse(old.BAD_ARGUMENT, "InvalidInputNames", ", ".join(unknown))
    missing = [name for name in names if references.get(name) is None]
    if missing:
        raise refuse(old.BAD_ARGUMENT, "BatchJobInputsNotSpecified", ", ".join(missing))
    return {name: _reference(name, value) for name, value in references.items()}


def _outputs_of(document: Mapping[str, object], version: ServiceVersion) -> Mapping[str, Reference]:
    single, several = document.get("Output"), document.get("Outputs")
    if single is not None and several is not None:
        raise refuse(old.BAD_ARGUMENT, "RequestBodyInvalid", more="The body has both Output and Outputs.")
    names = [port.name for port in version.outputs]
    if single is not None:
        several = {names[0]: single} if names else {"Output": single}
    references = _references(several, "Outputs")
    unknown = [name for name in references if name not in names]
    if unknown:
        raise refuse(old.BAD_ARGUMENT, "InvalidOutputOverrideName", ", ".join(unknown))
    for name, value in references.items():
        if not isinstance(value, dict) or not _text(value, "RelativeLocation"):
            raise refuse(old.BAD_ARGUMENT, "MissingOutputOverrideSpecification", name)
    return {name: value for name, value in references.items() if isinstance(value, dict)}


def _references(value: object, member: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_REFERENCES:
        raise refuse(old.BAD_ARGUMENT, "RequestBodyInvalid", more=f"{member} is no object of blob references.")
    return value


def _reference(name: str, value: object) -> Reference:
    if not isinstance(value, dict):
        raise refuse(old.BAD_ARGUMENT, "MissingInputBlobInformation", target=name)
    return value


def _text(reference: Reference, member: str) -> str:
    value = reference.get(member)
    if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT_CHARACTERS):
        raise refuse(
            old.BAD_ARGUMENT, "RequestBodyInvalid",
            more=f"{member} is no text of at most {MAX_TEXT_CHARACTERS} characters.",
        )  # fmt: skip
    return (value or "").strip()


def job_request_of(
    context: ServerContext, blobs: WorkspaceBlobs, live: LiveEndpoint, batch: BatchRequest, base: str
) -> JobRequest:
    """Find the files, and put uploads into the store; blocks.

    Args:
        context: whose jobs take the files.
        blobs: where uploads lie.
        live: the endpoint.
        batch: what was asked for.
        base: the address of this endpoint's own files, as `base_location` gives it.

    Raises:
        ClassicRefusal: a file that cannot be used, or a parameter.
        InvalidCall: alike.
    """
    parameters = parse_classic_parameters(batch.parameters, live.version)
    outputs = {
        name: JobFile(JobFileKind.OBJECT, "", _output_format(_text(reference, "RelativeLocation")))
        for name, reference in batch.outputs.items()
    }
    finder = _Finder(context, blobs, live, base)
    inputs = {name: finder.find(name, reference) for name, reference in batch.inputs.items()}
    return JobRequest(inputs, outputs, parameters)


@dataclass(frozen=True, slots=True)
class _Finder:
    context: ServerContext
    blobs: WorkspaceBlobs
    live: LiveEndpoint
    base: str

    def find(self, port: str, reference: Reference) -> JobFile:
        """Uploads first, then results of earlier jobs and the workspace's datasets, then what is elsewhere."""
        location = self._location(port, reference)
        container, _, name = location.partition("/")
        suffix = format_of(name, INPUT_FORMATS)
        if not suffix:
            supported = ", ".join(f".{each}" for each in INPUT_FORMATS)
            raise refuse(old.BAD_ARGUMENT, "InvalidBlobExtension", location, supported, target=port)
        if container == RESULTS:
            return self._result(port, name)
        upload = self.blobs.find(self.live.endpoint.id, container, name)
        if upload is not None:
            return self._stored(upload, suffix)
        dataset = self.blobs.find_dataset(name) if container == DATASETS else None
        if dataset is not None:
            return dataset
        raise self._unknown(port, location, reference)

    def _location(self, port: str, reference: Reference) -> str:
        location, base = _text(reference, "RelativeLocation").lstrip("/"), _text(reference, "BaseLocation")
        if not location and not base and not _text(reference, "ConnectionString"):
            raise refuse(old.BAD_ARGUMENT, "MissingInputBlobInformation", target=port)
        if base and base.rstrip("/") != self.base.rstrip("/"):
            raise refuse(old.BAD_ARGUMENT, "InvalidBlob", location or base, target=port, more=self._advice())
        if not location:
            raise refuse(old.BAD_ARGUMENT, "InputBlobRelativeLocationInvalid", target=port)
        container, slash, name = location.partition("/")
        if not slash or not container:
            raise refuse(old.BAD_ARGUMENT, "ContainerIsEmpty", target=port)
        if not CONTAINER.fullmatch(container):
            raise refuse(old.BAD_ARGUMENT, "ContainerSegmentInvalid", target=port)
        if not name:
            raise refuse(old.BAD_ARGUMENT, "InputBlobRelativeLocationInvalid", target=port)
        return location

    def _result(self, port: str, name: str) -> JobFile:
        """What an earlier job of the same endpoint gave."""
        job_id, output = split_result_name(name) or ("", "")
        try:
            job = self.context.jobs.get(job_id) if self.context.jobs is not None and job_id else None
        except JobNotFound:
            job = None
        result = job.results.get(output) if job is not None and job.endpoint_id == self.live.endpoint.id else None
        if job is None or result is None or result_name(job.id, output, result.format) != name:
            raise refuse(old.BAD_ARGUMENT, "BlobNotFound", f"{RESULTS}/{name}", "no such result", target=port)
        return JobFile(JobFileKind.OBJECT, result.digest, result.format)

    def _stored(self, path: Path, suffix: str) -> JobFile:
        assert self.context.jobs is not None  # noqa: S101 -- the routes of jobs are there only with jobs
        with path.open("rb") as file:
            stored: JobFile = self.context.jobs.upload(chunks_of(file), suffix)
        return stored

    def _unknown(self, port: str, location: str, reference: Reference) -> Exception:
        connection = _text(reference, "ConnectionString")
        if is_elsewhere(connection):
            return refuse(
                old.BAD_ARGUMENT, "InvalidBlobConnectionString", _account_words(connection), target=port,
                more=self._advice(),
            )  # fmt: skip
        return refuse(
            old.BAD_ARGUMENT, "BlobNotFound", location, "nothing of that name was uploaded here", target=port,
            more=self._advice(),
        )  # fmt: skip

    def _advice(self) -> str:
        return (
            "This server does not reach storage elsewhere. Upload the file here, with the endpoint's key: "
            f"PUT {self.base}CONTAINER/NAME with the header x-ms-blob-type: BlockBlob; then RelativeLocation "
            f"CONTAINER/NAME finds it. A file of the workspace's {DATASETS} folder is found as {DATASETS}/NAME."
        )


def is_elsewhere(connection: str) -> bool:
    """Whether a connection string names a storage account, and not this server's address for files."""
    parts = _parts(connection)
    return "accountname" in parts or ("blobendpoint" in parts and "/blobs/" not in parts["blobendpoint"])


def _account_words(connection: str) -> str:
    """The account's name; never its key."""
    parts = _parts(connection)
    return f"AccountName={parts.get('accountname', '')[:80]} is a storage account elsewhere"


def _parts(connection: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in connection.split(";"))
    return {name.strip().lower(): value.strip() for name, found, value in pairs if found}


def _output_format(location: str) -> str:
    suffix = format_of(location, OUTPUT_FORMATS)
    if not suffix or format_of(location, _DIALECTS):
        supported = ", ".join(f".{each}" for each in OUTPUT_FORMATS)
        raise refuse(old.BAD_ARGUMENT, "InvalidBlobExtension", location, supported)
    return suffix
