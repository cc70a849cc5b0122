"""What a figure was measured on: machine, kernel, versions, and how busy it was. Never a path or a user's name."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path

import pyarrow

import estudio


def load_average() -> str:
    """How busy the machine has been in the last minute, five and fifteen."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def machine_facts() -> list[str]:
    """Lines that say where and when a run took place."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    now = dt.datetime.now(dt.UTC)
    return [
        f"{now:%Y-%m-%d %H:%M} UTC · {os.cpu_count()} × {_processor()} · {memory:.0f} GiB · {_system()}",
        f"estudio {estudio.__version__} on Python {platform.python_version()}, pyarrow {pyarrow.__version__}",
    ]


def _system() -> str:
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return " ".join(line.split(":", 1)[1].replace("(R)", "").split())
    return platform.machine()
