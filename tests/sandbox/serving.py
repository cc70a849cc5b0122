"""A service that evaluates what its callers send, the worst one that an author can publish, and its calls."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from estudio.core.outcome import ScriptState
from estudio.modules.call_message import ScriptCall
from estudio.modules.inputs import ScriptSource
from estudio.modules.service_executor import ServiceExecutor
from estudio.modules.warm_pools import ScriptEnvironment, WarmPools
from estudio.tables.table import Table

from .attacking import _PRELUDE, LIMITS, Told

if TYPE_CHECKING:
    from estudio.core.limits import Limits
    from estudio.core.service import ServiceIsolation
    from estudio.modules.script_outcome import ScriptOutcome

EVALUATOR = (
    _PRELUDE.read_text()
    + """

def azureml_main(calls):
    import pandas as pd

    body = calls['body'][0]
    space = dict(globals())
    exec('def act():\\n' + body, space)
    told = {'done': False, 'evidence': None, 'error': '', 'number': None}
    try:
        told['evidence'] = space['act']()
        told['done'] = True
    except Exception as error:
        told['error'], told['number'] = type(error).__name__, getattr(error, 'errno', None)
    return pd.DataFrame({'told': [json.dumps(told)]})
"""
)


class Serving:
    """A service executor with one place, and calls made easy."""

    def __init__(
        self,
        environment: ScriptEnvironment,
        isolation: ServiceIsolation,
        *,
        limits: Limits = LIMITS,
        slots: int = 1,
        max_calls: int = 2000,
    ) -> None:
        self.limits = limits
        self.executor = ServiceExecutor(WarmPools(environment, limits, ahead=1), isolation, slots, max_calls=max_calls)

    def run(self, script: str, *tables: Table | None, **call: Any) -> ScriptOutcome:
        """One call of a script."""
        call.setdefault("limits", self.limits)
        source = ScriptSource("service.py", (script if script is EVALUATOR else textwrap.dedent(script)).encode())
        return self.executor.call(ScriptCall(source, tables, **call))

    def evaluate(self, act: str, **call: Any) -> Told:
        """One call of the evaluating service: the body of a function."""
        body = textwrap.indent(textwrap.dedent(act).strip("\n"), "    ")
        outcome = self.run(EVALUATOR, Table.from_arrow(pa.table({"body": [body]})), **call)
        if outcome.state is not ScriptState.FINISHED or outcome.table is None:
            code = "" if outcome.error is None else outcome.error.code
            return Told(done=False, evidence=None, error=f"{outcome.state.value}:{code}", number=None, outcome=outcome)
        told = json.loads(outcome.table.to_arrow().column("told")[0].as_py())
        return Told(told["done"], told["evidence"], told["error"], told["number"], outcome)

    def evaluator_pid(self) -> int:
        """The process of the guest that evaluates without a bundle, as this machine counts it."""
        source = ScriptSource("service.py", EVALUATOR.encode())
        (found,) = (
            script.slots._idle[0].guest.guest.pid
            for script in self.executor._scripts.values()
            if script.example.script == source
            and script.example.bundle is None
            and replace(script.example.limits, timeout_seconds=1) == replace(self.limits, timeout_seconds=1)
        )
        return found

    def close(self) -> None:
        """End it."""
        self.executor.close()


def numbers(**columns: list[Any]) -> Table:
    """A small table."""
    return Table.from_arrow(pa.table(columns))
