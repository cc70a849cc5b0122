"""Histograms, box plots and scatter plots as SVG, for a page: figures in, text out.

Coordinates are computed here from numbers alone; every text passes through `escaped`.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from estudio.tables.preview import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.statistics import BoxPlot, Histogram, Scatter, Value

WIDTH = 320
"""Of every picture in units of its own; the page scales it."""
BAR_HEIGHT = 80
BOX_HEIGHT = 22
SCATTER_HEIGHT = 220
MAX_LABEL_CHARACTERS = 200
_MARGIN = 4


def escaped(text: str, most: int = MAX_LABEL_CHARACTERS) -> str:
    """Text from outside for HTML: at most `most` characters, signs that cannot be seen shown as escapes."""
    return escape(printable(text, most))


def value_text(value: Value | None) -> str:
    """A value of a column for HTML: whole numbers in full, others with six significant digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, bool):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def histogram_picture(histogram: Histogram, *, approximate: bool) -> str:
    """Bars between the edges; hovering shows a bin's edges and count."""
    most = max(histogram.counts)
    width = WIDTH / len(histogram.counts)
    bars = "".join(
        _bar(place * width, width, count / most if most else 0.0, _bin_words(edges, count, approximate=approximate))
        for place, (count, edges) in enumerate(zip(histogram.counts, pairwise(histogram.edges), strict=True))
    )
    return _picture("histogram", BAR_HEIGHT, "histogram", bars)


def _bar(left: float, width: float, share: float, words: str) -> str:
    height = max(share * BAR_HEIGHT, 1.0) if share else 0.0
    return (
        f'<g><title>{words}</title><rect class="reach" x="{left:.2f}" y="0" width="{width:.2f}" height="{BAR_HEIGHT}"/>'
        f'<rect class="bar" x="{left + 0.5:.2f}" y="{BAR_HEIGHT - height:.2f}" width="{max(width - 1, 0.5):.2f}" '
        f'height="{height:.2f}"/></g>'
    )


def _bin_words(edges: tuple[Value, Value], count: int, *, approximate: bool) -> str:
    return f"{value_text(edges[0])} to {value_text(edges[1])}: {'≈' if approximate else ''}{count:,}"


def box_picture(box: BoxPlot, least: float, most: float) -> str:
    """A box plot on the axis of the histogram above it."""

    def at(value: float) -> str:
        return f"{_place(value, least, most, WIDTH):.2f}"

    middle = BOX_HEIGHT / 2
    left, right = float(at(box.first_quartile)), float(at(box.third_quartile))
    dots = "".join(
        f'<path class="dot" d="M{at(value)} {middle}h0"><title>{value_text(value)}</title></path>'
        for value in (*box.low_outliers, *box.high_outliers)
    )
    lines = "".join(
        f'<line x1="{at(x1)}" y1="{y1}" x2="{at(x2)}" y2="{y2}"/>'
        for x1, y1, x2, y2 in (
            (box.lower_whisker, middle, box.first_quartile, middle),
            (box.third_quartile, middle, box.upper_whisker, middle),
            (box.lower_whisker, 6, box.lower_whisker, BOX_HEIGHT - 6),
            (box.upper_whisker, 6, box.upper_whisker, BOX_HEIGHT - 6),
        )
    )
    median = f'<line class="median" x1="{at(box.median)}" y1="3" x2="{at(box.median)}" y2="{BOX_HEIGHT - 3}"/>'
    words = (
        f"<title>quartiles {value_text(box.first_quartile)}, {value_text(box.median)}, "
        f"{value_text(box.third_quartile)}; whiskers {value_text(box.lower_whisker)} to "
        f"{value_text(box.upper_whisker)}</title>"
    )
    body = f'<rect class="box" x="{left}" y="3" width="{max(right - left, 1):.2f}" height="{BOX_HEIGHT - 6}"/>'
    return _picture("box plot", BOX_HEIGHT, "boxplot", f"<g>{words}{lines}{body}{median}</g>{dots}")


def scatter_picture(scatter: Scatter) -> str:
    """Points of two columns, the second one upwards."""
    if not scatter.points:
        return "<p>No row has a number in both columns.</p>"
    xs, ys = zip(*scatter.points, strict=True)
    width, height = WIDTH - 2 * _MARGIN, SCATTER_HEIGHT - 2 * _MARGIN
    ends = (min(xs), max(xs), min(ys), max(ys))
    dots = "".join(
        f'<path class="dot" d="M{_MARGIN + _place(x, ends[0], ends[1], width):.1f} '
        f'{SCATTER_HEIGHT - _MARGIN - _place(y, ends[2], ends[3], height):.1f}h0"/>'
        for x, y in scatter.points
    )
    return _picture(f"scatter plot of {escaped(scatter.y)} by {escaped(scatter.x)}", SCATTER_HEIGHT, "scatter", dots)


def share_bar(share: float) -> str:
    """A horizontal bar of a share from 0 to 1."""
    width = max(0.0, min(share, 1.0)) * 100
    return _picture("share", 8, "share", f'<rect class="bar" x="0" y="0" width="{width:.2f}" height="8"/>', width=100)


def _place(value: float, least: float, most: float, length: float) -> float:
    """Where a value stands on an axis; halves, so that no difference is larger than any float."""
    span = most / 2 - least / 2
    share = (value / 2 - least / 2) / span if span else 0.5
    return min(max(share, 0.0), 1.0) * length


def _picture(label: str, height: int, name: str, content: str, width: int = WIDTH) -> str:
    return (
        f'<svg class="{name}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{content}</svg>'
    )


def axis_labels(ends: Sequence[Value]) -> str:
    """The first and the last value under a picture."""
    return f'<div class="axis"><span>{value_text(ends[0])}</span><span>{value_text(ends[-1])}</span></div>'
