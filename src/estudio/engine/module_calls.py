"""Executes one module in a worker thread, and puts what came of it into the words of its record.

Whatever the author did wrong, or an input that cannot be read, ends the module; a store that fails ends the run.
"""

from __future__ import annotations

import codecs
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estudio.core.events import ModuleOutput
from estudio.core.run import ModuleState
from estudio.engine.stored_values import HeldOutput, handed_through, hold_value
from estudio.errors import EstudioError, ObjectDamaged, ObjectMissing, StoreFailed
from estudio.modules.behaviour import ModuleCall, ModuleOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from estudio.core.run import ModuleRun, StoredOutput
    from estudio.engine.holdings import Holdings
    from estudio.engine.planned import PlannedModule
    from estudio.modules.behaviour import PortValue
    from estudio.store.protocols import ObjectStore

DIGEST_AT_ONCE_BYTES = 64 << 20
"""Up to this size a table's digest is made before anything below it starts: 64 MiB take some 15 ms."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A module's call is over.

    Attributes:
        name: the module.
        state: finished, failed or cancelled.
        held: what it gave, by port.
        log: what it printed.
        error: as a module run records it.
        failure: raised by the store or by a mistake of ours; it ends the run.
        facts: for the record.
    """

    name: str
    state: ModuleState
    ended_at: float
    held: Mapping[str, HeldOutput] = field(default_factory=dict)
    log: str = ""
    error: Mapping[str, str | int | None] | None = None
    failure: Exception | None = None
    facts: Mapping[str, str | float | None] = field(default_factory=dict)

    @property
    def held_bytes(self) -> int:
        """Bytes of what it gave."""
        return sum(each.output.size_bytes for each in self.held.values())

    def record(self, running: ModuleRun) -> ModuleRun:
        """The module run that this makes of a running one; outputs and log are stored later."""
        return replace(
            running, state=self.state, error=self.error, ended_at=self.ended_at, facts={**running.facts, **self.facts}
        )


class ModuleCaller:
    """Executes modules of one run. Any thread may call it, several at a time.

    Args:
        run_id: of the run.
        holdings: where inputs come from.
        objects: where bundles go at once.
        files: opens files of the snapshot.
        announce: told what scripts print.
        digest_at_once_bytes: tables up to this size get their digest before anything below starts.
    """

    def __init__(
        self,
        run_id: str,
        holdings: Holdings,
        objects: ObjectStore,
        files: Callable[[str], Path],
        announce: Callable[[ModuleOutput], None],
        *,
        digest_at_once_bytes: int = DIGEST_AT_ONCE_BYTES,
    ) -> None:
        self._run_id = run_id
        self._holdings = holdings
        self._objects = objects
        self._files = files
        self._announce = announce
        self._digest_at_once_bytes = digest_at_once_bytes

    def call(self, planned: PlannedModule, ports: tuple[str, ...]) -> Ended:
        """Execute a module with these of its connected ports; the others got nothing. Never raises."""
        try:
            return self._call(planned, ports)
        except (ObjectMissing, ObjectDamaged) as error:
            return _failed(planned, error)
        except StoreFailed as error:
            return Ended(planned.name, ModuleState.CANCELLED, time.time(), failure=error)
        except EstudioError as error:
            return _failed(planned, error)
        except Exception as error:  # noqa: BLE001 -- a mistake of ours: the run ends, and its caller sees it
            return Ended(planned.name, ModuleState.CANCELLED, time.time(), failure=error)

    def _call(self, planned: PlannedModule, ports: tuple[str, ...]) -> Ended:
        sources = {port: planned.module.connections[port] for port in ports}
        inputs = {port: self._holdings.value(source) for port, source in sources.items()}
        used: list[str] = []

        def files(path: str) -> Path:
            used.append(path)
            return self._files(path)

        outcome = planned.behaviour.execute(
            ModuleCall(planned.module, planned.settings, inputs, files, planned.seed, self._output_of(planned.name))
        )
        for path in used:  # a large file may have changed while it was read: then this raises
            self._files(path)
        given = [(inputs[port], self._holdings.output(source)) for port, source in sources.items()]
        held = {port: self._hold(port, value, given) for port, value in outcome.outputs.items()}
        return _ended(planned, outcome, held)

    def _hold(self, port: str, value: PortValue, inputs: Iterable[tuple[PortValue, StoredOutput]]) -> HeldOutput:
        for given, output in inputs:
            held = handed_through(port, value, given, output)
            if held is not None:
                return held
        return hold_value(self._objects, port, value, digest_bytes=self._digest_at_once_bytes)

    def _output_of(self, name: str) -> Callable[[bytes], None]:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

        def announce(part: bytes) -> None:
            text = decoder.decode(part)
            if text:
                self._announce(ModuleOutput(self._run_id, name, text))

        return announce


def _ended(planned: PlannedModule, outcome: ModuleOutcome, held: Mapping[str, HeldOutput]) -> Ended:
    state = ModuleState.FINISHED
    if outcome.cancelled:
        state = ModuleState.CANCELLED
    elif outcome.error is not None:
        state = ModuleState.FAILED
    facts = dict(outcome.facts)
    if outcome.timings is not None:
        timings = outcome.timings
        facts |= {name: round(getattr(timings, name), 6) for name in type(timings).__slots__}
    return Ended(planned.name, state, time.time(), held, outcome.log, _error_record(outcome), None, facts)


def _error_record(outcome: ModuleOutcome) -> Mapping[str, str | int | None] | None:
    error = outcome.error
    if error is None:
        return None
    return {
        "code": error.code,
        "message": error.message,
        "traceback": error.traceback,
        "line": error.line,
        "classic_text": error.classic_text,
    }


def _failed(planned: PlannedModule, error: EstudioError) -> Ended:
    return Ended(
        planned.name,
        ModuleState.FAILED,
        time.time(),
        error={"code": error.code, "message": error.message},
    )
