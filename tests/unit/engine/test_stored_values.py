"""Values of ports, stored and loaded."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from estudio.core.outcome import Image, Visualization
from estudio.engine.stored_values import (
    HeldOutput,
    handed_through,
    hold_value,
    is_whole,
    load_value,
    small_content,
    store_large,
    stored_output,
)
from estudio.errors import ObjectDamaged
from estudio.modules.behaviour import BundleFile
from estudio.store.objects import ObjectFolder
from estudio.tables.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.core.run import StoredOutput
    from estudio.modules.behaviour import PortValue

AT_ONCE = 1 << 20
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectFolder:
    return ObjectFolder(tmp_path / "objects")


def store(objects: ObjectFolder, value: PortValue, *, at_once: int = AT_ONCE) -> StoredOutput:
    held = hold_value(objects, "out", value, digest_bytes=at_once)
    content = small_content(held)
    digest = store_large(objects, held) if content is None else objects.put_bytes(content)
    return stored_output(held, digest)


TABLES = {
    "plain": pa.table({"a": [1, None, 3], "b": ["x", "é", None]}),
    "categories": pa.table({"c": pa.array(["u", "v", "u"]).dictionary_encode()}),
    "no rows": pa.table({"a": pa.array([], pa.int64())}),
    "no columns": pa.table({}),
    "rows without columns": pa.table({"": pa.nulls(4)}).select([]),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("at_once", [0, AT_ONCE])
def test_a_table_comes_back_as_it_was(objects: ObjectFolder, name: str, at_once: int) -> None:
    table = Table.from_arrow(TABLES[name])
    output = store(objects, table, at_once=at_once)
    assert output.row_count == table.row_count
    assert [column for column, _ in output.columns] == list(table.schema.names)
    loaded = load_value(objects, output)
    assert isinstance(loaded, Table)
    assert loaded == table
    assert loaded.file is not None
    assert is_whole(objects, output)


def test_a_large_table_is_stored_by_itself(objects: ObjectFolder) -> None:
    table = Table.from_arrow(pa.table({"a": pa.array(range(200_000))}))
    held = hold_value(objects, "out", table, digest_bytes=AT_ONCE)
    assert held.output.digest == ""
    assert small_content(held) is None
    assert load_value(objects, store(objects, table)) == table


def test_a_loaded_table_is_stored_again_under_the_same_digest(objects: ObjectFolder) -> None:
    first = store(objects, Table.from_arrow(TABLES["plain"]))
    assert store(objects, load_value(objects, first)) == first


def test_a_visualization_comes_back_with_its_pictures(objects: ObjectFolder) -> None:
    picture = Image("a.png", PNG, 3, 4)
    value = Visualization("printed ☃ \ud800\n", (picture, Image("b.png", PNG + b"x", 1, 1)), picture)
    output = store(objects, value)
    assert load_value(objects, output) == value
    assert is_whole(objects, output)


def test_what_is_no_visualization_is_damaged(objects: ObjectFolder) -> None:
    for content in (b"{}", b"not json", b'{"format": 2}', b"[]"):
        output = store(objects, Visualization("x"))
        wrong = HeldOutput(Visualization(""), output).output
        digest = objects.put_bytes(content)
        with pytest.raises(ObjectDamaged, match="stored visualization"):
            load_value(objects, stored_output(HeldOutput(Visualization(""), _without_digest(wrong)), digest))


def _without_digest(output: StoredOutput) -> StoredOutput:
    from dataclasses import replace

    return replace(output, digest="")


def test_a_folder_becomes_a_zip_with_one_digest_for_one_content(objects: ObjectFolder, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "inner" / "m.py").write_text("x = 1\n")
    outputs = [store(objects, BundleFile(tmp_path / name, name)) for name in ("one", "two")]
    assert outputs[0] == outputs[1]
    value = load_value(objects, outputs[0])
    assert isinstance(value, BundleFile)
    assert zipfile.ZipFile(value.path).namelist() == ["inner/m.py"]


def test_memory_that_changed_is_not_recorded(objects: ObjectFolder) -> None:
    held = hold_value(objects, "out", Table.from_arrow(TABLES["plain"]), digest_bytes=AT_ONCE)
    with pytest.raises(ObjectDamaged, match="changed in memory"):
        stored_output(held, "0" * 64)


@pytest.mark.parametrize("name", TABLES)
def test_an_input_given_back_is_neither_digested_nor_written_again(objects: ObjectFolder, name: str) -> None:
    given = Table.from_arrow(TABLES[name])
    output = store(objects, given)
    same = Table(given.to_arrow().select(given.to_arrow().schema.names))
    held = handed_through("other", same, given, output)
    assert held is not None
    assert (held.output.port, held.output.digest) == ("other", output.digest)
    assert same.file is given.file


def test_what_is_only_equal_or_another_part_is_not_taken_for_the_input(objects: ObjectFolder) -> None:
    given = Table.from_arrow(TABLES["plain"])
    output = store(objects, given)
    copied = Table.from_arrow(pa.table({"a": [1, None, 3], "b": ["x", "é", None]}))
    renamed = Table(given.to_arrow().rename_columns(["c", "b"]))
    fewer = Table(given.to_arrow().select(["a"]))
    for other in (copied, renamed, fewer, Visualization("")):
        assert handed_through("other", other, given, output) is None
