"""Whole texts, compared with files.

`ESTUDIO_WRITE_GOLDEN=1 pytest tests/cli` writes them anew; the difference is then to be read.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def same_as_golden(name: str, captured: tuple[str, str]) -> None:
    """Standard output and error, each under its heading, are those of the file."""
    text = f"--- standard output\n{captured[0]}--- standard error\n{captured[1]}"
    path = FOLDER / name
    if os.environ.get("ESTUDIO_WRITE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
