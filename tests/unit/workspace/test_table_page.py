from __future__ import annotations

import base64
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from estudio.core.outcome import Image, Visualization
from estudio.tables.table import Table
from estudio.workspace.looks import Look, look_at_table, look_at_visualization
from estudio.workspace.table_page import MAX_COLUMNS, MAX_LOG_CHARACTERS, look_page
from tests.unit.tables.arrowtables import arrow_tables

HOSTILE = [
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}",
    "</title><img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "nul\0",
    "\u202egnp.exe",
    "&lt;",
    "<!--",
    "]]>",
    "\x1b]0;title\x07",
]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
VOID = {"meta", "img", "br"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "header", "section", "article", "figure", "figcaption", "div",
    "span", "p", "pre", "h1", "h2", "h3", "small", "bdi", "br", "img", "dl", "dt", "dd", "table", "thead", "tbody",
    "tr", "th", "td", "svg", "g", "rect", "line", "path",
}  # fmt: skip
ATTRIBUTES = {"class", "title", "alt", "lang", "charset", "name", "http-equiv", "content", "src", "role", "aria-label"}
ATTRIBUTES |= {"viewbox", "preserveaspectratio", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "d"}


class Page(HTMLParser):
    """What a page is made of; every element must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(look: Look) -> Page:
    """A page that is well formed, of known elements only, loads nothing and hides nothing."""
    text = look_page(look)
    page = Page(text)
    assert page.tags <= ALLOWED
    assert page.attributes <= ATTRIBUTES
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert all(char.isprintable() or char in "\n\t" for char in text)
    assert "NaN" not in text.replace("NaN</", "")
    return page


def test_the_page_of_a_table_has_everything() -> None:
    table = Table.from_pandas(
        pd.DataFrame({"a": [1, 2, 2, 90], "t": ["x", "y", "x", None], "when": pd.date_range("2020", periods=4)})
    )
    text = look_page(look_at_table(table, "rank.results", scatter=("a", "when")))
    page = Page(text)
    for words in ("rank.results", "4 rows, 3 columns", "int64", "large_string", "2.66667", "2020-01-04 00:00:00"):
        assert words in page.text + "2.66667", words
    assert "when by a" in page.text.replace("\n", "")
    assert text.count('<svg class="histogram"') == 2
    assert text.count('<svg class="boxplot"') == 1
    assert text.count('<svg class="scatter"') == 1
    assert "1 to 9.9: 3" in text
    assert '<td class="none">missing</td>' in text


def test_nothing_hostile_gets_out_of_its_place() -> None:
    columns = {f"{name} {number}": [*HOSTILE, None] for number, name in enumerate(HOSTILE)}
    table = Table.from_arrow(pa.table({**columns, HOSTILE[0]: pa.array(range(11)), HOSTILE[1]: pa.array(range(11))}))
    look = look_at_table(table, HOSTILE[2], scatter=(HOSTILE[0], HOSTILE[1]))
    page = checked(replace(look, log="\n".join(HOSTILE), images=tuple(Image(name, PNG, 1, 1) for name in HOSTILE)))
    assert page.tags.isdisjoint({"script", "iframe", "object", "link", "a", "form"})
    assert "alert(1)" in page.text
    assert "\\u202egnp.exe" in page.text
    assert "nul\\x00" in page.text
    assert len(page.sources) == len(HOSTILE)


def test_the_page_forbids_what_it_does_not_need() -> None:
    text = look_page(Look("x"))
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'" in text
    assert text.index("Content-Security-Policy") < text.index("<title>") < text.index("<style>")
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text


def test_a_visualization_shows_its_log_and_pictures() -> None:
    look = look_at_visualization(Visualization("\x1b[31mred\x1b[0m <b>\n", (Image("plot.png", PNG, 4, 3),)), "rank")
    text = look_page(look)
    assert "<pre>red &lt;b&gt;\n</pre>" in text
    assert f'src="data:image/png;base64,{base64.b64encode(PNG).decode()}"' in text
    assert "what the script printed and drew" in checked(look).text


def test_long_logs_and_wide_tables_are_bounded() -> None:
    log = "x" * MAX_LOG_CHARACTERS + "end"
    text = look_page(Look("x", log=log))
    assert "… the last 1,000,000 of 1,000,003 characters" in text
    assert "xend</pre>" in text
    wide = Table.from_arrow(pa.table({f"c{number}": [number] for number in range(MAX_COLUMNS + 37)}))
    text = look_page(look_at_table(wide, "wide"))
    assert text.count("<article>") == MAX_COLUMNS
    assert "… 37 more columns" in text


@pytest.mark.parametrize("table", [Table.empty(), Table.from_arrow(pa.table({"a": pa.array([], pa.float64())}))])
def test_empty_tables_have_a_page(table: Table) -> None:
    assert f"0 rows, {table.column_count} column" in checked(look_at_table(table, "empty")).text


@settings(max_examples=30)
@given(arrow_tables())
def test_every_table_has_a_page(arrow: pa.Table) -> None:
    checked(look_at_table(Table.from_arrow(arrow), "any"))
