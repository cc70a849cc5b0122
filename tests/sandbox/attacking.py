"""How an attack is written and carried out: an act, sent into a sandbox as a script, and what it reported.

An act is the body of a Python function. It returns its evidence when it got what it wanted; when it was refused it
raises, and when nothing stood in its way but nothing was there either it raises `Nothing`. The same act must succeed
where the walls that stop it are away: that is its control, without which a typo would count as a wall.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estudio.core.limits import MIB, Limits
from estudio.core.outcome import IsolationLevel, ScriptState
from estudio.modules.call_message import ScriptCall
from estudio.modules.execute_python_script import ScriptExecutor
from estudio.modules.inputs import ScriptSource
from estudio.modules.warm_pools import ScriptEnvironment, WarmPools
from estudio.sandbox.policy import WALLS

if TYPE_CHECKING:
    from estudio.modules.script_outcome import ScriptOutcome

FULL = frozenset(WALLS)
LIMITS = Limits(timeout_seconds=20.0, memory_bytes=1024 * MIB, disk_bytes=32 * MIB, processes=64, output_bytes=64 * MIB)
REFUSALS = frozenset({
    "Nothing", "OSError", "PermissionError", "FileNotFoundError", "ProcessLookupError", "ConnectionRefusedError",
    "BlockingIOError", "gaierror", "ChildProcessError", "NotADirectoryError",
})  # fmt: skip
"""What counts as refused. Anything else (NameError, AttributeError, …) is a mistake in the attack."""
SHOWN = Path(tempfile.gettempdir()) / f"estudio-shown-{os.getpid()}"
"""A folder that is among the read-only ones of every sandbox here."""
_PRELUDE = Path(__file__).with_name("prelude.py")


@dataclass(frozen=True, slots=True)
class Told:
    """What an act reported. `done`: it got what it wanted."""

    done: bool
    evidence: Any
    error: str
    number: int | None
    outcome: ScriptOutcome


@dataclass(frozen=True, slots=True)
class Canary:
    """What an attack is after, seen from the host: `facts` are told to the act, `unharmed` looks after it."""

    facts: dict[str, Any] = field(default_factory=dict)
    unharmed: Callable[[], bool] | None = None


CanaryMaker = Callable[[Path], AbstractContextManager[Canary]]


@contextlib.contextmanager
def nothing_to_watch(_: Path) -> Iterator[Canary]:
    """For acts whose evidence says enough."""
    yield Canary()


@dataclass(frozen=True, slots=True)
class Attack:
    """One harm that somebody tries to do.

    Attributes:
        harm: what would be lost; the name of the test.
        act: the body of a function `act(given)`.
        canary: what it is after.
        without: the walls to take away so that the act succeeds: each of them alone would stop it.
        refusals: the errors that count as refused.
        as_root: the control needs root on the machine.
        programs: programs may be started.
        returns_anyway: the act cannot see whether it did harm; the canary alone decides.
    """

    harm: str
    act: str
    canary: CanaryMaker = nothing_to_watch
    without: frozenset[str] = FULL
    refusals: frozenset[str] = REFUSALS
    as_root: bool = False
    programs: bool = False
    returns_anyway: bool = False

    def __str__(self) -> str:
        return self.harm.replace(" ", "-")


class Sandbox:
    """An executor with a fixed set of walls, and attacks made easy."""

    def __init__(
        self, environment: ScriptEnvironment, walls: frozenset[str] = FULL, *, limits: Limits = LIMITS, ahead: int = 1
    ) -> None:
        self.walls = walls
        self.limits = limits
        level = IsolationLevel.FULL if walls else IsolationLevel.NONE
        self.executor = ScriptExecutor(WarmPools(environment, limits, level=level, ahead=ahead, walls=walls))

    def run(self, script: str, **call: Any) -> ScriptOutcome:
        """One call of a whole script."""
        call.setdefault("limits", self.limits)
        source = ScriptSource("attack.py", textwrap.dedent(script).encode())
        return self.executor.call(ScriptCall(source, **call))

    def attack(self, act: str, given: dict[str, Any] | None = None, **call: Any) -> Told:
        """Carry out an act, and hear of it."""
        outcome = self.run(act_script(act, given or {}), **call)
        if outcome.state is not ScriptState.FINISHED or outcome.table is None:
            code = "" if outcome.error is None else outcome.error.code
            return Told(done=False, evidence=None, error=f"{outcome.state.value}:{code}", number=None, outcome=outcome)
        told = json.loads(outcome.table.to_arrow().column("told")[0].as_py())
        return Told(told["done"], told["evidence"], told["error"], told["number"], outcome)

    def close(self) -> None:
        """End it."""
        self.executor.close()


def act_script(act: str, given: dict[str, Any]) -> str:
    """The whole script of an act."""
    body = textwrap.indent(textwrap.dedent(act).strip("\n"), "    ")
    return f"{_PRELUDE.read_text()}\n\ndef act(given):\n{body}\n\nGIVEN = json.loads({json.dumps(given)!r})\n"


def walls_without(away: frozenset[str]) -> frozenset[str]:
    """The walls that are left. A zygote that became nobody cannot work in root's folders: those two go together."""
    if "mount" in away and os.geteuid() == 0:
        away |= {"user"}
    return FULL - away


def check_attack(attack: Attack, walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], folder: Path) -> None:
    """The attack fails against all walls, and succeeds where those that stop it are away."""
    with attack.canary(folder / "walled") as canary:
        told = walled.attack(attack.act, canary.facts, allow_programs=attack.programs)
        if not attack.returns_anyway:
            assert not told.done, told
            assert told.error in attack.refusals, (told, told.outcome.log)
        assert canary.unharmed is None or canary.unharmed()
    if attack.as_root and os.geteuid() != 0:
        return
    check_control(attack, unwalled(attack.without), folder)


def check_control(attack: Attack, sandbox: Sandbox, folder: Path) -> None:
    """The attack succeeds against these walls."""
    with attack.canary(folder / "control") as canary:
        told = sandbox.attack(attack.act, canary.facts, allow_programs=attack.programs)
        assert told.done or attack.returns_anyway, ("the control was refused", told, told.outcome.log)
        if canary.unharmed is not None:
            assert not canary.unharmed(), "the control did no harm"


def pids_named(name: str) -> list[int]:
    """The processes of this machine that call themselves so, zombies left out."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if (folder / "comm").read_text() == f"{name}\n" and (folder / "stat").read_text().split()[2] != "Z":
                found.append(int(folder.name))
    return found


def wait_for(look: Callable[[], list[int]], seconds: float = 10.0) -> list[int]:
    """What is found, as soon as something is."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.01)
    return found
