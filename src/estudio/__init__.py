"""Runs `azureml_main` table scripts and experiments of them: isolated, in milliseconds, with the packages they want.

Names are imported when they are first used, so that `import estudio` is cheap: a command that only shows its help
does not pay for Arrow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from estudio.core.calling import Calling as Calling
    from estudio.core.limits import Limits as Limits
    from estudio.core.outcome import IsolationLevel as IsolationLevel
    from estudio.core.outcome import ScriptError as ScriptError
    from estudio.core.outcome import ScriptState as ScriptState
    from estudio.core.outcome import Visualization as Visualization
    from estudio.errors import EstudioError as EstudioError
    from estudio.modules.script_outcome import ScriptOutcome as ScriptOutcome
    from estudio.tables.reading import read_table as read_table
    from estudio.tables.table import Table as Table
    from estudio.tables.writing import write_table as write_table
    from estudio.workspace.runs import Run as Run
    from estudio.workspace.script_runner import ScriptRunner as ScriptRunner
    from estudio.workspace.script_runner import run_script as run_script
    from estudio.workspace.workspace import Workspace as Workspace

_PLACES = {
    "Calling": "core.calling",
    "EstudioError": "errors",
    "IsolationLevel": "core.outcome",
    "Limits": "core.limits",
    "Run": "workspace.runs",
    "ScriptError": "core.outcome",
    "ScriptOutcome": "modules.script_outcome",
    "ScriptRunner": "workspace.script_runner",
    "ScriptState": "core.outcome",
    "Table": "tables.table",
    "Visualization": "core.outcome",
    "Workspace": "workspace.workspace",
    "read_table": "tables.reading",
    "run_script": "workspace.script_runner",
    "write_table": "tables.writing",
}

__all__ = list(_PLACES)


if not TYPE_CHECKING:  # a type checker has to see a wrong name as wrong

    def __getattr__(name: str) -> object:
        place = _PLACES.get(name)
        if place is None:
            raise AttributeError(f"module 'estudio' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"estudio.{place}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
