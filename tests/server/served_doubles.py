"""What tests serve in real server processes: services made of functions, named by the function that opens them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pyarrow as pa

from estudio.errors import InvalidWorkspace
from estudio.server.served_parts import ServedParts
from estudio.services.calling import ScoreOutcome
from estudio.services.calling_double import HostDouble
from estudio.tables.table import Table

if TYPE_CHECKING:
    from estudio.server.settings import ServerSettings
    from estudio.services.calling import ScoreCall

ROW = Table.from_arrow(pa.table({"a": [1.0]}))
PARTS = "tests.server.served_doubles:parts"
BROKEN_PARTS = "tests.server.served_doubles:broken_parts"


def parts(place: str, settings: ServerSettings) -> ServedParts:
    """`echo` gives its input, `slow` after a while, `who` the process that answered."""
    del place, settings
    host = HostDouble()
    for name, function in (("echo", _echo), ("slow", _slow), ("who", _who)):
        host.add(name, function, inputs={"input1": ROW}, outputs={"output1": ROW}, key=f"{name}-key")
    return ServedParts(host)


def broken_parts(place: str, settings: ServerSettings) -> ServedParts:
    """Cannot be opened."""
    del settings
    raise InvalidWorkspace(f"There is no workspace in {place}.")


def _echo(call: ScoreCall) -> ScoreOutcome:
    return ScoreOutcome({"output1": call.inputs["input1"]})


def _slow(call: ScoreCall) -> ScoreOutcome:
    time.sleep(1.5)
    return _echo(call)


def _who(call: ScoreCall) -> ScoreOutcome:
    del call
    return ScoreOutcome({"output1": Table.from_arrow(pa.table({"a": [float(os.getpid())]}))})
