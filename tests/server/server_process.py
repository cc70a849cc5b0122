"""A real `serve` in a process of its own, as `estudio serve` is."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from estudio.server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
import json, sys
from estudio.server.serving import serve
from estudio.server.settings import ServerSettings
parts, settings = sys.argv[1], json.loads(sys.argv[2])
serve("nowhere", ServerSettings(**settings), parts=parts, on_ready=lambda url: print(url, flush=True))
"""
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def served(settings: ServerSettings, parts: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The server's address and its process (the supervisor where there are several workers)."""
    given = {name: value for name, value in asdict(settings).items() if value != getattr(ServerSettings(), name)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, parts, json.dumps(given, default=str)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        yield url, process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.communicate()
