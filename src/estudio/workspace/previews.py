"""The first rows of a table, for people."""

from estudio.tables.preview import Preview
from estudio.tables.preview import preview as preview_table

__all__ = ["Preview", "preview_table"]
