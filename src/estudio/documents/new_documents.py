"""The texts of documents that do not exist yet: what `estudio init` and a new experiment begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.experiment import DOCUMENT_VERSION
from estudio.documents.editing import DocumentEditor
from estudio.documents.yaml_writing import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.module_kind import Value

SCHEMA_FILE = "experiment.schema.json"
"""Beside the documents: editors find it by a relative path, also in a fresh clone."""
SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA_FILE}"
"""The first line of a document; editors with a YAML language server complete fields by it."""


def new_document(name: str, modules: Mapping[str, Mapping[str, Value]] | None = None) -> str:
    """The text of a new experiment document.

    Args:
        name: the experiment's, for people.
        modules: for each module its fields, `kind` first.
    """
    head = f"{SCHEMA_LINE}\nestudio: {DOCUMENT_VERSION}\nname: {write_text(name)}\nmodules: {{}}\n"
    editor = DocumentEditor(head.encode(), "a new document")
    for module, fields in (modules or {}).items():
        editor.add_module(module, str(fields["kind"]), {name: fields[name] for name in fields if name != "kind"})
    return editor.text
