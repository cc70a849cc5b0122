"""Edits an experiment document as a person would: comments, order and formatting of all that is untouched stay.

An editor does not check what it writes against the module kinds; check the document afterwards.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from estudio.core.parameter_links import NAME
from estudio.core.parameter_values import shown
from estudio.documents.experiment_document import check_module_name
from estudio.documents.module_checking import MODULE_FIELDS
from estudio.documents.names import near_field
from estudio.documents.replacing_files import replace_file
from estudio.documents.yaml_editing import Splice, YamlText
from estudio.documents.yaml_tree import YamlMapping, YamlScalar, value_of
from estudio.documents.yaml_writing import write_name, write_text
from estudio.errors import ExperimentNotFound, InvalidDocument, InvalidUsage, ModuleNotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from estudio.core.module_kind import Value
    from estudio.documents.yaml_tree import YamlEntry

_NOT_SETTINGS = frozenset({"kind", "parameters"})


class DocumentEditor:
    """An experiment document under edit. Nothing is written before `write`.

    `inputs` of some methods names the input ports of each module, which only its kind and script tell.
    """

    def __init__(self, content: bytes, file: str) -> None:
        """Edit a document's bytes; raises InvalidDocument where they are no YAML of documents."""
        self.file = file
        self._original = content
        self._yaml = YamlText(content, file)

    @classmethod
    def read(cls, path: Path, file: str | None = None) -> DocumentEditor:
        """Edit a document's file.

        Raises:
            ExperimentNotFound: there is none.
            InvalidDocument: it cannot be read.
        """
        name = file or str(path)
        try:
            return cls(path.read_bytes(), name)
        except FileNotFoundError as error:
            raise ExperimentNotFound(f"There is no experiment document {name}: check its name.", file=name) from error
        except OSError as error:
            what = f"The experiment document {name} cannot be read ({error.strerror})"
            raise InvalidDocument(f"{what}: check its permissions.", file=name) from error

    @property
    def text(self) -> str:
        """The document with all edits."""
        return self._yaml.text

    @property
    def content(self) -> bytes:
        """The same as bytes."""
        return self.text.encode()

    def write(self, path: Path) -> bool:
        """Write the document as a whole or not at all; returns whether anything had changed.

        Raises:
            InvalidDocument: the file changed since it was read.
            OutputFailed: it cannot be written.
        """
        written = replace_file(path, self.content, self._original)
        self._original = self.content
        return written

    def set_name(self, name: str) -> None:
        """Set the experiment's name for people."""
        self._yaml.set(("name",), name)

    def set_description(self, description: str) -> None:
        """Set what the experiment says about itself; "" removes it."""
        self._set_or_remove(("description",), description or None)

    def set_experiment_parameter(self, name: str, fields: Mapping[str, Value]) -> None:
        """Set a parameter of the experiment, e.g. `{"type": "integer", "default": 250}`; keeps fields that stay.

        Raises:
            InvalidUsage: a name that parameters cannot have.
        """
        if not NAME.fullmatch(name):
            rule = "use letters, digits, '_' and '-', and begin with a letter or '_'"
            raise InvalidUsage(f"A parameter cannot be called {shown(name)}: {rule}.", parameter=name)
        entry = self._yaml.find(("parameters", name))
        if entry is None or not isinstance(entry.value, YamlMapping):
            self._yaml.set(("parameters", name), dict(fields))
            return
        for field in list(entry.value.entries):
            if field not in fields:
                self._yaml.remove(("parameters", name, field))
        for field, value in fields.items():
            self._yaml.set(("parameters", name, field), value)

    def remove_experiment_parameter(self, name: str) -> None:
        """Remove a parameter of the experiment; links to it stay, and the next check names them."""
        self._yaml.remove(("parameters", name))

    def set_setting(self, module: str, name: str, value: Value) -> None:
        """Set a parameter of a module's kind, its `comment`, or `deterministic`; None removes it.

        Raises:
            ModuleNotFound: there is no such module.
        """
        self._check_module(module)
        if name in _NOT_SETTINGS:
            raise InvalidUsage(f"{name} is no setting of a module that can be changed here.", field=name)
        self._set_or_remove(("modules", module, name), value)

    def set_script_parameter(self, module: str, name: str, value: Value) -> None:
        """Set a parameter of a module's script; None removes it. Raises ModuleNotFound."""
        self._check_module(module)
        self._set_or_remove(("modules", module, "parameters", name), value)
        entry = self._yaml.find(("modules", module, "parameters"))
        if entry is not None and value_of(entry.value) == {}:
            self._yaml.remove(("modules", module, "parameters"))

    def connect(self, module: str, port: str, source: str, output: str | None = None) -> None:
        """Connect an input port to an output of another module, in place of what was connected there.

        Args:
            module: that takes.
            port: its input port.
            source: the module that gives.
            output: its output port; None for the first of the right type.

        Raises:
            ModuleNotFound: there is no such module.
            InvalidUsage: the port's name is that of another field.
        """
        self._check_module(module)
        self._check_module(source)
        if port in MODULE_FIELDS:
            raise InvalidUsage(f"{port} is a field of every module, not a port.", field=port)
        self._yaml.set(("modules", module, port), source if output is None else f"{source}.{output}")

    def disconnect(self, module: str, port: str) -> None:
        """Remove what is connected to an input port. Raises ModuleNotFound."""
        self._check_module(module)
        self._yaml.remove(("modules", module, port))

    def add_module(self, name: str, kind: str, settings: Mapping[str, Value] | None = None) -> None:
        """Place a module after the others; `settings` may hold connections too.

        Raises:
            InvalidUsage: the name is taken, or cannot be one.
        """
        self._check_new_name(name)
        self._yaml.set(("modules", name), {"kind": kind, **(settings or {})})

    def remove_module(self, name: str, inputs: Mapping[str, Collection[str]]) -> None:
        """Remove a module and every connection from it. Raises ModuleNotFound."""
        self._check_module(name)
        paths = [("modules", module, port) for module, port, _ in self._taking(name, inputs) if module != name]
        self._yaml.remove_all([("modules", name), *paths])

    def rename_module(self, old: str, new: str, inputs: Mapping[str, Collection[str]]) -> None:
        """Give a module another name, in every connection from it too.

        Raises:
            ModuleNotFound: there is no such module.
            InvalidUsage: the new name is taken, or cannot be one.
        """
        entry = self._check_module(old)
        if old == new:
            return
        self._check_new_name(new)
        expected = value_of(self._yaml.tree)
        splices = [Splice(entry.key.begin, entry.key.end, write_name(new))]
        for module, port, value in self._taking(old, inputs):
            reference = new + value.text[len(old) :]
            fields = _modules(expected)[module]
            if isinstance(fields, dict):
                fields[port] = reference
            splices.append(Splice(value.begin, value.end, write_text(reference, in_flow=True)))
        modules = _modules(expected)
        renamed = {new if name == old else name: fields for name, fields in modules.items()}
        modules.clear()
        modules.update(renamed)
        self._yaml.apply(splices, expected)

    def _set_or_remove(self, path: tuple[str, ...], value: Value) -> None:
        if value is None:
            self._yaml.remove(path)
        else:
            self._yaml.set(path, value)

    def _check_module(self, name: str) -> YamlEntry:
        entry = self._yaml.find(("modules", name))
        if entry is None or not isinstance(entry.value, YamlMapping):
            modules = self._yaml.find(("modules",))
            names = modules.value.entries if modules and isinstance(modules.value, YamlMapping) else {}
            hint = near_field(name, names.keys())
            raise ModuleNotFound(f"{self.file} has no module {shown(name)}.{hint}", module=name, file=self.file)
        return entry

    def _check_new_name(self, name: str) -> None:
        check_module_name(name)
        if self._yaml.find(("modules", name)) is not None:
            what = f"{self.file} has a module {shown(name)} already: choose another name."
            raise InvalidUsage(what, module=name, file=self.file)

    def _taking(self, name: str, inputs: Mapping[str, Collection[str]]) -> Iterator[tuple[str, str, YamlScalar]]:
        """Every connection from a module: (module, port, what stands there)."""
        reference = re.compile(rf"{re.escape(name)}(?:\..*)?")
        for module, ports in inputs.items():
            for port in ports:
                entry = self._yaml.find(("modules", module, port))
                if entry is not None and isinstance(entry.value, YamlScalar) and reference.fullmatch(entry.value.text):
                    yield module, port, entry.value


def _modules(document: Value) -> dict[str, Value]:
    modules = document.get("modules") if isinstance(document, dict) else None
    return modules if isinstance(modules, dict) else {}
