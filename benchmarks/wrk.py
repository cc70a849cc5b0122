"""One load by wrk: a body posted again and again over kept connections, on loopback, for a bounded time.

Every answer has to be 200: a server that refuses is fast.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

MAX_SECONDS = 60
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one load met: requests per second, and latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


def load(url: str, body: bytes, headers: dict[str, str], *, connections: int, seconds: int) -> Load:
    """Post this body over so many connections for so long.

    Raises:
        RuntimeError: wrk is not installed, an answer was not 200, or a connection broke.
    """
    program = shutil.which("wrk")
    if program is None:
        raise RuntimeError("wrk is not installed; Debian has it as the package `wrk`")
    with tempfile.TemporaryDirectory() as folder:
        content, script = Path(folder, "body"), Path(folder, "post.lua")
        content.write_bytes(body)
        lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
        script.write_text(
            f'wrk.method = "POST"\nlocal file = io.open("{content}", "rb")\nwrk.body = file:read("*a")\n'
            + "\n".join(lines)
            + "\n"
        )
        command = [program, "-t1", f"-c{connections}", f"-d{min(seconds, MAX_SECONDS)}s", "--timeout", "30s"]
        ended = subprocess.run(
            [*command, "--latency", "-s", str(script), url], check=True, capture_output=True, text=True
        )
    return _read(ended.stdout)


def _read(said: str) -> Load:
    broken = re.search(r"Non-2xx or 3xx responses: \d+|Socket errors: .*", said)
    if broken is not None:
        raise RuntimeError(f"not every answer was good: {broken[0]}")
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", said)
    latencies = {name: _milliseconds(value, unit) for name, value, unit in _LATENCY.findall(said)}
    if per_second is None or not {"50", "99"} <= latencies.keys():
        raise RuntimeError(f"wrk said something else than expected: {said}")
    return Load(float(per_second[1]), latencies["50"], latencies["99"])


_LATENCY = re.compile(r"^\s+(50|75|90|99)%\s+([\d.]+)(us|ms|s|m)\s*$", re.MULTILINE)


def _milliseconds(value: str, unit: str) -> float:
    return float(value) * _UNITS[unit]
