"""Datasets on screen: as a list, and one with its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from estudio.cli.history_report import local_time
from estudio.cli.untrusted_text import neutralise_line
from estudio.cli.values import size_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from estudio.core.dataset import Dataset

MAX_LISTED_VERSIONS = 20


def datasets_table(datasets: Sequence[Dataset]) -> RenderableType:
    """Datasets, one for each line."""
    if not datasets:
        return Text("There are no datasets yet; `estudio dataset add FILE` saves one.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="")
    for heading in ("dataset", "type", "rows", "columns", "size", "saved"):
        table.add_column(heading, justify="right" if heading in {"rows", "columns", "size"} else "left")
    for dataset in datasets:
        table.add_row(
            Text(neutralise_line(dataset.reference)),
            dataset.type,
            "" if dataset.row_count is None else f"{dataset.row_count:,}",
            f"{len(dataset.columns):,}" if dataset.columns else "",
            size_words(dataset.size_bytes),
            local_time(dataset.created_at),
        )
    return table


def dataset_parts(dataset: Dataset, versions: Sequence[Dataset]) -> tuple[RenderableType, ...]:
    """Where a dataset came from, and its other versions."""
    head = f"{dataset.reference}: {dataset.type} from {dataset.file_name}, {size_words(dataset.size_bytes)}"
    others = ", ".join(f"{each.version} of {local_time(each.created_at)}" for each in versions[:MAX_LISTED_VERSIONS])
    return Text(neutralise_line(head), style="bold"), Text(f"Versions: {others}")
