"""Environments as Rich tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.environment import DIGEST_CHARACTERS
from estudio.cli.untrusted_text import neutralise_line
from estudio.cli.values import size_words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from estudio.workspace.environments import EnvironmentSummary


def environments_table(environments: tuple[EnvironmentSummary, ...]) -> RenderableType:
    """One row for each environment."""
    if not environments:
        return Text("There are no environments here.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for head in ("environment", "python", "packages", "built", "digest", "from"):
        table.add_column(head, justify="right" if head == "packages" else "left", overflow="fold")
    for summary in environments:
        cells = (
            summary.name,
            summary.python,
            str(len(summary.packages)),
            _built(summary),
            summary.digest[:DIGEST_CHARACTERS],
            summary.source,
        )
        table.add_row(*(Text(neutralise_line(cell)) for cell in cells))
    return table


def environment_parts(summary: EnvironmentSummary) -> tuple[RenderableType, ...]:
    """The facts of one environment, then its packages."""
    facts = {
        "python": summary.python,
        "built": _built(summary),
        "folder": "" if summary.folder is None else str(summary.folder),
        "digest": summary.digest,
        "from": summary.source,
    }
    lines = [Text(f"{name:<8}{neutralise_line(value)}", overflow="fold") for name, value in facts.items() if value]
    packages = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    packages.add_column("package")
    packages.add_column("version")
    for name, version in summary.packages:
        packages.add_row(Text(neutralise_line(name)), Text(neutralise_line(version)))
    return (Text(neutralise_line(summary.name), style="bold"), *lines, Text(), packages)


def _built(summary: EnvironmentSummary) -> str:
    if summary.folder is None:
        return "no"
    return "yes" if summary.size_bytes is None else f"yes, {size_words(summary.size_bytes)}"
