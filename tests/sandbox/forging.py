"""What a script can do to its own report: it finds the connection to the host, and writes there what it likes."""

from __future__ import annotations

import json
from typing import Any

FORGE = """
import json, os, stat, struct, sys, time

def find(check):
    for number in range(3, 1024):
        try:
            if check(os.fstat(number).st_mode):
                return number
        except OSError:
            pass

CONNECTION, RESULT = find(stat.S_ISSOCK), find(stat.S_ISREG)

def send(data):
    while data:
        data = data[os.write(CONNECTION, data):]

def answer(report):
    data = report if isinstance(report, bytes) else json.dumps(report).encode()
    send(struct.pack("=I", len(data)) + data)

def put(data, offset=0):
    os.pwrite(RESULT, data, offset)

PNG = b"\\x89PNG\\r\\n\\x1a\\n" + struct.pack(">I4sIIB", 13, b"IHDR", 1, 1, 8) + b"\\2\\0\\0\\0" + b"\\0" * 20

def azureml_main():
    time.sleep(60)
"""


def forged(code: str) -> str:
    """A script that runs this code with the connection in its hand."""
    return f"{FORGE}\n{code}\n"


def report_of(**changes: Any) -> dict[str, Any]:
    """An honest report of one column of two numbers, with changes."""
    return {"state": "finished", "tables": [table_of()], "images": [], "concatenated": None, "error": None,
            "timings": {}, "used_bytes": 64, **changes}  # fmt: skip


def table_of(rows: int = 2, **changes: Any) -> dict[str, Any]:
    """An honest table's description, with changes to its only column."""
    return {"rows": rows, "columns": [column_of(rows=rows, **changes)]}


def column_of(**changes: Any) -> dict[str, Any]:
    """An honest column's description, with changes."""
    return {
        "name": "a",
        "type": "int64",
        "rows": 2,
        "missing": 0,
        "buffers": [None, [0, 16]],
        "children": [],
        **changes,
    }


def answering(report: object, before: str = "put(struct.pack('=qq', 1, 2))") -> str:
    """A script that answers with this report."""
    text = report if isinstance(report, str) else json.dumps(report)
    return forged(f"{before}\nanswer({text.encode()!r})\ntime.sleep(60)")
