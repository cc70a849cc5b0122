"""What stands at the input ports of a document's modules: whether each names an output port of the right type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.experiment import OutputReference
from estudio.core.parameter_values import shown
from estudio.documents.problems import ProblemCode
from estudio.documents.yaml_tree import YamlList, YamlScalar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from estudio.core.module_kind import InputPort
    from estudio.documents.module_checking import CheckedModule
    from estudio.documents.names import NearNames
    from estudio.documents.problems import ProblemList
    from estudio.documents.yaml_tree import YamlEntry


class ConnectionChecker:
    """Checks all connections of one document."""

    def __init__(
        self,
        modules: Mapping[str, CheckedModule],
        names: Collection[str],
        problems: ProblemList,
        near: NearNames,
    ) -> None:
        self._modules = modules
        self._names = names
        self._problems = problems
        self._near = near

    def check(self) -> dict[str, dict[str, OutputReference]]:
        """The sound connections of each module; the others are noted."""
        return {name: self._connections(checked) for name, checked in self._modules.items()}

    def _connections(self, checked: CheckedModule) -> dict[str, OutputReference]:
        ports = {port.name: port for port in checked.shape.inputs}
        found = {}
        for name, entry in checked.connections.items():
            reference = self._reference(ports[name], entry)
            if reference is not None:
                found[name] = reference
        if checked.is_complete:
            self._check_required(checked)
        return found

    def _check_required(self, checked: CheckedModule) -> None:
        for port in checked.shape.inputs:
            if not port.optional and port.name not in checked.connections:
                words = f"the module {shown(checked.name)} has nothing at its input {port.name}, which it needs"
                mend = f"write '{port.name}: MODULE'"
                self._problems.add(checked.place, ProblemCode.MISSING_INPUT, f"{words}: {mend}")

    def _reference(self, port: InputPort, entry: YamlEntry) -> OutputReference | None:
        place, value = entry.value.place, entry.value
        if isinstance(value, YamlList):
            count = len(value.items)
            words = f"{port.name} is a list of {count}, but one port takes one connection"
            self._problems.add(place, ProblemCode.SECOND_CONNECTION, f"{words}: write MODULE or MODULE.PORT")
            return None
        if not isinstance(value, YamlScalar):
            words = f"{port.name} is a mapping, but a connection is text: write MODULE or MODULE.PORT"
            self._problems.add(place, ProblemCode.WRONG_TYPE, words)
            return None
        if not value.text or (value.value is None and value.text not in self._names):
            words = f"{port.name} has no value: write the module that it takes from, or remove the line"
            self._problems.add(place, ProblemCode.MISSING_VALUE, words)
            return None
        name, dot, output = value.text.partition(".")
        source = self._source(port, name, value)
        if source is None:
            return None
        return self._named(port, source, output, value) if dot else self._first(port, source, value)

    def _source(self, port: InputPort, name: str, value: YamlScalar) -> CheckedModule | None:
        if name in self._modules:
            source = self._modules[name]
            return source if source.kind is not None else None
        if name in self._names:
            return None  # it has no fields, which was noted
        hint = self._near.hint(name, self._names)
        words = f"{port.name} takes from {shown(value.text)}, but there is no module {shown(name)}.{hint}"
        self._problems.add(value.place, ProblemCode.UNKNOWN_MODULE, words)
        return None

    def _named(self, port: InputPort, source: CheckedModule, name: str, value: YamlScalar) -> OutputReference | None:
        outputs = {output.name: output for output in source.shape.outputs}
        if name not in outputs:
            if source.is_complete:
                hint = self._near.hint(name, outputs)
                words = (
                    f"{port.name} takes from {shown(value.text)}, but {source.name} has no output {shown(name)}.{hint}"
                )
                self._problems.add(value.place, ProblemCode.UNKNOWN_PORT, words)
            return None
        if outputs[name].type is not port.type:
            words = f"{port.name} takes a {port.type.value}, but {value.text} gives a {outputs[name].type.value}"
            self._problems.add(value.place, ProblemCode.PORT_TYPE, f"{words}: {self._mend(port, source)}")
            return None
        return OutputReference(source.name, name)

    def _first(self, port: InputPort, source: CheckedModule, value: YamlScalar) -> OutputReference | None:
        """The first output of the port's type."""
        for output in source.shape.outputs:
            if output.type is port.type:
                return OutputReference(source.name, output.name)
        if source.is_complete:
            given = ", ".join(f"{output.name} ({output.type.value})" for output in source.shape.outputs)
            words = f"{port.name} takes a {port.type.value}, but {value.text} gives {given or 'nothing'}"
            self._problems.add(value.place, ProblemCode.PORT_TYPE, f"{words}: {self._mend(port, source)}")
        return None

    @staticmethod
    def _mend(port: InputPort, source: CheckedModule) -> str:
        fitting = [f"{source.name}.{output.name}" for output in source.shape.outputs if output.type is port.type]
        return f"write {' or '.join(fitting)}" if fitting else f"connect a module that gives a {port.type.value}"
