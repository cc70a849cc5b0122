"""Whether what stands at a setting fits its parameter: links to the experiment's parameters, types, ranges, files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estudio.core.module_kind import ParameterType
from estudio.core.parameter_links import NAME, UNFORMATTED, can_take, linked_value, links_in, lone_link
from estudio.core.parameter_values import WANTED, find_path_problem, find_value_problem, normal_path, shown
from estudio.documents.problems import ProblemCode
from estudio.documents.yaml_tree import value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.experiment import Module
    from estudio.core.module_kind import Parameter, Value
    from estudio.documents.names import NearNames
    from estudio.documents.problems import ProblemList
    from estudio.documents.workspace_files import WorkspaceFiles
    from estudio.documents.yaml_tree import YamlEntry


@dataclass(frozen=True, slots=True)
class SettingChecker:
    """Checks settings of one experiment.

    Attributes:
        parameters: of the experiment.
        values: theirs; None where a value comes only with the run.
        problems: where to note what is wrong.
        near: finds near names.
        files: where paths are looked up, or None.
    """

    parameters: Mapping[str, Parameter]
    values: Mapping[str, Value]
    problems: ProblemList
    near: NearNames
    files: WorkspaceFiles | None

    def check(self, parameter: Parameter, entry: YamlEntry) -> bool:
        """Note what is wrong with a setting; returns whether nothing is."""
        before = len(self.problems.found)
        value = value_of(entry.value)
        names = list(dict.fromkeys(links_in(value)))
        if names and not self._check_links(parameter, entry, value, names):
            return False
        if any(self.values[name] is None for name in names):
            return True  # only the run brings the value
        filled = linked_value(value, self.values) if names or "${" in str(value) else value
        problem = find_value_problem(parameter, filled)
        if problem is not None:
            through = f" (through {', '.join(f'${{{name}}}' for name in names)})" if names else ""
            self.problems.add(entry.value.place, problem.code, f"{parameter.name} {problem.words}{through}")
        elif parameter.type is ParameterType.PATH and isinstance(filled, str):
            self._check_file(parameter, entry, filled)
        return len(self.problems.found) == before

    def is_known(self, value: Value) -> bool:
        """Whether all that a sound setting links to has a value before the run."""
        return all(self.values.get(name) is not None for name in links_in(value))

    def filled(self, module: Module) -> Module:
        """A module with its links filled in, as far as values are known."""
        return replace(module, settings=self._filled(module.settings), parameters=self._filled(module.parameters))

    def _filled(self, settings: Mapping[str, Value]) -> dict[str, Value]:
        known = all(name in self.values for value in settings.values() for name in links_in(value))
        return {name: linked_value(value, self.values) for name, value in settings.items()} if known else dict(settings)

    def _check_links(self, parameter: Parameter, entry: YamlEntry, value: Value, names: list[str]) -> bool:
        place = entry.value.place
        for name in names:
            if not NAME.fullmatch(name):
                words = f"{parameter.name} holds the wrong link '${{{name.removeprefix('{')[:40]}'"
                mend = "write ${NAME} for a parameter of the experiment, or '$${' for the text '${'"
                self.problems.add(place, ProblemCode.WRONG_LINK, f"{words}: {mend}")
                return False
            if name not in self.parameters:
                hint = self.near.hint(name, self.parameters) or " Write it below 'parameters:' of the document."
                words = f"{parameter.name} links to {shown(name)}, which is no parameter of the experiment.{hint}"
                self.problems.add(place, ProblemCode.UNKNOWN_PARAMETER, words)
                return False
        return self._check_types(parameter, entry, value, names)

    def _check_types(self, parameter: Parameter, entry: YamlEntry, value: Value, names: list[str]) -> bool:
        alone = lone_link(value)
        wrong = next((name for name in names if alone is None and self.parameters[name].type in UNFORMATTED), None)
        if wrong is not None:
            given = self.parameters[wrong].type.value
            words = f"{parameter.name} holds ${{{wrong}}} inside text, but {wrong} is of the type {given}"
            self.problems.add(entry.value.place, ProblemCode.WRONG_LINK, f"{words}: write the link alone")
            return False
        if alone is not None and not can_take(parameter.type, self.parameters[alone].type):
            given, wanted = self.parameters[alone].type.value, parameter.type.value
            words = f"{parameter.name} takes {WANTED[parameter.type]}, but ${{{alone}}} is of the type {given}"
            mend = f"link to a parameter of the type {wanted}, or change the type of {alone}"
            self.problems.add(entry.value.place, ProblemCode.WRONG_LINK, f"{words}: {mend}")
            return False
        return True

    def _check_file(self, parameter: Parameter, entry: YamlEntry, path: str) -> None:
        if self.files is None or find_path_problem(path) is not None:
            return
        found = self.files.find_problem(normal_path(path), must_exist=not parameter.written)
        if found is not None:
            self.problems.add(entry.value.place, found[0], f"{parameter.name} {found[1]}")
