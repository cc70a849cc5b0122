"""Datasets as the old client library knows them: by ids, with families, types and descriptions.

A family's id is made of its name, so a dataset that is updated under another name is another family. The bytes that
were uploaded are kept and given back as they were, whether or not they can be read as a table.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.dataset import check_dataset_name
from estudio.errors import DatasetNotFound, EstudioError, InvalidDataset, StateConflict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estudio.core.dataset import Dataset
    from estudio.tables.table import Table
    from estudio.workspace.datasets import SavedDatasets
    from estudio.workspace.studio_uploads import Uploads

SUFFIXES = {
    "GenericCSV": "csv",
    "GenericCSVNoHeader": "nh.csv",
    "GenericTSV": "tsv",
    "GenericTSVNoHeader": "nh.tsv",
    "ARFF": "arff",
    "ExcelWorkbook": "xlsx",
    "PlainText": "txt",
    "Zip": "zip",
}
"""The old system's types that mean something here; files of all others are kept as they are."""
PLAIN_TEXT = "PlainText"
OPAQUE = frozenset({"Zip"})
"""Known, but no tables."""
MAX_TYPE_CHARACTERS = 64
MAX_DESCRIPTION_CHARACTERS = 4_000
"""What the old system's form took, and more."""
MAX_OWNER_CHARACTERS = 200
MAX_PROBLEM_CHARACTERS = 400
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9.]*")
_CONTENT_STEP = 1 << 18


@dataclass(frozen=True, slots=True)
class NewDataset:
    """What a client says of a file that it has uploaded.

    Attributes:
        name: the dataset's.
        type: the old system's word for the format.
        description: for people.
        family: the id of the family that gets a new version; None for a new dataset.
        owner: who uploads, in words.
        file_name: of the uploaded file, where the client says so.
    """

    name: str
    type: str
    description: str = ""
    family: str | None = None
    owner: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class StudioDatasets:
    """The datasets of one workspace, for old clients."""

    workspace_id: str
    saved: SavedDatasets
    uploads: Uploads

    def list(self) -> tuple[Dataset, ...]:
        """The latest version of each, by name."""
        return self.saved.list()

    def id_of(self, dataset: Dataset) -> str:
        """`WORKSPACE.FAMILY.v1-default-VERSION`, in the old system's form."""
        return f"{self.workspace_id}.{family_id(dataset.family)}.v1-default-{dataset.version}"

    def get(self, dataset_id: str) -> Dataset:
        """The version of that id; of a family's id alone, the latest. Raises DatasetNotFound."""
        family, version = self._parse(dataset_id)
        for dataset in self._versions(family):
            if version in (None, dataset.version):
                return dataset
        raise _missing(dataset_id)

    def create(self, new: NewDataset, upload: str) -> Dataset:
        """Save an uploaded file as a new dataset, or as a new version of a family.

        Raises:
            StateConflict: it is to be new, and there is one of that name.
            DatasetNotFound: there is no such family.
            InvalidDataset: a name or type that cannot be, no such upload, or a block is missing.
            StoreFailed: it cannot be kept.
        """
        check_dataset_name(new.name)
        _check_type(new.type)
        path = self.uploads.assemble(upload, f"upload.{SUFFIXES.get(new.type, 'data')}")
        table, problem = _read(path, new.type)
        with self.uploads.locked():
            before = None if new.family is None else self._versions(new.family)[0]
            if (before is None or before.family != new.name) and any(each.family == new.name for each in self.list()):
                raise StateConflict(
                    f"A dataset named “{new.name}” already exists. Update that one, or choose another name.",
                    dataset=new.name,
                )
            facts = {"description": new.description, "owner": new.owner, "uploaded-from": new.file_name}
            if problem:
                facts["problem"] = problem
            file_name = f"{new.name}.{SUFFIXES.get(new.type, 'data')}"
            saved = self.saved.keep(path, new.name, new.type, file_name, table, facts)
        self.uploads.remove(upload)
        return saved

    def remove_family(self, family: str) -> tuple[Dataset, ...]:
        """Forget all versions of a family. Raises DatasetNotFound."""
        return self.saved.remove(self._versions(family)[0].family)

    def content(self, dataset: Dataset) -> Iterator[bytes]:
        """The file as it was uploaded, in parts; one that was added packed is unpacked: its type says text.

        Raises:
            ObjectMissing, ObjectDamaged: when the first part is asked for.
        """
        path = self.saved.objects.path_of(dataset.original)
        packed = is_packed(dataset)
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            while part := file.read(_CONTENT_STEP):
                yield part

    def _versions(self, family: str) -> tuple[Dataset, ...]:
        """All versions of a family by its id, the latest first. Raises DatasetNotFound."""
        named = next((each.family for each in self.list() if family_id(each.family) == family.lower()), None)
        if named is None:
            raise _missing(family)
        return self.saved.versions(named)

    def _parse(self, dataset_id: str) -> tuple[str, int | None]:
        found = re.fullmatch(r"(?:[0-9A-Fa-f]{32}\.)?([0-9A-Fa-f]{32})(?:\.v1-default-([0-9]{1,9}))?", dataset_id)
        if found is None:
            raise _missing(dataset_id)
        return found[1], None if found[2] is None else int(found[2])


def family_id(name: str) -> str:
    """32 hexadecimal digits, the same for the same name."""
    return hashlib.sha256(f"dataset {name}".encode()).hexdigest()[:32]


def is_packed(dataset: Dataset) -> bool:
    """Whether its file was added gzipped."""
    return dataset.file_name.lower().endswith(".gz")


def _check_type(kind: str) -> None:
    if len(kind) > MAX_TYPE_CHARACTERS or not _TYPE.fullmatch(kind):
        raise InvalidDataset(
            f"{kind[:MAX_TYPE_CHARACTERS]!r} is no type of a dataset. Those that are read as tables: "
            f"{', '.join(SUFFIXES)}.",
            type=kind,
        )


def _read(path: Path, kind: str) -> tuple[Table | None, str]:
    """The table of a file, or why it has none: a file that cannot be read is kept all the same, as it ever was."""
    if kind in OPAQUE or kind not in SUFFIXES:
        return None, ""
    try:
        return (_lines_of(path) if kind == PLAIN_TEXT else _table_of(path, kind)), ""
    except EstudioError as error:
        return None, error.message.replace(str(path), "the file")[:MAX_PROBLEM_CHARACTERS]


def _table_of(path: Path, kind: str) -> Table:
    from estudio.tables.reading import read_table  # noqa: PLC0415 - needs Arrow

    return read_table(path, format=SUFFIXES[kind])


def _lines_of(path: Path) -> Table:
    """Plain text is one column, a row for each line; the old system's rule."""
    import pyarrow as pa  # noqa: PLC0415 - only where text is uploaded

    from estudio.tables.table import Table  # noqa: PLC0415 - needs Arrow

    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDataset("The text is not UTF-8; save it as UTF-8 and upload it again.") from error
    lines = text.removesuffix("\n").split("\n") if text else []
    return Table.from_arrow(pa.table({"Col1": pa.array(lines, pa.large_string())}))


def _missing(dataset_id: str) -> DatasetNotFound:
    return DatasetNotFound(f"There is no dataset with the id {dataset_id[:120]!r}.", dataset=dataset_id)
