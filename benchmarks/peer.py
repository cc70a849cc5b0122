"""A peer: a warm process on the environment's interpreter that measures itself when it is told to.

One JSON line asks, one answers. The clock runs inside the peer, so that this conversation costs it nothing.
"""

from __future__ import annotations

import json
import selectors
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.setting import Setting, peer_variables

ANSWER_SECONDS = 170.0
"""A program is to end within three minutes."""
END_SECONDS = 10.0


class Peer:
    """One running peer program of `benchmarks/peers`."""

    def __init__(self, setting: Setting, program: str, *options: str) -> None:
        path = Path(__file__).parent / "peers" / program
        self._process = subprocess.Popen(
            [setting.environment.python, str(path), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=peer_variables(),
        )

    def ask(self, what: str, **details: object) -> Any:
        """Ask for one thing and wait for the answer.

        Raises:
            RuntimeError: the peer ended, or does not answer in time.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the peer has no pipes")
        self._process.stdin.write(json.dumps({"do": what, **details}).encode() + b"\n")
        self._process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(ANSWER_SECONDS):
                raise RuntimeError(f"the peer did not answer {what!r} in {ANSWER_SECONDS:.0f} seconds")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended while it did {what!r}; its own words are above")
        return json.loads(line)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def close(self) -> None:
        """End the peer: its standard input closes."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
