"""How large a Parquet body becomes, read from its page headers before any page is decompressed.

The footer is believed only about where pages lie: it may say a kilobyte where a page becomes a gigabyte.
Page headers are Thrift in its compact protocol, of which the few fields that matter are read by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from estudio.tables.webthrift import ThriftReader

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PAGES = 100_000
"""Of one body: pages have thousands of values."""
VALUE_BYTES = 8
"""What a value takes at least, even a missing one."""
DELTA_BYTE_ARRAY = 7
"""Each value repeats a part of the one before: a byte in the file may be a megabyte."""
_TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
_DATA, _DICTIONARY, _DATA_2 = 0, 2, 3


@dataclass(slots=True)
class PageSizes:
    """What the pages of a body become.

    Attributes:
        bytes: decompressed, or what their values take at least, whichever is more.
        repeats: bytes of values that dictionaries of nested text may repeat: at most.
    """

    bytes: int = 0
    repeats: int = 0
    pages: int = 0
    encodings: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Page:
    kind: int
    becomes: int
    values: int
    encoding: int


def page_sizes(body: bytes, metadata: Any, limit: int) -> PageSizes:  # noqa: ANN401 -- the stubs lack half of it
    """Walk all page headers; ends beyond the limit.

    Args:
        body: the whole file.
        metadata: pyarrow's, of that file.
        limit: in bytes.

    Raises:
        ValueError: a header that is broken or lies outside, or too many pages.
    """
    sizes = PageSizes()
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            is_nested = metadata.schema.column(number).max_repetition_level > 0
            _add_chunk(body, metadata.row_group(group).column(number), sizes, is_nested=is_nested)
            if max(sizes.bytes, sizes.repeats) > limit:
                return sizes
    return sizes


def flat_texts(metadata: Any) -> list[str]:  # noqa: ANN401
    """Columns of text that are to be read as categories, so that a value which repeats stays one value."""
    columns = (metadata.schema.column(number) for number in range(metadata.num_columns))
    return [each.path for each in columns if each.physical_type == "BYTE_ARRAY" and each.max_repetition_level == 0]


def _add_chunk(body: bytes, chunk: Any, sizes: PageSizes, *, is_nested: bool) -> None:  # noqa: ANN401
    pages_bytes = values = dictionary = 0
    for page in _pages(body, chunk):
        sizes.pages += 1
        if sizes.pages > MAX_PAGES:
            raise ValueError(f"it has more than {MAX_PAGES} pages")
        sizes.encodings.add(page.encoding)
        pages_bytes += page.becomes
        if page.kind == _DICTIONARY:
            dictionary = max(dictionary, page.becomes)
        else:
            values += page.values
    sizes.bytes += max(pages_bytes, values * VALUE_BYTES)
    if is_nested and chunk.physical_type in _TEXTS:
        sizes.repeats += dictionary * values


def _pages(body: bytes, chunk: Any) -> Iterator[_Page]:  # noqa: ANN401
    at = chunk.data_page_offset
    if at == 0:  # a column without values; nothing can be read at the file's magic bytes
        return
    if chunk.dictionary_page_offset is not None and 0 < chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end = at + chunk.total_compressed_size
    if at < 0 or end > len(body) or chunk.total_compressed_size < 0:
        raise ValueError("a column lies outside of the file")
    while at < end:
        reader = ThriftReader(body, at, end)
        header = reader.struct()
        becomes, length = _number(header, 2), _number(header, 3)
        if becomes < 0 or length < 0 or reader.at + length > end:
            raise ValueError("a page lies outside of its column")
        inner = header.get({_DATA: 5, _DICTIONARY: 7, _DATA_2: 8}.get(_number(header, 1), 0), {})
        if not isinstance(inner, dict):
            raise ValueError("a page header is broken")  # noqa: TRY004 -- wrong bytes, not a wrong type
        kind = _number(header, 1)
        yield _Page(kind, becomes, _number(inner, 1), _number(inner, 4 if kind == _DATA_2 else 2))
        at = reader.at + length


def _number(values: dict[int, Any], number: int) -> int:
    value = values.get(number, 0)
    if not isinstance(value, int):
        raise ValueError("a page header is broken")  # noqa: TRY004 -- as above
    return value
