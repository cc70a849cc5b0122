"""A guest that serves the calls of one web service: it loads script and bundle once, then takes call after call.

As a worker it runs every call itself. As a template it runs none: each call gets a child of its own, forked ahead, with
a fresh socket and a fresh log pipe from the host, so that nothing that outlives a call holds an end of the next one.
The template is pid 1 of its namespace and forks the next child only when no other process and no new file is left.
"""

from __future__ import absolute_import, division, print_function

import ctypes
import gc
import json
import os
import select
import signal
import struct
import threading
import traceback

from . import channel, immortals, isolation, seeds, service_box, service_call

CALL = struct.Struct("=QIII")
"""From the host: the call's number, bytes of its description, bytes of tables in line, descriptors that follow."""
ANSWER = struct.Struct("=QIQ")
"""To the host: the call's number, bytes of the report, bytes of the result in line."""
CHILD = struct.Struct("=Q")
"""To a template, with a socket and a log pipe: the number of the child to fork; the one before is no longer needed."""
TOLD = struct.Struct("=BQi")
"""From a template: what it did, the number that it was asked for, the wait status of the child before."""
FORKED, RETIRED = 1, 2
INLINE_BYTES = 64 * 1024
"""Results up to here travel in the answer; larger ones go into a file that the host hands over when asked."""
QUIET_MILLISECONDS = 1
"""A child that has waited so long rehearses its call; sooner, calls queue up, and it would take their processor."""

_libc = ctypes.CDLL(None)
_ACTION_BYTES = 256
"""More than any C library's `struct sigaction`, whose first word is the handler."""
_ORDINARY_HANDLERS = (0, 1)
"""SIG_DFL and SIG_IGN."""


def serve(connection, job, script, descriptors, fork, hooks):
    """Load, answer how that went, and serve until the host closes the connection. Never returns.

    Args:
        connection: the guest's own socket.
        job: {"serve": "call" or "worker", "script_name", "calling", "output_bytes", "bundle", "limits"}.
        script: the source, bytes.
        descriptors: of the bundle, where there is one.
        fork: fork(2) with the C libraries' preparations only, as the zygote uses it.
        hooks: what packages want to have done in a forked child.
    """
    own = os.getpid()
    limits = job["limits"]
    if limits is not None:
        isolation.limit_call(limits["address_bytes"], None, limits["file_bytes"])
    bundle = descriptors.pop() if job["bundle"] else None
    loaded, report, pieces = service_call.load(job, script, bundle)
    if os.getpid() != own:
        os._exit(0)  # the script forked, and this is its child
    if bundle is not None:
        os.close(bundle)
    if loaded is None:
        _answer(connection, 0, report, pieces)
        os._exit(0)
    if job["serve"] == "worker":
        box = service_box.WorkFolder()
        _answer(connection, 0, report, [])
        _work(connection, loaded, box)
    else:
        _Template(connection, loaded, fork, hooks).run(report)


# --- one process for all calls ----------------------------------------------------------------------------------


def _work(connection, loaded, box):
    own = os.getpid()
    seeds.reseed()
    while True:
        number, job, payload, descriptors = _receive(connection)
        os.chdir(loaded.folder)
        report, pieces = loaded.call(job, payload, descriptors)
        if os.getpid() != own:
            os._exit(0)
        _close(descriptors)
        _answer(connection, number, report, pieces)
        if job["seed"] is not None:
            seeds.reseed()  # the next call must not go on with this one's numbers
        del job, payload, report, pieces
        loaded.forget_figures()
        box.restore()


# --- one process for each call ----------------------------------------------------------------------------------


class _Template(object):
    """The loaded script, and the one child that waits for its call or runs it."""

    def __init__(self, control, loaded, fork, hooks):
        self.control, self.loaded, self.hooks = control, loaded, hooks
        self.fork = os.fork if threading.active_count() > 1 else fork
        self.handlers = []
        self.is_init = os.getpid() == 1
        self.child = None

    def run(self, report):
        """Fork a child whenever the host asks for the next one."""
        box = service_box.Box()
        box.settle(kept=(0, 1, 2, self.control))
        self._put_handlers_away()
        gc.collect()
        immortals.make_immortal()
        if hasattr(gc, "freeze"):
            gc.freeze()
        _answer(self.control, 0, report, [])
        while True:
            header, ends = channel.receive_with_descriptors(self.control, CHILD.size)
            if len(header) < CHILD.size:
                os._exit(0)
            (number,) = CHILD.unpack(header)
            had_child = self.child is not None
            status = self._end_child()
            if had_child and box.restore() is not None:
                os.write(self.control, TOLD.pack(RETIRED, number, status))
                os._exit(0)
            self._start_child(number, ends)
            _close(ends)
            os.write(self.control, TOLD.pack(FORKED, number, status))

    def _put_handlers_away(self):
        """The script's own signal handlers are for its calls: here a call could run them by a signal.

        Signals that pid 1 has no handler for are dropped when they come from inside its namespace, SIGKILL included.
        """
        for number in range(1, 65):
            action = ctypes.create_string_buffer(_ACTION_BYTES)
            if _libc.sigaction(number, None, action) == 0:
                (handler,) = struct.unpack_from("=Q", action.raw)
                if handler not in _ORDINARY_HANDLERS:
                    self.handlers.append((number, action))
                    _libc.signal(number, None)

    def _end_child(self):
        """End every other process of the box; return the wait status of the last call's own."""
        status = 0
        if self.child is None:
            return status
        if not self.is_init:  # no process table of its own: the others are not known, and not all are ours
            os.kill(self.child, signal.SIGKILL)
            self.child, status = None, os.waitpid(self.child, 0)[1]
            return status
        while True:
            try:
                os.kill(-1, signal.SIGKILL)
            except OSError:
                pass  # nobody is left to be signalled; whoever has ended is waited for below
            try:
                pid, ended = os.waitpid(-1, 0)
            except OSError:
                self.child = None
                return status
            if pid == self.child:
                status = ended

    def _start_child(self, number, ends):
        pid = self.fork()
        if pid == 0:
            try:
                self._be_child(number, *ends)
            except EOFError:
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(70)
        self.child = pid

    def _be_child(self, number, connection, log):
        for handled, action in self.handlers:
            _libc.sigaction(handled, action, None)
        for hook in self.hooks:
            hook()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.close(self.control)
        own = os.getpid()
        gc.enable()
        if not _is_awaited(connection):
            service_call.rehearse()  # every page that is touched for the first time costs a fault; now nobody waits
        seeds.reseed()
        asked, job, payload, descriptors = _receive(connection)
        limits = job["limits"]
        if limits is not None:
            isolation.limit_call(limits["address_bytes"], limits["cpu_seconds"], limits["file_bytes"])
        report, pieces = self.loaded.call(job, payload, descriptors)
        if os.getpid() == own and asked == number:
            _answer(connection, number, report, pieces)
        os._exit(0)


# --- messages ---------------------------------------------------------------------------------------------------


def _is_awaited(connection):
    watch = select.poll()
    watch.register(connection, select.POLLIN)
    return bool(watch.poll(QUIET_MILLISECONDS))


def _receive(connection):
    """Return the next call: its number, description, tables in line, descriptors. Ends the process with the stream."""
    try:
        number, job_bytes, payload_bytes, count = CALL.unpack(channel.read_exactly(connection, CALL.size))
        body = channel.read_exactly(connection, job_bytes + payload_bytes)
    except EOFError:
        os._exit(0)
    descriptors = channel.receive_with_descriptors(connection, 1)[1] if count else []
    return number, json.loads(body[:job_bytes].decode("utf-8")), bytearray(body[job_bytes:]), descriptors


def _answer(connection, number, report, pieces):
    """Send the report, and the result with it or through a file."""
    used, payload = report["used_bytes"], b""
    if used > INLINE_BYTES:
        _send(connection, number, {"room": used}, b"")
        received = channel.receive_with_descriptors(connection, 1)[1]
        if not received:
            os._exit(0)
        service_call.write_pieces(pieces, received[0])
        _close(received)
    elif used:
        payload = service_call.joined(pieces, used)
    _send(connection, number, report, payload)


def _send(connection, number, report, payload):
    text = json.dumps(report).encode("utf-8")
    channel.write_all(connection, ANSWER.pack(number, len(text), len(payload)) + text + payload)


def _close(descriptors):
    for descriptor in descriptors:
        os.close(descriptor)
