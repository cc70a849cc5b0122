"""How many different values a column has, and which ones are frequent.

Exact up to 262 144 rows, and wherever a sample shows few different values. Beyond, the number is estimated from a
fixed share of the values' hashes, with a standard error of about one percent (four at most).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.tables import making
from estudio.tables.countedvalues import CountedValues, chunks_of
from estudio.tables.kernels import compute as pc
from estudio.tables.kernels import outermost
from estudio.tables.numberpasses import DistinctNumbers, kept_share
from estudio.tables.queryengine import query
from estudio.tables.sampling import RANDOM_ROWS, SAMPLE_ROWS

if TYPE_CHECKING:
    from estudio.tables.typenames import Arrow

FEW_VALUES = 5_000
"""So few different values are counted one by one in any number of rows."""
TOP_VALUES = 10
"""Most frequent values that are kept."""
MAX_REPEATED_SHARE = 0.02
"""Of the rows: a sample that leaves no more of them in doubt need not be followed by a look at every value."""
LEAST_SAMPLED = 20
"""Occurrences in a sample that make a value frequent: its share is then told to within a fifth (one standard error)."""


def unique_count(column: Arrow, sampled: CountedValues) -> tuple[int, bool]:
    """How many different values an array has, and whether that is exact."""
    if len(column) <= SAMPLE_ROWS:
        answer = query("SELECT count(DISTINCT x) AS n FROM t", t=pa.table([column], names=["x"]))
        return int(answer.column("n")[0].as_py()), True
    present = len(column) - column.null_count
    if sampled.rows and sampled.unique == sampled.rows and repeated_share(present, sampled.rows) <= MAX_REPEATED_SHARE:
        return present, False
    share = kept_share(likely_distinct(sampled, len(column)))
    estimated = _estimate_of_numbers(column, share) if is_hashed_here(column.type) else _estimate_of_any(column, share)
    return max(sampled.unique, min(estimated, present)), False


def is_hashed_here(arrow: Arrow) -> bool:
    """Whether values of a type are numbers of 32 or 64 bits, which need no engine to be hashed."""
    return arrow in (pa.int32(), pa.uint32(), pa.int64(), pa.uint64(), pa.float32(), pa.float64())


def repeated_share(rows: int, sampled: int) -> float:
    """The share of rows that can repeat a value if a random sample shows no value twice, with 95 % certainty.

    A sample of n out of N rows has n² / 2N² · Σ c(c - 1) equal pairs on average, where c is how often a value occurs.
    None are seen, so by the rule of three there are less than three on average. Rows that repeat a value are fewer
    than Σ c(c - 1), whatever the distribution.
    """
    return 6 * rows / sampled**2


def likely_distinct(sampled: CountedValues, rows: int) -> float:
    """A rough number of different values from a sample's (Chao 1984), to choose how many hashes to keep."""
    once, twice = sampled.of_count(1), sampled.of_count(2)
    return float(min(rows, sampled.unique + once * once / (2 * max(twice, 1))))


def top_values(counted: CountedValues) -> CountedValues:
    """The most frequent values, sorted: equally frequent ones by value. Values that occur once only if all are few."""
    if counted.unique > TOP_VALUES:
        ranked = outermost(counted.counts, TOP_VALUES, "descending")
        last = max(counted.counts[ranked[-1].as_py()].as_py(), 2)
        above = pc.greater(counted.counts, making.number(last, pa.int64()))
        level = pc.equal(counted.counts, making.number(last, pa.int64()))
        counted = _together(_where(counted, above), _first(_where(counted, level), TOP_VALUES - above.true_count))
    order = sorted(
        zip(counted.counts.to_pylist(), range(counted.unique), _ranks(counted.values), strict=True),
        key=lambda row: (-row[0], row[2]),
    )
    places = making.numbers([place for _, place, _ in order], pa.int64())
    return CountedValues(counted.values.take(places), counted.counts.take(places))


def frequent_in_sample(sampled: CountedValues, rows: int) -> CountedValues:
    """Values that are frequent in a sample, their counts scaled to `rows`."""
    often = _where(sampled, pc.greater_equal(sampled.counts, making.number(LEAST_SAMPLED, pa.int64())))
    scaled = [round(count * rows / RANDOM_ROWS) for count in often.counts.to_pylist()]
    return CountedValues(often.values, making.numbers(scaled, pa.int64()))


def _where(counted: CountedValues, mask: Arrow) -> CountedValues:
    return CountedValues(counted.values.filter(mask), counted.counts.filter(mask))


def _together(one: CountedValues, other: CountedValues) -> CountedValues:
    return CountedValues(pa.concat_arrays([one.values, other.values]), pa.concat_arrays([one.counts, other.counts]))


def _first(counted: CountedValues, most: int) -> CountedValues:
    """Those of the smallest values."""
    if counted.unique <= most:
        return counted
    places = outermost(counted.values, most, "ascending")
    return CountedValues(counted.values.take(places), counted.counts.take(places))


def _ranks(values: Arrow) -> list[int]:
    ranks = [0] * len(values)
    for rank, place in enumerate(pc.array_sort_indices(values).to_pylist()):
        ranks[place] = rank
    return ranks


def _estimate_of_numbers(column: Arrow, share: float) -> int:
    numbers = DistinctNumbers(share)
    for chunk in chunks_of(column):
        numbers.add(chunk)
    return numbers.estimate()


def _estimate_of_any(column: Arrow, share: float) -> int:
    limit = round(share * 2**64)
    answer = query(
        f"SELECT count(DISTINCT h) AS n FROM (SELECT hash(x) AS h FROM t WHERE x IS NOT NULL) WHERE h < {limit}",  # noqa: S608 - a number of ours
        t=pa.table([column], names=["x"]),
    )
    return round(int(answer.column("n")[0].as_py()) / share)
