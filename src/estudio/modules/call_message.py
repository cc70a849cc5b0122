"""What a guest is told: one call as JSON, its script, and the descriptors that it may have.

The process limits depend on the guest: its address space before the call is not the call's.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from estudio.core.calling import MAX_TABLES, MIN_PORTS, Calling
from estudio.core.limits import GIB, Limits
from estudio.errors import InvalidUsage
from estudio.modules.script_values import check_parameters
from estudio.sandbox.guests import CallMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.modules.inputs import ScriptSource
    from estudio.modules.script_values import ScriptValue
    from estudio.sandbox.guests import Guest, ResultFile
    from estudio.tables.table import Table
    from estudio.tables.tablefile import TableFile

Input = TypeVar("Input")

ADDRESS_SLACK_BYTES = 1 * GIB
"""Address space that threads and allocators reserve without using it, where a control group counts what is used."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROCESSORS = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call: the script, its tables by port, its bundle, its parameters, and how it is called.

    Raises:
        InvalidUsage: more than MAX_TABLES tables, or parameters that cannot be passed.
    """

    script: ScriptSource
    tables: tuple[Table | None, ...] = ()
    bundle: str | Path | None = None
    calling: Calling = Calling.CLASSIC
    limits: Limits = field(default_factory=Limits)
    seed: int | None = None
    allow_programs: bool = False
    parameters: Mapping[str, ScriptValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_parameters(self.parameters)
        if len(self.tables) > MAX_TABLES:
            raise InvalidUsage(
                f"{len(self.tables)} tables are given; a script takes at most {MAX_TABLES}. Join some of them first.",
                tables=len(self.tables),
            )


@dataclass(frozen=True, slots=True)
class CallFiles:
    """The open files of one call."""

    inputs: tuple[TableFile | None, ...]
    descriptors: tuple[int, ...]
    """Of the inputs that are there, for this call alone."""
    bundle: int | None
    result: ResultFile


def message_of(call: ScriptCall, guest: Guest, files: CallFiles, *, limited: bool) -> CallMessage:
    """The message for one guest; `limited`: with resource limits."""
    job: dict[str, Any] = {
        "format": 1,
        "script_name": call.script.name,
        "calling": call.calling.value,
        "inputs": [None if table is None else table.layout.to_json() for table in ports_of(files.inputs)],
        "parameters": dict(call.parameters),
        "bundle": files.bundle is not None,
        "seed": call.seed,
        "output_bytes": call.limits.output_bytes,
        "limits": _process_limits(guest, call, files) if limited else None,
    }
    bundle = () if files.bundle is None else (files.bundle,)
    descriptors = (files.result.descriptor, *files.descriptors, *bundle)
    return CallMessage(job, call.script.text, descriptors)


def ports_of(inputs: tuple[Input | None, ...]) -> list[Input | None]:
    """A place for every port up to the last connected one: further arguments keep their own defaults."""
    ports = list(inputs)
    while len(ports) > MIN_PORTS and ports[-1] is None:
        ports.pop()
    return ports + [None] * (MIN_PORTS - len(ports))


def _process_limits(guest: Guest, call: ScriptCall, files: CallFiles) -> dict[str, int]:
    limits = call.limits
    mapped = sum(2 * table.size_bytes for table in files.inputs if table is not None)
    counted = guest.cgroup is not None and guest.cgroup.memory is not None
    slack = ADDRESS_SLACK_BYTES if counted else 0
    return {
        "address_bytes": address_bytes(guest) + limits.memory_bytes + mapped + slack,
        "cpu_seconds": PROCESSORS * int(limits.timeout_seconds + 1),
        "file_bytes": max(limits.disk_bytes, limits.output_bytes),
    }


def address_bytes(guest: Guest) -> int:
    """The address space that a guest has before its call."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{guest.pid}/statm").read_text().split()[0]) * _PAGE_BYTES
    return 0
