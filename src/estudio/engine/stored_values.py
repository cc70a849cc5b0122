"""Values of output ports as stored objects, and back: a table is a canonical Arrow file, a bundle a zip.

A visualization is one JSON object with its pictures inside, so that whoever keeps the object keeps the pictures.
"""

from __future__ import annotations

import base64
import json
import mmap
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from estudio.core.module_kind import PortType
from estudio.core.outcome import Image, Visualization
from estudio.core.run import StoredOutput
from estudio.errors import ObjectDamaged
from estudio.modules.behaviour import BundleFile
from estudio.modules.inputs import opened_bundle
from estudio.store.objects import copy_descriptor, digest_of_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from estudio.modules.behaviour import PortValue
    from estudio.store.protocols import ObjectStore
    from estudio.tables.table import Table
    from estudio.tables.tablefile import TableFile

MAX_VISUALIZATION_BYTES = 1 << 30
"""A log of 16 MiB and pictures of a call, which together are bounded by the call's output."""
SMALL_BYTES = 1 << 20
"""Values up to this size are written together: the disk is waited for once."""
_ARROW_MAGIC = b"ARROW1"
_LEAST_TABLE_BYTES = 2 * len(_ARROW_MAGIC) + 8


@dataclass(frozen=True, slots=True)
class HeldOutput:
    """A value in hand with what is known of it; `output.digest` is "" for a table too large to digest at once."""

    value: PortValue
    output: StoredOutput


def hold_value(objects: ObjectStore, port: str, value: PortValue, *, digest_bytes: int) -> HeldOutput:
    """Describe a value before it is stored. A bundle is stored at once: its digest is that of its object.

    Args:
        objects: where bundles go.
        port: the output port that gave it.
        value: what it gave.
        digest_bytes: tables up to this size get their digest now.

    Raises:
        StoreFailed: a bundle cannot be stored.
        OSError: no memory for a table's file.
    """
    from estudio.tables.table import Table  # noqa: PLC0415 -- imports Arrow, which reused results need not
    from estudio.tables.tablefile import file_of  # noqa: PLC0415

    if isinstance(value, Table):
        file = file_of(value)
        digest = _digest(file) if file.size_bytes <= digest_bytes else ""
        return HeldOutput(value, _described(port, value, digest, file.size_bytes))
    if isinstance(value, BundleFile):
        with opened_bundle(value.path) as zipped:
            assert zipped is not None  # noqa: S101 -- a path was given
            size = os.fstat(zipped).st_size
            digest = objects.put_file(lambda target: copy_descriptor(zipped, target))
        return HeldOutput(
            BundleFile(objects.path_of(digest), digest), StoredOutput(port, PortType.BUNDLE.value, digest, size)
        )
    content = visualization_bytes(value)
    digest = digest_of_bytes(content)
    return HeldOutput(value, StoredOutput(port, PortType.VISUALIZATION.value, digest, len(content)))


def handed_through(port: str, value: PortValue, given: PortValue, output: StoredOutput) -> HeldOutput | None:
    """The held output of a module that gave one of its inputs back as it was; None where it did not.

    That is seen from where the values lie, not from what they are: it costs O(columns).

    Args:
        port: the output port.
        value: what it gave.
        given: an input of the same call.
        output: the description of that input.
    """
    from estudio.tables.table import Table  # noqa: PLC0415 -- imports Arrow, which reused results need not
    from estudio.tables.tablefile import file_of  # noqa: PLC0415

    if not (isinstance(value, Table) and isinstance(given, Table)) or not _is_same_memory(value, given):
        return None
    value.file = file_of(given)
    return HeldOutput(value, replace(output, port=port))


def _is_same_memory(one: Table, other: Table) -> bool:
    if one.row_count != other.row_count or one.to_arrow().schema != other.to_arrow().schema:
        return False
    pairs = zip(one.to_arrow().columns, other.to_arrow().columns, strict=True)
    return all(_places(first.chunk(0)) == _places(second.chunk(0)) for first, second in pairs)


def _places(array: Any) -> list[tuple[int, int] | None]:  # noqa: ANN401 -- arrays of every type
    import pyarrow as pa  # noqa: PLC0415 -- imports Arrow, which reused results need not

    buffers = [*array.buffers(), *(array.dictionary.buffers() if pa.types.is_dictionary(array.type) else ())]
    return [None if buffer is None else (buffer.address, buffer.size) for buffer in buffers]


def small_content(held: HeldOutput) -> bytes | None:
    """The bytes of a value that is worth storing together with others; None for large tables, and for bundles."""
    from estudio.tables.table import Table  # noqa: PLC0415 -- imports Arrow, which reused results need not
    from estudio.tables.tablefile import file_of  # noqa: PLC0415

    if isinstance(held.value, Table):
        if held.output.size_bytes > SMALL_BYTES:
            return None
        return os.pread(file_of(held.value).descriptor, held.output.size_bytes, 0)
    return None if isinstance(held.value, BundleFile) else visualization_bytes(held.value)


def store_large(objects: ObjectStore, held: HeldOutput) -> str:
    """Store durably what has no small content; returns its digest. Raises StoreFailed."""
    from estudio.tables.table import Table  # noqa: PLC0415 -- imports Arrow, which reused results need not
    from estudio.tables.tablefile import file_of  # noqa: PLC0415

    if not isinstance(held.value, Table):
        return held.output.digest
    file = file_of(held.value)
    digest = held.output.digest or _digest(file)
    if objects.has(digest):  # digested four times faster than written
        return digest
    return objects.put_file(lambda target: copy_descriptor(file.descriptor, target))


def stored_output(held: HeldOutput, digest: str) -> StoredOutput:
    """The description of a held value that is stored now.

    Raises:
        ObjectDamaged: what was stored is not what was digested before.
    """
    if held.output.digest not in ("", digest):
        raise ObjectDamaged(
            f"What port {held.output.port} gave changed in memory while it was stored. Run it again; if that happens "
            "twice, test this machine's memory.",
            port=held.output.port,
        )
    return replace(held.output, digest=digest)


def store_value(objects: ObjectStore, port: str, value: PortValue) -> StoredOutput:
    """Store one value durably, by itself. Raises StoreFailed."""
    held = hold_value(objects, port, value, digest_bytes=0)
    content = small_content(held)
    return stored_output(held, store_large(objects, held) if content is None else objects.put_bytes(content))


def load_value(objects: ObjectStore, output: StoredOutput) -> PortValue:
    """A stored value: a table is mapped, not read.

    Raises:
        ObjectMissing: its object is gone.
        ObjectDamaged: the object has not its size or is no such value.
    """
    if output.type == PortType.TABLE.value:
        return _load_table(objects, output)
    if output.type == PortType.BUNDLE.value:
        return BundleFile(objects.path_of(output.digest), output.digest)
    try:
        return parse_visualization(objects.read_bytes(output.digest, MAX_VISUALIZATION_BYTES))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(output, str(error)) from error


def is_whole(objects: ObjectStore, output: StoredOutput) -> bool:
    """Whether a stored value is there with its size and framing: cheap, for results that nobody may need to load."""
    if not objects.has(output.digest):
        return False
    if output.type != PortType.TABLE.value:
        return True
    with objects.path_of(output.digest).open("rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size != output.size_bytes or size < _LEAST_TABLE_BYTES or stream.read(len(_ARROW_MAGIC)) != _ARROW_MAGIC:
            return False
        stream.seek(-len(_ARROW_MAGIC) - 4, os.SEEK_END)
        tail = stream.read()
    return tail[4:] == _ARROW_MAGIC and 0 < int.from_bytes(tail[:4], "little") < size


def _load_table(objects: ObjectStore, output: StoredOutput) -> Table:
    import pyarrow as pa  # noqa: PLC0415 -- imports Arrow, which reused results need not

    from estudio.tables.table import Table  # noqa: PLC0415
    from estudio.tables.tablefile import TableFile  # noqa: PLC0415

    path = objects.path_of(output.digest)
    try:
        file = TableFile.on_disk(path)
        if file is None or file.size_bytes != output.size_bytes:
            raise _damaged(output, "it is no canonical table")
        table = Table(_mapped(path))
    except (OSError, pa.ArrowException) as error:
        raise _damaged(output, str(error)) from error
    table.file = file
    return table


def _mapped(path: Path) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 -- imports Arrow, which reused results need not

    with pa.memory_map(str(path)) as mapped:
        return pa.ipc.open_file(mapped).read_all()


def _described(port: str, table: Table, digest: str, size_bytes: int) -> StoredOutput:
    columns = tuple((column.name, column.type) for column in table.schema.columns)
    return StoredOutput(port, PortType.TABLE.value, digest, size_bytes, table.row_count, columns)


def _digest(file: TableFile) -> str:
    if file.size_bytes <= SMALL_BYTES:
        return digest_of_bytes(os.pread(file.descriptor, SMALL_BYTES, 0))
    with mmap.mmap(file.descriptor, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as content:
        return blake3(content, max_threads=blake3.AUTO).hexdigest()


def visualization_bytes(value: Visualization) -> bytes:
    """A visualization as one JSON text, pictures in base64."""
    body = {
        "format": 1,
        "text": value.text,
        "images": [_image_json(image) for image in value.images],
        "concatenated": None if value.concatenated is None else _image_json(value.concatenated),
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def parse_visualization(content: bytes) -> Visualization:
    """The other way. Raises ValueError, KeyError or TypeError for anything else."""
    body = json.loads(content)
    if body["format"] != 1:
        raise ValueError("it was written by a later version")
    whole = body["concatenated"]
    return Visualization(body["text"], tuple(map(_image, body["images"])), None if whole is None else _image(whole))


def _image_json(image: Image) -> dict[str, str | int]:
    png = base64.b64encode(image.png).decode("ascii")
    return {"name": image.name, "width": image.width, "height": image.height, "png": png}


def _image(body: dict[str, object]) -> Image:
    name, width, height = body["name"], body["width"], body["height"]
    if not (isinstance(name, str) and isinstance(width, int) and isinstance(height, int)):
        raise TypeError("a picture without name, width or height")
    return Image(name, base64.b64decode(str(body["png"]), validate=True), width, height)


def _damaged(output: StoredOutput, why: str) -> ObjectDamaged:
    return ObjectDamaged(
        f"The stored {output.type} {output.digest[:12]} is damaged: {why}. Run the experiment again to make it anew.",
        digest=output.digest,
        why=why,
    )
