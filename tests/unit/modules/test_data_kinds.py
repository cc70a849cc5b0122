"""Where tables come from and go to: dataset, enter-data, script-bundle, export-data, web services."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from estudio.errors import DatasetNotFound, InvalidDataset, InvalidInput, InvalidUsage, OutputFailed
from estudio.modules.behaviour import BundleFile
from estudio.modules.kind_parts import DatasetFile, KindParts
from estudio.tables.reading import read_table
from estudio.tables.table import Table
from estudio.tables.writing import write_table

from .kind_calls import BENCH, Bench, NoExecutors, table_at

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table({"a": [1, 2], "b": ["x", None]})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, KindParts(NoExecutors(), export_path=lambda path: tmp_path / path))


def read(bench: Bench, text: str, **settings: Any) -> dict[str, list[Any]]:
    (bench.folder / "t.csv").write_bytes(text.encode())
    return table_at(bench.execute("dataset", dataset="t.csv", **settings), "dataset").to_pydict()


def test_a_file_becomes_a_table(bench: Bench) -> None:
    assert read(bench, "code,n\n007,1\n08,2\n") == {"code": [7, 8], "n": [1, 2]}
    assert read(bench, "code,n\n007,1\n", columns={"code": "text"}) == {"code": ["007"], "n": [1]}
    assert read(bench, "a;b\n1;2\n", delimiter=";") == {"a": [1], "b": [2]}
    assert read(bench, "1,2\n", header=False) == {"Col1": [1], "Col2": [2]}
    (bench.folder / "t.tsv").write_bytes("ñ\tb\né\t2\n".encode("latin-1"))
    outcome = bench.execute("dataset", dataset="t.tsv", encoding="latin-1")
    assert table_at(outcome, "dataset").to_pydict() == {"ñ": ["é"], "b": [2]}
    assert outcome.facts == {"rows": 1, "columns": 2}


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"columns": {"age": "int64"}}, InvalidDataset, "row 2 has 'x'"),
        ({"columns": {"aeg": "int64"}}, InvalidDataset, "no column 'aeg'. Did you mean 'age'?"),
        ({"columns": {"age": "intt64"}}, InvalidUsage, "did you mean int64?"),
        ({"delimiter": ";;"}, InvalidUsage, "give one ASCII character"),
        ({"delimiter": "é"}, InvalidUsage, "give one ASCII character"),
        ({"delimiter": ""}, InvalidUsage, "give one ASCII character"),
        ({"encoding": "latin-77"}, InvalidUsage, "no encoding 'latin-77'"),
        ({"encoding": "utf-32"}, InvalidDataset, "is not utf-32"),
    ],
)
def test_how_a_file_cannot_be_read(bench: Bench, settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        read(bench, "age,b\n1,2\nx,3\n", **settings)


def test_an_option_that_the_format_does_not_have(bench: Bench) -> None:
    write_table(Table.from_arrow(TABLE), bench.folder / "t.parquet")
    with pytest.raises(InvalidUsage, match="header means nothing for parquet"):
        bench.execute("dataset", dataset="t.parquet", header=True)
    converted = bench.execute("dataset", dataset="t.parquet", columns={"a": "float64"})
    assert table_at(converted, "dataset").schema.field("a").type == pa.float64()


def test_a_dataset_depends_on_its_content_not_on_its_place(bench: Bench) -> None:
    (bench.folder / "a.csv").write_text("a\n1\n")
    (bench.folder / "b.csv").write_text("a\n1\n")
    (bench.folder / "c.csv").write_text("a\n2\n")
    first, second, third = (bench.dependencies("dataset", dataset=f"{name}.csv") for name in "abc")
    assert first == second
    assert first != third
    assert set(first) == {"dataset", "format"}


def test_a_file_that_is_missing_is_seen_before_the_run(bench: Bench) -> None:
    for reference in ("no.csv", "folder/no"):
        with pytest.raises(InvalidInput):
            bench.shape("dataset", dataset=reference)
    assert bench.shape("dataset", dataset="${data}") == bench.behaviour("dataset").kind.shape


class Registered:
    """A double of the workspace's datasets: one, as a table and as it was added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_dataset(self, reference: str, *, original: bool) -> DatasetFile:
        if reference.partition("@")[0] != "pima":
            raise DatasetNotFound(f"no {reference}")
        return DatasetFile(self.folder / ("0f3c" if original else "77aa"), "digest", "csv" if original else "arrow")


def test_a_registered_dataset(bench: Bench) -> None:
    (bench.folder / "0f3c").write_text("a\n05\n")
    with (bench.folder / "77aa").open("wb") as stream:
        write_table(Table.from_arrow(pa.table({"a": [5]})), stream, "arrow")
    bench.parts = replace(bench.parts, datasets=Registered(bench.folder))
    assert table_at(bench.execute("dataset", dataset="pima@2"), "dataset").to_pydict() == {"a": [5]}
    changed = bench.execute("dataset", dataset="pima", columns={"a": "text"})
    assert table_at(changed, "dataset").to_pydict() == {"a": ["05"]}
    assert bench.dependencies("dataset", dataset="pima") == {"dataset": "digest", "format": "arrow"}
    with pytest.raises(DatasetNotFound):
        bench.shape("dataset", dataset="iris")
    with pytest.raises(DatasetNotFound, match="estudio dataset add"):
        BENCH.execute("dataset", dataset="iris")


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("a,b\n1,x\n2,y\n", {}, {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\n1,x\n2,y", {}, {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\n1,x\n\n", {}, {"a": [1], "b": ["x"]}),
        ("a,b\n1,x\n\n2,y\n\n\n", {}, {"a": [1, None, 2, None], "b": ["x", None, "y", None]}),
        ("a\n1\n\n2\n", {}, {"a": [1, None, 2]}),
        ("a\tb\n1\tx\n", {"format": "tsv"}, {"a": [1], "b": ["x"]}),
        ("1,x\n", {"header": False}, {"Col1": [1], "Col2": ["x"]}),
        ('\n\na\n"x\n\ny"\n', {}, {"a": ["x\n\ny"]}),
        ("a\r\n1\r\n\r\n2\r\n", {}, {"a": [1, None, 2]}),
        ("a\n007\n", {"columns": {"a": "text"}}, {"a": ["007"]}),
        ("@relation r\n@attribute a numeric\n@data\n1\n", {"format": "arff"}, {"a": [1.0]}),
        ("", {}, {}),
        ("a,b\n", {}, {"a": [], "b": []}),
    ],
)
def test_entered_data(text: str, settings: Any, expected: dict[str, list[Any]]) -> None:
    assert table_at(BENCH.execute("enter-data", data=text, **settings), "dataset").to_pydict() == expected


def test_entered_data_that_is_ragged() -> None:
    with pytest.raises(InvalidDataset, match="the data of it, line 3: the row has 1 value, the first row has 2"):
        BENCH.execute("enter-data", data="a,b\n1,2\n3\n")


def test_a_bundle_is_its_content(bench: Bench) -> None:
    folder = bench.folder / "helpers"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "m.py").write_text("x = 1")
    before = bench.dependencies("script-bundle", path="helpers")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "m.pyc").write_bytes(b"1")
    assert bench.dependencies("script-bundle", path="helpers") == before
    value = bench.execute("script-bundle", path="helpers").outputs["bundle"]
    assert isinstance(value, BundleFile)
    assert value == BundleFile(folder, before["path"])
    (folder / "sub" / "m.py").rename(folder / "sub" / "n.py")
    assert bench.dependencies("script-bundle", path="helpers") != before
    with zipfile.ZipFile(bench.folder / "h.zip", "w") as archive:
        archive.writestr("m.py", "x = 1")
    assert bench.dependencies("script-bundle", path="h.zip")["path"] != before["path"]
    with pytest.raises(InvalidInput):
        bench.dependencies("script-bundle", path="no.zip")


def test_an_export_is_written_and_never_reused(bench: Bench) -> None:
    outcome = bench.execute("export-data", {"dataset": TABLE}, path="out/t.csv")
    assert read_table(bench.folder / "out" / "t.csv").to_arrow().to_pydict() == TABLE.to_pydict()
    assert outcome.facts == {"path": "out/t.csv", "bytes": 11}
    assert not bench.behaviour("export-data").kind.deterministic
    bench.execute("export-data", {"dataset": TABLE.slice(0, 1)}, path="out/t.csv")
    assert [path.name for path in (bench.folder / "out").iterdir()] == ["t.csv"]
    assert read_table(bench.folder / "out" / "t.csv").row_count == 1


def test_an_export_that_cannot_be(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="no suffix of a table file"):
        bench.shape("export-data", path="out/t.doc")
    (bench.folder / "file").write_text("")
    with pytest.raises(OutputFailed, match=r"The folder of file/t\.csv cannot be made"):
        bench.execute("export-data", {"dataset": TABLE}, path="file/t.csv")
    with pytest.raises(OutputFailed, match="nothing may be exported"):
        BENCH.execute("export-data", {"dataset": TABLE}, path="t.csv")


def test_web_services_pass_tables_through() -> None:
    assert table_at(BENCH.execute("web-service-input", {"default": TABLE}), "results").to_pydict() == TABLE.to_pydict()
    assert table_at(BENCH.execute("web-service-output", {"dataset": TABLE}), "results").to_pydict() == TABLE.to_pydict()
    with pytest.raises(InvalidUsage, match="connect one to its port `default`"):
        BENCH.execute("web-service-input")
    with pytest.raises(InvalidUsage, match="The input dataset of it has no table"):
        BENCH.execute("web-service-output")
