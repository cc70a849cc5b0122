"""What a service guest is told: once what to load, then call after call what differs.

Small tables travel in the message; a larger one is a file, written once however many calls it has part in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from estudio.core.limits import GIB
from estudio.modules.call_message import ADDRESS_SLACK_BYTES, PROCESSORS, address_bytes, ports_of
from estudio.sandbox.guests import CallMessage
from estudio.sandbox.service_exchange import INLINE_BYTES
from estudio.tables.inline import InlineBytes
from estudio.tables.tablefile import file_of

if TYPE_CHECKING:
    from estudio.core.limits import Limits
    from estudio.core.service import ServiceIsolation
    from estudio.modules.call_message import ScriptCall
    from estudio.sandbox.guests import Guest
    from estudio.tables.table import Table
    from estudio.tables.tablefile import TableFile

COUNTED_INPUT_BYTES = 256 * GIB
"""Address space for inputs of any call, where a control group counts the memory that is used."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """The limits that a service guest's processes set on themselves.

    Attributes:
        address_bytes: of one process without its input tables, which are mapped.
        input_bytes: what inputs may take more, at most.
        file_bytes: of one file.
    """

    address_bytes: int
    input_bytes: int
    file_bytes: int

    @classmethod
    def of(cls, guest: Guest, limits: Limits) -> ProcessLimits:
        """Of a guest that has not loaded anything yet."""
        is_counted = guest.cgroup is not None and guest.cgroup.memory is not None
        return cls(
            address_bytes(guest) + limits.memory_bytes + (ADDRESS_SLACK_BYTES if is_counted else 0),
            COUNTED_INPUT_BYTES if is_counted else 2 * limits.output_bytes,
            max(limits.disk_bytes, limits.output_bytes),
        )


def load_message(
    call: ScriptCall, isolation: ServiceIsolation, limits: ProcessLimits | None, bundle: int | None
) -> CallMessage:
    """What to load; tables, parameters and seed of the call are left out."""
    job: dict[str, Any] = {
        "format": 1,
        "serve": isolation.value,
        "script_name": call.script.name,
        "calling": call.calling.value,
        "output_bytes": call.limits.output_bytes,
        "bundle": bundle is not None,
        "limits": None
        if limits is None
        else {"address_bytes": limits.address_bytes + limits.input_bytes, "file_bytes": limits.file_bytes},
    }
    return CallMessage(job, call.script.text, () if bundle is None else (bundle,))


@dataclass(frozen=True, slots=True)
class CallParts:
    """One call, laid out. `files` have to be opened for it; `cpu_seconds` is what its own process may take."""

    job: dict[str, Any]
    payload: bytes
    files: tuple[TableFile, ...]
    cpu_seconds: int

    def text(self, limits: ProcessLimits | None) -> bytes:
        """The description for a guest's next process."""
        if limits is not None:
            mapped = sum(2 * file.size_bytes for file in self.files)
            self.job["limits"] = {
                "address_bytes": limits.address_bytes + min(mapped, limits.input_bytes),
                "cpu_seconds": self.cpu_seconds,
                "file_bytes": limits.file_bytes,
            }
        is_plain = not self.job["parameters"] and self.job["seed"] is None
        # Others may have numbers that the quick writer has not: NaN, or beyond 64 bits.
        return orjson.dumps(self.job) if is_plain else json.dumps(self.job).encode()


def call_parts(call: ScriptCall) -> CallParts:
    """What differs from call to call."""
    inline = InlineBytes(INLINE_BYTES)
    layouts: list[dict[str, Any] | None] = []
    by_file: list[bool] = []
    files: list[TableFile] = []
    for table in ports_of(call.tables):
        layout = None if table is None else inline.add(table)
        by_file.append(table is not None and layout is None)
        if table is not None and layout is None:
            layout = _as_file(table, files)
        layouts.append(layout)
    job: dict[str, Any] = {
        "inputs": layouts,
        "by_file": by_file,
        "parameters": dict(call.parameters),
        "seed": call.seed,
        "limits": None,
    }
    return CallParts(job, inline.joined(), tuple(files), PROCESSORS * int(call.limits.timeout_seconds + 1))


def _as_file(table: Table, files: list[TableFile]) -> dict[str, Any]:
    file = file_of(table)
    files.append(file)
    return file.layout.to_json()
