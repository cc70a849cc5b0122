"""Text files are UTF-8, with or without a byte order mark; anything else is named by somebody, never guessed."""

from __future__ import annotations

import pyarrow as pa

from estudio.errors import InvalidDataset, InvalidUsage

_BOM = b"\xef\xbb\xbf"
_OTHER_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"),
)  # fmt: skip
_CHUNK = 1 << 24


def decoded(content: pa.Buffer, encoding: str | None, where: str) -> pa.Buffer:
    """The content as UTF-8, from an encoding that was named; as it is where none was.

    Raises:
        InvalidUsage: Python has no such encoding of text.
        InvalidDataset: bytes that are not of it.
    """
    if encoding is None:
        return content
    try:
        text = str(memoryview(content), encoding)
    except (LookupError, TypeError) as error:
        raise InvalidUsage(
            f"There is no encoding {encoding[:80]!r}; give one such as latin-1, cp1252 or utf-16.", encoding=encoding
        ) from error
    except UnicodeError as error:
        raise InvalidDataset(
            f"{where} is not {encoding}: {error}. Give the encoding that it was written in.", path=where
        ) from error
    return pa.py_buffer(text.encode("utf-8", "replace"))


def without_mark(content: pa.Buffer, where: str) -> pa.Buffer:
    """The content after its UTF-8 byte order mark, if it has one.

    Raises:
        InvalidDataset: the mark says that it is UTF-16 or UTF-32.
    """
    start = bytes(memoryview(content)[:4])
    for mark, name in _OTHER_MARKS:
        if start.startswith(mark):
            raise InvalidDataset(
                f"{where} is {name} text; tables are read as UTF-8. "
                f"Convert it: iconv -f {name} -t UTF-8 OLD > NEW, or in Excel save it as 'CSV UTF-8'.",
                path=where,
                encoding=name,
            )
    return content.slice(len(_BOM)) if start.startswith(_BOM) else content


def not_utf8(content: pa.Buffer, where: str) -> InvalidDataset | None:
    """The error naming the first line and byte that are not UTF-8, or `None` if all of it is."""
    view = memoryview(content).cast("B")
    start = 0
    while start < len(view):
        chunk = bytes(view[start : start + _CHUNK])
        try:
            chunk.decode()
        except UnicodeDecodeError as error:
            if error.start > len(chunk) - 4 and start + len(chunk) < len(view):
                start += error.start  # a character cut by the end of the chunk
                continue
            return _error(view, start + error.start, where)
        start += len(chunk)
    return None


def _error(view: memoryview, offset: int, where: str) -> InvalidDataset:
    lines = sum(bytes(view[at : min(at + _CHUNK, offset)]).count(b"\n") for at in range(0, offset, _CHUNK)) + 1
    return InvalidDataset(
        f"{where} is not UTF-8: line {lines} has the byte 0x{view[offset]:02x} at offset {offset} of the file. "
        "Tables are read as UTF-8. Convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW, "
        "or in Excel save it as 'CSV UTF-8'.",
        path=where,
        line=lines,
        offset=offset,
    )
