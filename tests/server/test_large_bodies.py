"""A body of 1 GB against a real server process: refused soon, at the limit, and the process does not grow with it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from estudio.server.settings import ServerSettings
from tests.server.raw import connect, head, read_all, status_of
from tests.server.served_doubles import PARTS
from tests.server.server_process import served

MIB = 1 << 20
LIMIT = 8 * MIB
SETTINGS = ServerSettings(port=0, log_format="none", max_body_bytes=LIMIT)


def resident_bytes(process_id: int) -> int:
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_of_1_gb(is_chunked: bool) -> None:
    with served(SETTINGS, PARTS) as (url, process):
        before = resident_bytes(process.pid)
        began = time.monotonic()
        with connect(url, 30) as connection:
            chunk = b"x" * MIB
            framed = b"%x\r\n" % MIB + chunk + b"\r\n" if is_chunked else chunk
            if is_chunked:
                connection.sendall(head(None, "Transfer-Encoding: chunked", key="echo-key"))
            else:
                connection.sendall(head(1024 * MIB, key="echo-key"))
            sent = 0
            try:
                for _ in range(1024):
                    connection.sendall(framed)
                    sent += MIB
            except ConnectionError:
                pass
            else:
                pytest.fail("the whole body was taken")
            answer = b"" if sent > 64 * MIB else read_all(connection)
        assert time.monotonic() - began < 20
        assert sent < 64 * MIB
        assert not answer or status_of(answer) == 413
        assert resident_bytes(process.pid) - before < 4 * LIMIT
