"""One build of one environment, and what every installer shares: run a tool, explain its failure, tell progress.

A build happens at the environment's final path, because virtual environments and compiled bytecode hold their own path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.environments.installer_errors import explain_installer_failure
from estudio.environments.processes import Finished, clean_variables, run_visibly
from estudio.errors import RegistryUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from estudio.core.environment import EnvironmentSpec
    from estudio.environments.interpreters import Interpreter

_PROGRESS = (
    (re.compile(r"Resolved (\d+ packages?) in"), "downloading {}"),
    (re.compile(r"Prepared (\d+ packages?) in"), "installing {}"),
    (re.compile(r"Installed (\d+ packages?) in"), "installed {}"),
    (re.compile(r"\s*Downloading (\S+ \([\d.]+ ?\w+\))"), "downloading {}"),
    (re.compile(r"\s*Building (?:wheel for )?([\w.=-]+)"), "building {} from source"),
    (re.compile(r"Collecting ([\w.-]+)"), "resolving {}"),
    (re.compile(r"Installing collected packages: (.*)"), "installing {}"),
)
"""What uv and pip write, and what a person is told."""
MAX_PROGRESS_CHARACTERS = 200
"""One line of a terminal, generously."""


@dataclass(frozen=True, slots=True)
class Construction:
    """A build under way.

    Attributes:
        spec: what is built.
        interpreter: with which Python.
        folder: the virtual environment's final path.
        lock_file: where exact versions are kept, beside the folder.
        tools: a folder for tools that an old Python needs.
        on_progress: told about each step in words.
        held: the descriptors that keep the build's lock.
    """

    spec: EnvironmentSpec
    interpreter: Interpreter
    folder: Path
    lock_file: Path
    tools: Path
    on_progress: Callable[[str], None]
    held: tuple[int, ...]

    @property
    def python(self) -> Path:
        """The executable inside the virtual environment."""
        return self.folder / "bin" / "python"

    @property
    def wheels_only(self) -> list[str]:
        """Options, the same for uv and pip: no package's own code runs in a build but that of those allowed."""
        allowed = [option for name in self.spec.from_source for option in ("--no-binary", name)]
        return ["--only-binary", ":all:", *allowed]

    def attempt(self, command: Sequence[str], extra: Mapping[str, str] | None = None) -> Finished:
        """Run a command and tell its progress; how it ended is for the caller to judge."""
        return run_visibly(command, clean_variables(extra), self._tell, self.held)

    def run(self, command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
        """Run an installer's command.

        Raises:
            EnvironmentFailed: it failed; the error names whose fault its words say it is.
        """
        finished = self.attempt(command, extra)
        if finished.status != 0:
            raise explain_installer_failure(finished.output, self.spec, self.interpreter.version_text)

    def run_online_or_offline(self, command: Sequence[str]) -> None:
        """Run a uv command, and once more from its cache alone where the registry does not answer."""
        try:
            self.run(command)
        except RegistryUnreachable as unreachable:
            if self.attempt([*command, "--offline"]).status != 0:
                raise unreachable from None

    def _tell(self, line: str) -> None:
        words = progress_of_line(line)
        if words is not None:
            self.on_progress(words)


def progress_of_line(line: str) -> str | None:
    """What an installer's line means for somebody who waits; `None` for lines that say nothing to them."""
    for pattern, words in _PROGRESS:
        match = pattern.match(line)
        if match:
            return words.format(match[1])[:MAX_PROGRESS_CHARACTERS]
    return None
