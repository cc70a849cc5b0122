"""A process that runs experiments until it is killed: tells each finished module on its output when it is told itself.

`python -m tests.engine.crashing`: reads lines `FOLDER ROUND`, forks a process for each, answers with its pid, and lets
it run; so a test pays for the imports once. `python -m tests.engine.crashing FOLDER` runs real scripts once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.core.events import ModuleChanged
from estudio.core.limits import Limits
from estudio.core.run import ModuleState
from estudio.modules.kind_parts import KindParts
from estudio.modules.registry import behaviours
from estudio.modules.script_executors import WarmExecutors
from estudio.modules.warm_pools import WarmPools
from estudio.workspace.open import ready_environment, script_environment
from tests.engine.small_workspace import SmallWorkspace, placed
from tests.unit.engine.doubles import Adding, chain, module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estudio.core.events import Event
    from estudio.core.experiment import Module

SCRIPT = "def azureml_main(dataframe1):\n    return dataframe1 + 1\n"


def sums(round_number: int) -> list[Module]:
    """Sixteen modules, new in each round: a chain, and some that lie beside one another."""
    links = chain(8, plus=round_number)
    beside = [module(f"b{number}", "m3", plus=number) for number in range(7)]
    return [*links, *beside, module("last", "m7", "b0", "b6")]


def scripts(count: int = 8) -> list[Module]:
    """A chain of real scripts."""
    modules = [placed("m0", "enter-data", data="x\n1\n2\n")]
    for number in range(1, count + 1):
        source = "m0.dataset" if number == 1 else f"m{number - 1}.results"
        modules.append(placed(f"m{number}", "execute-python-script", {"dataset1": source}, script="scripts/plus.py"))
    return modules


def real_workspace(folder: Path) -> tuple[SmallWorkspace, WarmExecutors]:
    """A workspace with the shipped kinds and real walls."""
    environment = script_environment(ready_environment("default"))
    executors = WarmExecutors(str, lambda _: WarmPools(environment, Limits()))
    (folder / "scripts").mkdir(parents=True, exist_ok=True)
    (folder / "scripts" / "plus.py").write_text(SCRIPT)
    return SmallWorkspace(folder, behaviours(KindParts(executors)), interrupt=executors.cancel), executors


class _Telling(list["Event"]):
    def append(self, event: Event) -> None:
        if isinstance(event, ModuleChanged) and event.module_run.state in {ModuleState.FINISHED, ModuleState.REUSED}:
            os.write(1, f"{event.module_run.module}\n".encode())


def run_and_tell(workspace: SmallWorkspace, modules: Sequence[Module]) -> None:
    """Run once; tells `NAME` for each module that is finished, and `.` at the end."""
    workspace.events = _Telling()
    workspace.run(modules)
    os.write(1, b".\n")


def _serve() -> None:
    for line in sys.stdin:
        folder, _, round_number = line.strip().rpartition(" ")
        child = os.fork()
        if child == 0:
            run_and_tell(SmallWorkspace(Path(folder), {"adding": Adding()}), sums(int(round_number)))
            os._exit(0)
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        _serve()
    else:
        run_and_tell(real_workspace(Path(sys.argv[1]))[0], scripts())
