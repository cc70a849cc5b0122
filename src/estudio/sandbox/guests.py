"""One guest, seen from the host: its socket, its log, its end, and the one call that it takes.

Everything that comes from a guest is bounded and believed only as far as it was checked. A guest is signalled through
its process descriptor alone, so that no other process can be hit.
"""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import json
import mmap
import os
import select
import signal
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from estudio.errors import SandboxBroken

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.sandbox.cgroups import GuestCgroup

MAX_REPORT_BYTES = 64 * 1024 * 1024
"""A report is the description of tables of at most 100 000 columns and a traceback."""
MAX_REPORT_PARTS = 8_000_000
"""Opening brackets, braces and commas. Two tables of 100 000 dictionary columns have six million; each `{},` takes the
host 40 times its length in memory."""
READY_SECONDS = 30.0
"""A guest is ready milliseconds after its fork, except on a machine that is thrashing."""
END_SECONDS = 30.0
"""The kernel ends a killed process tree in milliseconds; a process stuck on a dying disk may take longer."""
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(slots=True)
class CallFacts:
    """What was observed of one call; what it means is decided in `outcome`."""

    report: dict[str, Any] | None = None
    status: int | None = None
    log: bytearray = field(default_factory=bytearray)
    log_overflow: bool = False
    timed_out: bool = False
    cancelled: bool = False
    kernel_killed_for_memory: bool = False
    broken_report: str | None = None
    sent_at: float = 0.0
    answered_at: float = 0.0
    checked_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CallMessage:
    """What the guest is sent: the description as JSON, the script, and descriptors (result first, inputs, bundle)."""

    job: dict[str, Any]
    script: bytes
    descriptors: tuple[int, ...]


class Guest:
    """A forked, confined process that waits for one call."""

    def __init__(
        self, number: int, connection: socket.socket, log: int, process: int, *, own_process_table: bool
    ) -> None:
        self.number = number
        self.connection = connection
        self.log = log
        self.process = process
        self.own_process_table = own_process_table
        self.cgroup: GuestCgroup | None = None
        self.ended = threading.Event()
        self.status: int | None = None
        self.kernel_killed_for_memory = False
        self._ready = False
        os.set_blocking(log, False)

    @property
    def pid(self) -> int:
        """Its process number as this process sees it, 0 when it has ended."""
        with open(f"/proc/self/fdinfo/{self.process}") as facts:  # noqa: PTH123 -- on the path of every fork
            for line in facts:
                if line.startswith("Pid:"):
                    return max(0, int(line.split()[1]))
        return 0

    def wait_ready(self) -> None:
        """Wait until the guest is confined.

        Raises:
            SandboxBroken: it did not get there; the message says at which wall.
        """
        if self._ready:
            return
        self.connection.settimeout(READY_SECONDS)
        try:
            (size,) = struct.unpack("=I", self._receive(4))
            answer = json.loads(self._receive(min(size, MAX_REPORT_BYTES)))
        except (OSError, EOFError, ValueError) as error:
            raise SandboxBroken(f"A guest ended before it was confined: {error}.") from error
        if answer.get("ready") is not True:
            raise SandboxBroken(f"A guest could not be confined: {answer.get('failed')}.")
        self._ready = True

    def _receive(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self.connection.recv(size - len(parts))
            if not part:
                raise EOFError("its connection closed")
            parts += part
        return bytes(parts)

    def send(self, message: CallMessage) -> None:
        """Hand the call over. Raises OSError where the guest is gone."""
        job = json.dumps(message.job).encode()
        header = struct.pack("=II", len(job), len(message.script))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", message.descriptors))]
        self.connection.sendmsg([header], rights)
        self.connection.sendall(job + message.script)

    def kill(self) -> None:
        """End the guest and all that it started: with a process table of its own the kernel does the latter."""
        with contextlib.suppress(ProcessLookupError):
            if not self.own_process_table and (pid := self.pid):
                os.killpg(pid, signal.SIGKILL)
            signal.pidfd_send_signal(self.process, signal.SIGKILL)

    def wait_end(self, seconds: float = END_SECONDS) -> bool:
        """Wait until no process of the guest is left."""
        poll = select.poll()
        poll.register(self.process, select.POLLIN)
        return bool(poll.poll(int(seconds * 1000)))

    def close(self) -> None:
        """Let go of all descriptors; the guest has been killed or has ended."""
        self.connection.close()
        for descriptor in (self.log, self.process):
            os.close(descriptor)


class Conversation:
    """The one call of one guest: sends it, follows log and answer, ends at the deadline, at a bound or on cancel."""

    def __init__(
        self,
        guest: Guest,
        *,
        timeout_seconds: float,
        log_bytes: int,
        cancel: int,
        on_output: Callable[[bytes], None] | None,
    ) -> None:
        self._guest = guest
        self._timeout_seconds = timeout_seconds
        self._log_bytes = log_bytes
        self._cancel = cancel
        self._on_output = on_output
        self._answer = bytearray()
        self.facts = CallFacts()

    def hold(self, message: CallMessage) -> CallFacts:
        """Send the call and follow it to its end. The guest has ended or answered when this returns."""
        self.facts.sent_at = time.time()
        deadline = time.monotonic() + self._timeout_seconds
        self._guest.connection.settimeout(self._timeout_seconds)
        try:
            self._guest.send(message)
        except OSError:
            pass  # it ended before it had all: its status says how
        else:
            self._follow(deadline)
        if self.facts.report is None:
            self._guest.kill()
        self.facts.answered_at = time.time()
        self._read_log()
        return self.facts

    def _follow(self, deadline: float) -> None:
        guest = self._guest
        guest.connection.setblocking(False)
        poll = select.poll()
        for descriptor in (guest.connection.fileno(), guest.log, self._cancel):
            poll.register(descriptor, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            ready = dict(poll.poll(max(0, int(left * 1000) + 1))) if left > 0 else {}
            if not ready:
                self.facts.timed_out = True
                return
            if self._cancel in ready:
                self.facts.cancelled = True
                return
            if guest.log in ready and not self._read_log():
                poll.unregister(guest.log)
            if self.facts.log_overflow:
                return
            if guest.connection.fileno() in ready and self._read_answer():
                return

    def _read_log(self) -> bool:
        """Take what was printed. False when nobody holds the other end any more."""
        facts = self.facts
        while True:
            try:
                part = os.read(self._guest.log, 65536)
            except BlockingIOError:
                return True
            if not part:
                return False
            room = self._log_bytes - len(facts.log)
            facts.log_overflow = len(part) > room
            facts.log += part[:room]
            if self._on_output is not None:
                self._on_output(part[:room])
            if facts.log_overflow:
                return True

    def _read_answer(self) -> bool:
        """Take what was answered. True when there is nothing more to wait for."""
        try:
            part = self._guest.connection.recv(1 << 20)
        except BlockingIOError:
            return False
        except OSError:
            part = b""
        self._answer += part
        if not part:
            return True
        if len(self._answer) < 4:
            return False
        (size,) = struct.unpack_from("=I", self._answer)
        if size > MAX_REPORT_BYTES:
            self.facts.broken_report = f"a report of {size} bytes"
            return True
        if len(self._answer) < 4 + size:
            return False
        self.facts.report, self.facts.broken_report = parse_report(bytes(self._answer[4 : 4 + size]))
        return True


def parse_report(untrusted: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """The report as an object, or why it is none. Nesting, constants and numbers are bounded by the reader."""
    if sum(untrusted.count(sign) for sign in b"[{,") > MAX_REPORT_PARTS:
        return None, f"a report of more than {MAX_REPORT_PARTS} parts"
    try:
        report = json.loads(untrusted, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return None, f"a report that is no JSON: {error}"
    if not isinstance(report, dict):
        return None, "a report that is no object"
    return report, None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


class ResultFile:
    """Memory without a name that a guest fills: of fixed size, so that it can neither grow nor shrink."""

    def __init__(self, size: int) -> None:
        self.descriptor = os.memfd_create("result", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, size)
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        except OSError:
            self.close()
            raise

    def freeze(self, guest: Guest) -> None:
        """Make it unchangeable: by a seal, or where somebody still holds it writable by ending the guest first.

        Raises:
            SandboxBroken: the guest cannot be ended.
        """
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EPERM):
                raise
            guest.kill()
            if not guest.wait_end():
                raise SandboxBroken("A guest that was killed does not end; its result was not read.") from error

    def map(self, used_bytes: int) -> memoryview:
        """The first `used_bytes`, read-only, without a copy."""
        if used_bytes == 0:
            return memoryview(b"")
        # Private, because Linux before 6.7 refuses any shared map of memory that is sealed against writing.
        return memoryview(mmap.mmap(self.descriptor, used_bytes, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))

    def close(self) -> None:
        """Let go of the descriptor; maps stay."""
        os.close(self.descriptor)
