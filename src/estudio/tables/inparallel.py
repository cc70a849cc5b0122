"""Does the same to every column, on as many threads as pyarrow has, where that pays.

pyarrow's functions work without the interpreter's lock but on one thread per array.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")

WORTH_THREADS_BYTES = 4 << 20
"""Below, starting threads costs more than the work: about 1 ms."""
MAX_THREADS = 8
"""Memory bandwidth is used up by then."""


def for_each_column(work: Callable[..., Result], table_bytes: int, *arguments: Sequence[Any]) -> list[Result]:
    """`[work(*each) for each in zip(*arguments)]`, in order; the first error is raised.

    Args:
        work: must not touch what another column's call touches.
        table_bytes: how much there is to look at.
        arguments: one sequence per parameter of `work`, all of one length.
    """
    threads = min(pa.cpu_count(), MAX_THREADS, len(arguments[0]))
    if table_bytes < WORTH_THREADS_BYTES or threads < 2:
        return [work(*each) for each in zip(*arguments, strict=True)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, *arguments))
