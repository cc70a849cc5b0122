"""The modern request for a job, read: JSON that names files or holds tables, or one table as the whole body.

An upload's id says its format too: the digest of its bytes, a dot, the format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from estudio.core.job import JobFile, JobFileKind, JobRequest
from estudio.errors import AccessDenied, CallProblem, InvalidCall
from estudio.services.call_media import JSON, body_format
from estudio.services.call_parameters import read_parameters
from estudio.services.call_parsing import PREFIX, object_of
from estudio.tables.webbytes import BodyFormat
from estudio.tables.webjson_reading import parse_json, read_json_table
from estudio.tables.webproblems import Place, Problems, pointer_to, shown
from estudio.workspace.jobs import DEFAULT_FORMAT, format_of_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from estudio.core.module_kind import Value
    from estudio.core.service import ServiceVersion
    from estudio.tables.table import Table
    from estudio.workspace.datasets import SavedDatasets
    from estudio.workspace.jobs import WorkspaceJobs

MEMBERS = ("inputs", "outputs", "parameters")
UPLOAD, PATH, DATASET, FORMAT = "upload", "path", "dataset", "format"
BODY_FORMATS: Mapping[str, str] = {
    BodyFormat.CSV: "csv",
    BodyFormat.ARROW: "arrow",
    BodyFormat.PARQUET: "parquet",
}
"""What a table as a whole body is kept as."""
MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "nh.csv": "text/csv; charset=utf-8; header=absent",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "nh.tsv": "text/tab-separated-values; charset=utf-8",
    "arff": "text/plain; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PACKED_MEDIA_TYPE = "application/gzip"
FORMAT_FIELD = "format"
"""Of a query: what an upload or the outputs of a job are written as."""


def media_type_of(format_: str) -> str:
    """Of a file of that format."""
    return PACKED_MEDIA_TYPE if format_.endswith(".gz") else MEDIA_TYPES.get(format_, "application/octet-stream")


def table_format(content_type: str | None) -> str | None:
    """The format of a body that is one table; None for JSON. Raises InvalidCall: `media-type`, `encoding`."""
    return BODY_FORMATS.get(body_format(content_type))


def upload_id(file: JobFile) -> str:
    """What an upload is called by callers."""
    return f"{file.place}.{file.format}"


@dataclass(frozen=True, slots=True)
class JobReader:
    """Reads requests for jobs of one workspace.

    Attributes:
        jobs: keeps tables that stand in a request.
        datasets: finds datasets; None where there are none.
        may_use_workspace: whether the caller may read and write files of the workspace: only who manages it.
    """

    jobs: WorkspaceJobs
    datasets: SavedDatasets | None = None
    may_use_workspace: bool = False

    def read_json(self, body: bytes, version: ServiceVersion) -> JobRequest:
        """A request of JSON. What the version needs and does not get is said by `WorkspaceJobs.create`.

        Raises:
            InvalidCall: with pointers into the body.
            AccessDenied: a file of the workspace, and the caller may only call.
        """
        sent = parse_json(body) if body.strip() else {}
        problems = Problems()
        if not isinstance(sent, dict):
            raise InvalidCall(f"The body is {shown(sent)}; it has to be an object with {', '.join(MEMBERS)}.")
        for key in sent:
            if key not in MEMBERS and not problems.is_full:
                words = f"The body has {shown(key)}; a job has {', '.join(MEMBERS)}."
                problems.add(CallProblem("wrong-body", words, pointer_to(Place(""), key)))
        members = {name: object_of(sent.get(name), name, f"/{name}", problems) for name in MEMBERS}
        parameters = read_parameters(
            members["parameters"], version.parameters, problems, pointer="/parameters", all_text=False
        )
        outputs = self._outputs(members["outputs"], problems)
        inputs, tables = self._inputs(members["inputs"], version, problems)
        problems.check()
        return JobRequest({**inputs, **self.jobs.keep_tables(tables)}, outputs, parameters)

    def read_table(
        self, chunks: Iterable[bytes], format_: str, version: ServiceVersion, query: Mapping[str, str]
    ) -> JobRequest:
        """A request that is one table, for a service with one input; parameters stand in the query.

        Outputs get the format `format` of the query, or else that of the body. Raises InvalidCall, StoreFailed.
        """
        if len(version.inputs) != 1:
            raise InvalidCall(
                f"The service has {len(version.inputs)} inputs; one table as a body is for services with one. Send "
                f"{JSON} with uploads instead.",
                kind="media-type",
            )
        problems = Problems()
        given = {name.removeprefix(PREFIX): text for name, text in query.items() if name != FORMAT_FIELD}
        parameters = read_parameters(given, version.parameters, problems, pointer="", all_text=True)
        problems.check()
        wanted = query.get(FORMAT_FIELD, format_)
        outputs = {port.name: JobFile(JobFileKind.OBJECT, "", wanted) for port in version.outputs}
        return JobRequest({version.inputs[0].name: self.jobs.upload(chunks, format_)}, outputs, parameters)

    def _inputs(
        self, given: Mapping[str, Any], version: ServiceVersion, problems: Problems
    ) -> tuple[dict[str, JobFile], dict[str, Table]]:
        """Files, and tables that stand in the body. An input that the service has not is a file, refused later."""
        files: dict[str, JobFile] = {}
        tables: dict[str, Table] = {}
        for name, value in given.items():
            place = Place(name, pointer_to(Place("", "/inputs"), name))
            reference = _reference(value)
            port = version.input(name)
            if reference is not None:
                file = self._file(reference, value, place, problems)
                files |= {} if file is None else {name: file}
            elif port is None:
                words = f"The service has no input {shown(name)}."
                problems.add(CallProblem("unknown-input", words, place.pointer, name[:200]))
            else:
                table = read_json_table(value, port.columns, place, problems)
                tables |= {} if table is None else {name: table}
        return files, tables

    def _file(self, kind: str, value: Mapping[str, Any], place: Place, problems: Problems) -> JobFile | None:
        named = value[kind]
        extra = sorted(set(value) - {kind, FORMAT})
        if not isinstance(named, str) or extra or not isinstance(value.get(FORMAT, ""), str):
            words = f"The input {place.input!r} is {shown(value)}; it has to be e.g. {{{kind!r}: 'NAME'}}."
            problems.add(CallProblem("wrong-body", words, place.pointer, place.input))
            return None
        if kind == UPLOAD:
            digest, _, format_ = named.partition(".")
            return JobFile(JobFileKind.OBJECT, digest, value.get(FORMAT) or format_ or DEFAULT_FORMAT)
        self._check_allowed()
        if kind == DATASET and self.datasets is not None:
            dataset = self.datasets.get(named)
            format_ = value.get(FORMAT) or format_of_path(dataset.file_name)
            return JobFile(JobFileKind.OBJECT, dataset.original, format_)
        return JobFile(JobFileKind.WORKSPACE, named, value.get(FORMAT) or format_of_path(named))

    def _outputs(self, given: Mapping[str, Any], problems: Problems) -> dict[str, JobFile]:
        files = {}
        for name, value in given.items():
            place = pointer_to(Place("", "/outputs"), name)
            if not isinstance(value, dict) or set(value) - {FORMAT, PATH} or not _are_texts(value):
                words = f"The output {shown(name)} is {shown(value)}; it has to be e.g. {{'format': 'parquet'}}."
                problems.add(CallProblem("wrong-body", words, place, name[:200]))
            elif PATH in value:
                self._check_allowed()
                format_ = value.get(FORMAT) or format_of_path(value[PATH])
                files[name] = JobFile(JobFileKind.WORKSPACE, value[PATH], format_)
            else:
                files[name] = JobFile(JobFileKind.OBJECT, "", value.get(FORMAT) or DEFAULT_FORMAT)
        return files

    def _check_allowed(self) -> None:
        if not self.may_use_workspace:
            raise AccessDenied(
                "Datasets and files of the workspace are for whoever has a management key; with a key to call, upload "
                "the table, or send it with the job."
            )


def _reference(value: object) -> str | None:
    """Which kind of file a value names; None for a table."""
    if not isinstance(value, dict):
        return None
    return next((kind for kind in (UPLOAD, PATH, DATASET) if kind in value), None)


def _are_texts(value: Mapping[str, object]) -> bool:
    return all(isinstance(text, str) for text in value.values())


def request_of_tables(
    jobs: WorkspaceJobs, version: ServiceVersion, inputs: Mapping[str, Table], parameters: Mapping[str, Value]
) -> JobRequest:
    """The job of a score call that is answered later: its tables are kept, its outputs become JSON Lines."""
    outputs = {port.name: JobFile(JobFileKind.OBJECT, "", "jsonl") for port in version.outputs}
    return JobRequest(jobs.keep_tables(inputs), outputs, dict(parameters))
