"""One module's entry: which of its fields are ports and which are settings, and whether each setting fits.

It takes two looks: the kind's own fields first, so that the shape can be asked for, then what the script adds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estudio.core.experiment import Module
from estudio.core.module_kind import ModuleShape, Parameter, ParameterType
from estudio.core.parameter_values import shown
from estudio.documents.experiment_document import read_string
from estudio.documents.problems import ProblemCode
from estudio.documents.yaml_tree import YamlMapping, YamlScalar, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from estudio.core.experiment import OutputReference
    from estudio.core.module_kind import ModuleKind, Value
    from estudio.documents.names import NearNames
    from estudio.documents.problems import ProblemList
    from estudio.documents.setting_checking import SettingChecker
    from estudio.documents.yaml_tree import YamlEntry

MODULE_FIELDS = ("kind", "comment", "deterministic", "parameters")
"""Of every module, beside its kind's ports and parameters."""


@dataclass(slots=True)
class CheckedModule:
    """What is known of one module while its document is checked.

    Attributes:
        name: in the document.
        place: of its name.
        kind: None where that is unknown.
        shape: the kind's, until the module's own is known.
        is_complete: whether `shape` is the module's own.
        has_sound_paths: whether its shape can be asked for.
        settings: those found so far, with links in place.
        connections: what stands at its input ports.
        left: fields that only the module's own shape can explain.
    """

    name: str
    place: tuple[int, int]
    kind: ModuleKind | None
    shape: ModuleShape
    comment: str = ""
    deterministic: bool = True
    is_complete: bool = False
    has_sound_paths: bool = True
    settings: dict[str, Value] = field(default_factory=dict)
    parameters: dict[str, Value] = field(default_factory=dict)
    connections: dict[str, YamlEntry] = field(default_factory=dict)
    left: dict[str, YamlEntry] = field(default_factory=dict)
    own: YamlEntry | None = None

    @property
    def kind_name(self) -> str:
        """For messages."""
        return self.kind.name if self.kind else ""

    def module(self, connections: Mapping[str, OutputReference]) -> Module:
        """The value for all the others."""
        settings, parameters = dict(self.settings), dict(self.parameters)
        return Module(self.name, self.kind_name, settings, parameters, connections, self.comment, self.deterministic)


class ModuleChecker:
    """Checks the modules of one document."""

    def __init__(
        self, kinds: Mapping[str, ModuleKind], settings: SettingChecker, problems: ProblemList, near: NearNames
    ) -> None:
        self._kinds = kinds
        self._settings = settings
        self._problems = problems
        self._near = near
        self._by_kind: dict[str, tuple[frozenset[str], dict[str, Parameter]]] = {}

    def check(self, name: str, tree: YamlMapping, place: tuple[int, int]) -> CheckedModule:
        """The first look: what needs no script."""
        kind = self._kind(name, tree, place)
        shape = kind.shape if kind else ModuleShape()
        checked = CheckedModule(name, place, kind, shape)
        checked.comment = read_string(tree, "comment", self._problems) if "comment" in tree.entries else ""
        if "deterministic" in tree.entries:
            checked.deterministic = self._deterministic(tree.entries["deterministic"])
        checked.own = tree.entries.get("parameters")
        inputs, parameters = self._fields(kind)
        for written, entry in tree.entries.items():
            if written in parameters:
                self._setting(checked, parameters[written], entry)
            elif written in inputs:
                checked.connections[written] = entry
            elif written not in MODULE_FIELDS:
                checked.left[written] = entry
        if kind is not None:
            checked.has_sound_paths &= self._has_required(checked, kind.shape.parameters)
        self._read_own(checked)
        return checked

    def finish(self, checked: CheckedModule, shape: ModuleShape | None) -> None:
        """The second look, with the module's own shape; None where that cannot be had."""
        if checked.kind is None:
            return
        if shape is not None:
            checked.shape, checked.is_complete = shape, True
        inputs = {port.name for port in checked.shape.inputs}
        parameters = {parameter.name: parameter for parameter in checked.shape.parameters}
        for written, entry in checked.left.items():
            if written in inputs:
                checked.connections[written] = entry
            elif written in parameters:
                self._setting(checked, parameters[written], entry)
            elif shape is not None or not (checked.kind.declares_more and _continues(written, inputs)):
                self._unknown(checked, written, entry)
        if shape is not None:
            added = [parameter for parameter in shape.parameters if parameter not in checked.kind.shape.parameters]
            self._has_required(checked, added)
            self._check_own(checked, shape)

    def _fields(self, kind: ModuleKind | None) -> tuple[frozenset[str], dict[str, Parameter]]:
        if kind is None:
            return frozenset(), {}
        if kind.name not in self._by_kind:
            inputs = frozenset(port.name for port in kind.shape.inputs)
            self._by_kind[kind.name] = inputs, {parameter.name: parameter for parameter in kind.shape.parameters}
        return self._by_kind[kind.name]

    def _kind(self, name: str, tree: YamlMapping, place: tuple[int, int]) -> ModuleKind | None:
        entry = tree.entries.get("kind")
        if entry is None:
            words = f"the module {shown(name)} has no kind: write 'kind: …'"
            hint = self._near.hint("", self._kinds)
            self._problems.add(place, ProblemCode.MISSING_FIELD, f"{words}.{hint}" if hint else words)
            return None
        text = entry.value.text if isinstance(entry.value, YamlScalar) else ""
        if text not in self._kinds:
            hint = self._near.hint(text, self._kinds)
            words = f"the module {shown(name)} is of the kind {shown(text)}, which does not exist.{hint}"
            self._problems.add(entry.value.place, ProblemCode.UNKNOWN_KIND, words)
            return None
        return self._kinds[text]

    def _deterministic(self, entry: YamlEntry) -> bool:
        parameter = Parameter("deterministic", ParameterType.BOOLEAN, default=True, required=True)
        sound = self._settings.check(parameter, entry)
        value = value_of(entry.value)
        if sound and not isinstance(value, bool):
            words = "deterministic holds a link: write true or false"
            self._problems.add(entry.value.place, ProblemCode.WRONG_LINK, words)
        return value is not False

    def _setting(self, checked: CheckedModule, parameter: Parameter, entry: YamlEntry) -> None:
        sound = self._settings.check(parameter, entry)
        value = value_of(entry.value)
        if parameter.type is ParameterType.PATH and not (sound and self._settings.is_known(value)):
            checked.has_sound_paths = False
        if value is not None:
            checked.settings[parameter.name] = value

    def _has_required(self, checked: CheckedModule, parameters: Iterable[Parameter]) -> bool:
        missing = [
            parameter for parameter in parameters if parameter.required and parameter.name not in checked.settings
        ]
        for parameter in missing:
            words = (
                f"the module {shown(checked.name)} has no {parameter.name}, which the kind {checked.kind_name} needs"
            )
            mend = f"write '{parameter.name}: …'" + (f" ({parameter.words})" if parameter.words else "")
            self._problems.add(checked.place, ProblemCode.MISSING_FIELD, f"{words}: {mend}")
        return not missing

    def _unknown(self, checked: CheckedModule, written: str, entry: YamlEntry) -> None:
        shape = checked.shape
        if written in {parameter.name for parameter in shape.script_parameters}:
            words = f"{shown(written)} is a parameter of the script: write it below 'parameters:' of the module"
            self._problems.add(entry.key.place, ProblemCode.UNKNOWN_FIELD, words)
            return
        known = [*MODULE_FIELDS, *(port.name for port in shape.inputs), *(item.name for item in shape.parameters)]
        hint = self._near.hint(written, known)
        words = (
            f"the module {shown(checked.name)} has a field {shown(written)}, unknown to its kind {checked.kind_name}"
        )
        self._problems.add(entry.key.place, ProblemCode.UNKNOWN_FIELD, f"{words}.{hint}")

    def _read_own(self, checked: CheckedModule) -> None:
        """What stands below `parameters:`, without knowing yet what the script declares."""
        entry = checked.own
        if entry is None or (isinstance(entry.value, YamlScalar) and entry.value.value is None):
            checked.own = None
        elif not isinstance(entry.value, YamlMapping):
            words = "parameters is no mapping: write each of the script's parameters with its value below it"
            self._problems.add(entry.value.place, ProblemCode.WRONG_TYPE, words)
            checked.own = None
        else:
            values = ((name, value_of(item.value)) for name, item in entry.value.entries.items())
            checked.parameters = {name: value for name, value in values if value is not None}

    def _check_own(self, checked: CheckedModule, shape: ModuleShape) -> None:
        known = {parameter.name: parameter for parameter in shape.script_parameters}
        entries: Mapping[str, YamlEntry] = {}
        if checked.own is not None and isinstance(checked.own.value, YamlMapping):
            entries = checked.own.value.entries
        for name, entry in entries.items():
            if name in known:
                self._settings.check(known[name], entry)
            else:
                self._unknown_own(checked, name, entry, known)
        for name, parameter in known.items():
            if parameter.required and name not in entries:
                words = f"the script of {shown(checked.name)} needs its parameter {shown(name)}"
                mend = f"write '{name}: …' below 'parameters:' of the module"
                self._problems.add(checked.place, ProblemCode.MISSING_FIELD, f"{words}: {mend}")

    def _unknown_own(self, checked: CheckedModule, name: str, entry: YamlEntry, known: Mapping[str, Parameter]) -> None:
        if checked.kind is not None and not checked.kind.declares_more:
            words = f"the kind {checked.kind_name} has no parameters of a script: write {shown(name)} beside 'kind:'"
        elif known:
            words = f"the script of {shown(checked.name)} has no parameter {shown(name)}.{self._near.hint(name, known)}"
        else:
            rule = "they are the keyword-only arguments of azureml_main, such as *, trees: int = 250"
            words = f"the script of {shown(checked.name)} has no parameter {shown(name)}; {rule}"
        self._problems.add(entry.key.place, ProblemCode.UNKNOWN_PARAMETER, words)


def _continues(name: str, ports: Iterable[str]) -> bool:
    """Whether a name continues a row of numbered ports: `dataset3` after `dataset1`, `dataset2`."""
    return name[-1:].isdigit() and name.rstrip("0123456789") in {port.rstrip("0123456789") for port in ports}
