"""Prints a benchmark's table, and appends it to RESULTS.md when asked.

The load average is taken before and after: a run whose load rose by others' work is to be taken again, not quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import load_average, machine_facts

RESULTS = Path(__file__).parents[1] / "RESULTS.md"


@dataclass(slots=True)
class Report:
    """One program's answer: a title, a table, and what a reader has to know to read it."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    load_before: str = field(default_factory=load_average)

    def add(self, *cells: str) -> None:
        """One more row; missing cells at the end are empty."""
        if len(cells) > len(self.columns):
            raise ValueError(f"a row of {len(cells)} cells in a table of {len(self.columns)} columns")
        self.rows.append((*cells, *[""] * (len(self.columns) - len(cells))))

    def note(self, text: str) -> None:
        """One more line below the table."""
        self.notes.append(text)


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a plain terminal too."""
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    lines = [[*columns], ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def document(report: Report, *, facts: Sequence[str], load_after: str) -> str:
    """The report as a section of RESULTS.md."""
    parts = [f"## {report.name}: {report.title}", aligned(report.columns, report.rows)]
    if report.notes:
        parts.append("\n".join(f"- {note}" for note in report.notes))
    parts.append("\n".join([*facts, f"load average before {report.load_before}, after {load_after}"]))
    return "\n\n".join(parts) + "\n"


def publish(report: Report, *, versions: str, record: bool, quick: bool) -> None:
    """Print a finished report; append it to RESULTS.md where `record` says so."""
    facts = [*machine_facts(), f"environment: {versions}"]
    if quick:
        facts.append("a quick run: too few calls to quote")
    text = document(report, facts=facts, load_after=load_average())
    print(text, flush=True)
    if record:
        with RESULTS.open("a", encoding="utf-8") as stream:
            stream.write(("" if stream.tell() else "# Results\n") + "\n" + text)
