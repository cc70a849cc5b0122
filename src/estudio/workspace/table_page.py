"""A look as one self-contained HTML page: no script, nothing loaded from anywhere, light and dark.

Names, values, logs and pictures come from people and scripts. All text is escaped, pictures enter as PNG data only,
and a content security policy in the page itself forbids everything else.
"""

from __future__ import annotations

import base64
import re
from html import escape
from typing import TYPE_CHECKING

from estudio.core.counted_words import counted
from estudio.core.statistics import ColumnStatistics, FeatureType, Figure
from estudio.workspace.page_pictures import (
    axis_labels,
    box_picture,
    escaped,
    histogram_picture,
    scatter_picture,
    share_bar,
    value_text,
)
from estudio.workspace.page_style import STYLE

if TYPE_CHECKING:
    from estudio.core.outcome import Image
    from estudio.core.statistics import Scatter, TableStatistics
    from estudio.tables.preview import Preview, PreviewColumn
    from estudio.workspace.looks import Look

MAX_COLUMNS = 500
"""Columns with pictures: about a megabyte of page."""
MAX_LOG_CHARACTERS = 1_000_000
"""Of what a script printed; the end of it, where errors stand."""
MAX_PAIRED_CHARACTERS = 14
"""Of a figure that has another one beside it."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_COLOURS = re.compile(r"\x1b\[[0-9;:]{0,40}m")


def look_page(look: Look) -> str:
    """The whole page of a look, UTF-8 text."""
    parts = [_header(look)]
    if look.statistics is not None:
        parts.append(_columns(look.statistics))
    if look.scatter is not None:
        parts.append(_scatter(look.scatter))
    if look.preview is not None and look.preview.columns:
        parts.append(_first_rows(look.preview))
    if look.images:
        parts.append(f"<section><h2>Pictures</h2>{''.join(map(_image, look.images))}</section>")
    if look.log:
        parts.append(f"<section><h2>Log</h2>{_log(look.log)}</section>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(look.title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _header(look: Look) -> str:
    words = "what the script printed and drew"
    if look.statistics is not None:
        words = f"{counted(look.statistics.row_count, 'row')}, {counted(len(look.statistics.columns), 'column')}"
    return f"<header><h1><bdi>{escaped(look.title)}</bdi></h1><p>{words}</p></header>"


def _columns(statistics: TableStatistics) -> str:
    cards = "".join(_card(column, statistics.row_count) for column in statistics.columns[:MAX_COLUMNS])
    more = len(statistics.columns) - MAX_COLUMNS
    rest = f"<p>… {counted(more, 'more column')}</p>" if more > 0 else ""
    approximate = any(column.approximate for column in statistics.columns)
    note = "<p>≈ marks an estimate: above 262,144 rows some figures come from a sample.</p>" if approximate else ""
    return f'<section><h2>Columns</h2><div class="cards">{cards}</div>{rest}{note}</section>'


def _card(column: ColumnStatistics, rows: int) -> str:
    return (
        f"<article><h3><bdi>{escaped(column.name)}</bdi> <small>{escaped(column.type)}</small></h3>"
        f"{_picture(column)}{_figures(column, rows)}</article>"
    )


def _picture(column: ColumnStatistics) -> str:
    if column.histogram is not None:
        approximate = column.is_approximate(Figure.HISTOGRAM)
        picture = histogram_picture(column.histogram, approximate=approximate)
        edges = column.histogram.edges
        first, last = edges[0], edges[-1]
        if column.box_plot is not None and not isinstance(first, str) and not isinstance(last, str):
            picture += box_picture(column.box_plot, float(first), float(last))
        return picture + axis_labels(edges)
    if column.top_values:
        return _top_values(column)
    return '<p class="none">no values</p>' if not column.count else '<p class="none">no value is frequent</p>'


def _top_values(column: ColumnStatistics) -> str:
    sign = "≈" if column.is_approximate(Figure.TOP_VALUES) else ""
    rows = "".join(
        f"<tr><td><bdi>{_top_text(top.value, cut=top.cut)}</bdi></td><td>{share_bar(top.count / column.count)}</td>"
        f"<td>{sign}{top.count:,}</td></tr>"
        for top in column.top_values
    )
    return f'<table class="top"><tbody>{rows}</tbody></table>'


def _top_text(value: object, *, cut: bool) -> str:
    if value == "":
        return '<span class="none">empty text</span>'
    text = value_text(value) if isinstance(value, int | float | bool | str) else ""
    return f"{text}…" if cut else text


def _figures(column: ColumnStatistics, rows: int) -> str:
    share = f" ({100 * column.missing / rows:.1f} %)" if column.missing else ""
    unique = "" if column.unique is None else _approximate(column, Figure.UNIQUE) + f"{column.unique:,}"
    figures = [
        ("count", f"{column.count:,}"),
        ("missing", f"{column.missing:,}{share}"),
        ("min", value_text(column.min)),
        ("max", value_text(column.max)),
        ("mean", value_text(column.mean)),
        ("median", value_text(column.median)),
        ("std", value_text(column.standard_deviation)),
        ("unique", unique),
        ("infinite", f"{column.infinite:,}" if column.infinite else ""),
        ("length", _lengths(column)),
    ]
    wide = ' class="wide"' if any(len(words) > MAX_PAIRED_CHARACTERS for _, words in figures) else ""
    return (
        f"<dl{wide}>{''.join(f'<div><dt>{name}</dt><dd>{words}</dd></div>' for name, words in figures if words)}</dl>"
    )


def _approximate(column: ColumnStatistics, figure: Figure) -> str:
    return "≈" if column.is_approximate(figure) else ""


def _lengths(column: ColumnStatistics) -> str:
    if column.lengths is None:
        return ""
    unit = "values" if column.feature_type is FeatureType.LIST else "bytes"
    return f"{column.lengths.shortest:,} to {column.lengths.longest:,} {unit}"


def _scatter(scatter: Scatter) -> str:
    shown = len(scatter.points)
    of_all = f" of {scatter.row_count:,}" if shown < scatter.row_count else ""
    return (
        f"<section><h2><bdi>{escaped(scatter.y)}</bdi> by <bdi>{escaped(scatter.x)}</bdi></h2>"
        f'<div class="plot"><div class="axis up"><span>{value_text(scatter.y_ends[1])}</span>'
        f"<span>{value_text(scatter.y_ends[0])}</span></div>"
        f"<div>{scatter_picture(scatter)}{axis_labels(scatter.x_ends)}</div></div>"
        f"<p>{shown:,}{of_all} {'row' if scatter.row_count == 1 else 'rows'}</p></section>"
    )


def _first_rows(preview: Preview) -> str:
    head = "".join(_head(column) for column in preview.columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in preview.rows)
    shown = f"the first {len(preview.rows):,} of {counted(preview.row_count, 'row')}"
    more = preview.column_count - len(preview.columns)
    columns = f", {counted(more, 'more column')}" if more else ""
    return (
        f'<section><h2>First rows</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div><p>{shown}{columns}</p></section>"
    )


def _head(column: PreviewColumn) -> str:
    return f"<th><bdi>{escaped(column.name)}</bdi><br><small>{escaped(column.words)}</small></th>"


def _cell(text: str | None) -> str:
    return '<td class="none">missing</td>' if text is None else f"<td><bdi>{escape(text)}</bdi></td>"


def _image(image: Image) -> str:
    data = base64.b64encode(image.png).decode("ascii")
    name = escaped(image.name)
    return f'<figure><img alt="{name}" src="data:image/png;base64,{data}"><figcaption>{name}</figcaption></figure>'


def _log(log: str) -> str:
    """The end of a log; colours are dropped, other signs that cannot be seen are shown as escapes."""
    kept = _COLOURS.sub("", log[-MAX_LOG_CHARACTERS:]).replace("\r\n", "\n")
    shown = "".join(char if char.isprintable() or char in "\n\t" else _shown(char) for char in kept)
    cut = (
        f"<p>… the last {MAX_LOG_CHARACTERS:,} of {len(log):,} characters</p>" if len(log) > MAX_LOG_CHARACTERS else ""
    )
    return f"{cut}<pre>{escape(shown)}</pre>"


def _shown(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
