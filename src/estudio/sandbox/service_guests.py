"""A guest that has loaded a service's script and takes its calls, one at a time, seen from the host.

A worker takes all of them on its own socket. A template forks a child for each, ahead, with a socket and a log pipe
made here for that child alone; it does so only after everything of the call before is gone. So a call may be sent at
once: nobody but the next child can ever read it.
"""

from __future__ import annotations

import array
import contextlib
import os
import select
import signal
import socket
import struct
from typing import TYPE_CHECKING

from estudio.core.service import ServiceIsolation
from estudio.errors import SandboxBroken
from estudio.sandbox.service_exchange import Bounds, Exchange, Line, ServiceFacts, ServiceMessage

if TYPE_CHECKING:
    from estudio.sandbox.guests import CallMessage, Guest

CHILD = struct.Struct("=Q")
TOLD = struct.Struct("=BQi")
FORKED, RETIRED = 1, 2
TOLD_SECONDS = 10.0
"""A template tells of the next child milliseconds after it was asked."""
END_SECONDS = 30.0
"""As of any guest that was killed."""


class ServiceGuest:
    """One guest at the service of one script. One thread at a time uses it.

    Args:
        guest: ready, without a call.
        isolation: worker or template.
        held: what is let go of when it has ended.
    """

    def __init__(self, guest: Guest, isolation: ServiceIsolation, held: contextlib.ExitStack) -> None:
        self.guest = guest
        self.isolation = isolation
        self._held = held
        self.calls = 0
        self.usable = False
        self.loaded_log = b""
        self._number = 0
        self._next: Line | None = None
        self._told = 0
        self._status = 0
        self._retired = False

    @property
    def alive(self) -> bool:
        """Whether it can take a call, as far as is known without asking it."""
        return self.usable and not self.guest.ended.is_set()

    def load(self, message: CallMessage, bounds: Bounds) -> ServiceFacts:
        """Have the script loaded. The facts are those of a call; where it finished, the guest can be used."""
        line = Line(self.guest.connection, self.guest.log)
        facts = Exchange(line, 0, bounds).hold(lambda _: self.guest.send(message))
        if facts.report is not None and facts.report.get("state") == "finished" and not facts.log_overflow:
            self.usable, self.loaded_log = True, bytes(facts.log)
            if self.isolation is ServiceIsolation.CALL:
                self._prepare()
        else:
            self._end(facts)
        return facts

    def call(self, message: ServiceMessage, bounds: Bounds) -> ServiceFacts:
        """Have one call done. After one that did not end as it should, the guest is not `usable` any more."""
        self.calls += 1
        hold = self._worked if self.isolation is ServiceIsolation.WORKER else self._childs
        facts = hold(message, bounds)
        if facts.unbegun:
            self.usable = False
        elif facts.report is None:
            if facts.status is None:
                self._end(facts)
        elif facts.report.get("state") != "finished":
            facts.kernel_killed_for_memory = self._kernel_killed()
        if facts.kernel_killed_for_memory:
            self.usable = False
        return facts

    def _kernel_killed(self) -> bool:
        return self.guest.cgroup is not None and self.guest.cgroup.kernel_killed()

    # --- a worker

    def _worked(self, message: ServiceMessage, bounds: Bounds) -> ServiceFacts:
        self._number += 1
        exchange = Exchange(Line(self.guest.connection, self.guest.log), self._number, bounds)
        if exchange.discard_stale():
            return exchange.send(message)
        exchange.facts.unbegun = True
        return exchange.facts

    # --- a template and its children

    def _childs(self, message: ServiceMessage, bounds: Bounds) -> ServiceFacts:
        line, number = self._next, self._number
        self._next = None
        if line is None:
            return ServiceFacts(unbegun=True)
        with contextlib.closing(line):
            facts = Exchange(line, number, bounds).send(message)
            if facts.interrupted:
                return facts
            self._prepare()
        if facts.report is None and not facts.unbegun:
            self._ask_status(number, facts)
        return facts

    def _prepare(self) -> None:
        """Ask for the next child. It is forked when nothing of the one before is left."""
        self._hear(0.0)
        ours, theirs = socket.socketpair()
        log, their_log = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(log, False)
        self._number += 1
        self._next = Line(ours, log)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", (theirs.fileno(), their_log)))]
        with theirs:
            try:
                self.guest.connection.sendmsg([CHILD.pack(self._number)], rights)
            except OSError:
                self.usable = False  # what it told before it ended is still to be heard
            finally:
                os.close(their_log)

    def _ask_status(self, number: int, facts: ServiceFacts) -> None:
        """How the child of a call ended that did not answer: the template tells it with the next child."""
        while self._told <= number and not self._retired and self._hear(TOLD_SECONDS):
            pass
        if self._told > number:
            facts.status = self._status
            if os.WIFSIGNALED(self._status) and os.WTERMSIG(self._status) == signal.SIGKILL:
                facts.kernel_killed_for_memory = self._kernel_killed()
        elif self._retired:
            facts.unbegun = True

    def _hear(self, seconds: float) -> bool:
        """Take what the template has told, waiting for at most this long. False where there was nothing."""
        connection = self.guest.connection
        connection.setblocking(False)
        if seconds:
            poll = select.poll()
            poll.register(connection, select.POLLIN)
            poll.poll(int(seconds * 1000))
        try:
            told = connection.recv(TOLD.size * 64)
        except BlockingIOError:
            return False
        except OSError:
            told = b""
        if not told or len(told) % TOLD.size:
            self.usable = False
            return False
        for kind, number, status in TOLD.iter_unpack(told):
            self._told, self._status = number, status
            self._retired = self._retired or kind == RETIRED
        return True

    # --- the end

    def _end(self, facts: ServiceFacts) -> None:
        """End it, and find out how it ended."""
        self.usable = False
        self.guest.kill()
        self.guest.ended.wait(END_SECONDS)
        facts.status = self.guest.status
        facts.kernel_killed_for_memory = self.guest.kernel_killed_for_memory

    def close(self) -> None:
        """End it; nothing of it is left when this returns."""
        self.usable = False
        if self._next is not None:
            self._next.close()
            self._next = None
        self.guest.kill()
        if not self.guest.ended.wait(END_SECONDS):
            raise SandboxBroken("A service guest that was killed does not end.")
        self.guest.close()
        self._held.close()
