"""Zygotes on the host's side: starting one, asking it for guests, hearing how they ended.

One keeper thread per zygote listens to its control socket, so that a caller's thread that ends takes nothing with it.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estudio.errors import EnvironmentFailed, EstudioError, SandboxBroken, SandboxUnavailable
from estudio.sandbox.guests import Guest
from estudio.sandbox.seccomp import compile_filter

if TYPE_CHECKING:
    from estudio.core.limits import Limits
    from estudio.sandbox.cgroups import Cgroups, GuestCgroup
    from estudio.sandbox.policy import GuestProfile, ZygoteSpec

CONTROL_BYTES = 1 << 17
START_SECONDS = 120.0
"""Importing a large environment from a cold disk; a warm start takes about one second."""
GUEST_DESCRIPTORS = 3
"""Its connection, its log, its process."""
FORK_SECONDS = 30.0
END_SECONDS = 5.0
SHARED_PROCESSES = 64
"""All guests of a zygote share one count of processes. Where a control group counts for each, that one is a backstop
only: a guest that uses up its own share must not starve the others."""
NETWORKS = 16
"""Network namespaces that a zygote keeps for its guests; beyond as many guests at a time each makes its own."""
SPARE_CGROUPS = 8
"""Control groups that wait for a guest: as many as usually run at a time."""
MAX_LAST_WORDS = 4_000
"""What a dying zygote printed, for the error text."""
UNPRIVILEGED_ID = 60_578
"""The user and group that a zygote becomes when estudio runs as root: a number that no account uses
(systemd's list of user ids leaves 60 578 to 60 705 free)."""

_GUEST_FOLDER = Path(__file__).parents[1] / "guest"
_BOX = "/box"
_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def guest_variables(folder: str = _BOX) -> dict[str, str]:
    """The whole environment of zygotes and guests: nothing of the host's own gets in.

    One thread per library, because a process with threads cannot be forked safely; a fixed hash seed, so that the same
    seed gives the same result in every zygote.
    """
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": f"{folder}/home",
        "TMPDIR": f"{folder}/tmp",  # noqa: S108 -- inside the private folder
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{folder}/home/matplotlib",
        "JOBLIB_TEMP_FOLDER": f"{folder}/tmp",  # noqa: S108 -- the same
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        **dict.fromkeys(_THREADS, "1"),
    }


class Zygote:
    """One warm interpreter behind its walls."""

    def __init__(self, spec: ZygoteSpec, limits: Limits, cgroups: Cgroups) -> None:
        self.spec = spec
        self.forks = 0
        self._cgroups = cgroups
        self._limits = limits
        self._changed = threading.Condition()
        self._cgroup_of: dict[int, GuestCgroup | None] = {}
        self._spare_cgroups: deque[GuestCgroup | None] = deque()
        self._guests: dict[int, Guest] = {}
        self._arrived: dict[int, Guest] = {}
        self._taken: set[int] = set()
        self._alive = False
        self._keeper = threading.Thread(target=self._keep, name="estudio-zygote-keeper", daemon=True)
        self._messages = os.memfd_create("zygote-messages", os.MFD_CLOEXEC)
        self._said: str | None = None
        self._folder = None if "mount" in spec.walls else tempfile.TemporaryDirectory(prefix="estudio-zygote-")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._process = self._spawn(theirs.fileno())
        except BaseException:
            self._control.close()
            os.close(self._messages)
            raise
        with contextlib.suppress(OSError):  # it ended at once: `wait_ready` says why
            self._control.sendall(json.dumps(self._configuration()).encode())

    def _spawn(self, control: int) -> subprocess.Popen[bytes]:
        command = [self.spec.python, "-E", "-s", "-S", "-B", str(_GUEST_FOLDER / "bootstrap.py"), str(_GUEST_FOLDER)]
        try:
            return subprocess.Popen(
                [*command, str(control)],
                stdin=subprocess.PIPE,
                stdout=self._messages,
                stderr=self._messages,
                pass_fds=(control,),
                env=guest_variables(_BOX if self._folder is None else self._folder.name),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentFailed(
                f"The interpreter {self.spec.python} cannot be started: {error.strerror}. Build the environment again."
            ) from error

    def _configuration(self) -> dict[str, Any]:
        walls = self.spec.walls
        machine = os.uname().machine
        return {
            "walls": sorted(walls),
            "readonly": list(self.spec.readonly),
            "drop_to": UNPRIVILEGED_ID if os.geteuid() == 0 and "user" in walls else None,
            "preload": list(self.spec.preload),
            "rehearse": self.spec.rehearse,
            "networks": NETWORKS if self.spec.rehearse else 0,
            "site_packages": self.spec.site_packages,
            "font_cache": self.spec.font_cache,
            "processes": self._limits.processes * (1 if self._cgroups.processes is None else SHARED_PROCESSES),
            "filters": {
                name: base64.b64encode(compile_filter(machine, programs=programs)).decode()
                for name, programs in (("closed", False), ("programs", True))
                if "seccomp" in walls
            },
        }

    def wait_ready(self) -> None:
        """Wait until the walls stand and the packages are imported, then begin to listen.

        Raises:
            SandboxUnavailable: a wall cannot be built here; the message says which.
            EnvironmentFailed: a package cannot be imported.
            SandboxBroken: the zygote died, or has more than one thread.
        """
        if self._said is not None:
            raise SandboxBroken(f"The zygote has ended. {self._said}")
        self._control.settimeout(START_SECONDS)
        try:
            answer = json.loads(self._control.recv(CONTROL_BYTES) or b"null")
        except TimeoutError:
            answer = {"failed": "start", "message": f"not ready after {START_SECONDS:.0f} seconds"}
        except OSError as error:
            answer = {"failed": "start", "message": str(error)}
        if not isinstance(answer, dict) or "ready" not in answer:
            last_words = self._last_words()
            self.close()
            raise _start_failure(answer, last_words, self.spec.python)
        self._control.settimeout(None)
        self._alive = True
        self._keeper.start()

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        with self._changed:
            if self._said is None:
                size = os.fstat(self._messages).st_size
                said = os.pread(self._messages, MAX_LAST_WORDS, max(0, size - MAX_LAST_WORDS))
                return said.decode(errors="replace").strip()
            return self._said

    # --- guests

    def ask(self, profile: GuestProfile, folder: str | None = None) -> int:
        """Ask for one guest; returns its number, to be given to `take`.

        Raises:
            SandboxBroken: the zygote is gone.
        """
        cgroup = self._spare_cgroup()
        with self._changed:
            self.forks += 1
            number = self.forks
            self._cgroup_of[number] = cgroup
        request = {"fork": number, "disk_bytes": profile.disk_bytes, "programs": profile.programs, "folder": folder}
        doors: list[int] = []
        try:
            doors = [] if cgroup is None else cgroup.doors()
            socket.send_fds(self._control, [json.dumps(request).encode()], doors)
        except OSError as error:
            with self._changed:
                unused = self._cgroup_of.pop(number, None)
            if unused is not None:
                unused.remove()
            raise SandboxBroken(f"The zygote is gone: {error}. {self._last_words()}") from error
        finally:
            for door in doors:
                os.close(door)
        return number

    def _spare_cgroup(self) -> GuestCgroup | None:
        """Control groups for the next guest; the keeper has made them while nobody waited."""
        try:
            return self._spare_cgroups.popleft()
        except IndexError:
            return self._new_cgroup()

    def _new_cgroup(self) -> GuestCgroup | None:
        cgroup = self._cgroups.create()
        if cgroup is not None:
            cgroup.limit(self._limits.memory_bytes, self._limits.processes)
        return cgroup

    def take(self, number: int) -> Guest:
        """Wait for the guest of that number.

        Raises:
            SandboxBroken: the zygote died or does not answer.
        """
        with self._changed:
            self._changed.wait_for(lambda: number in self._arrived or not self._alive, FORK_SECONDS)
            guest = self._arrived.pop(number, None)
            if guest is not None:
                self._taken.add(number)
        if guest is None:
            raise SandboxBroken(f"The zygote gave no guest. {self._last_words()}")
        return guest

    @property
    def busy(self) -> bool:
        """Whether a guest of it is at work."""
        with self._changed:
            return bool(self._taken)

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._alive

    def _keep(self) -> None:
        """The keeper's thread: descriptors of new guests in, ends of guests in, until the zygote is gone."""
        try:
            while self._hear():
                pass
        except OSError:
            pass  # the control socket was closed under us: the same as its end
        with self._changed:
            self._alive = False
            lost = list(self._guests.values())
            idle = list(self._arrived.values())
            self._guests.clear()
            self._arrived.clear()
            self._taken.clear()
            unused = [*self._cgroup_of.values(), *self._spare_cgroups]
            self._cgroup_of.clear()
            self._changed.notify_all()
        self._reap()
        for guest in idle:
            guest.close()
        for cgroup in unused:
            if cgroup is not None:
                cgroup.remove()
        for guest in lost:
            self._note_end(guest, None)

    def _hear(self) -> bool:
        payload, descriptors, _, _ = socket.recv_fds(self._control, CONTROL_BYTES, GUEST_DESCRIPTORS)
        if not payload:
            return False
        message = json.loads(payload)
        if "forked" in message:
            if len(descriptors) != GUEST_DESCRIPTORS:
                for descriptor in descriptors:
                    os.close(descriptor)
                raise OSError(errno.EMFILE, "this process has no descriptor left for a guest")
            self._admit(message["forked"], descriptors)
        elif "exited" in message:
            with self._changed:
                guest = self._guests.pop(message["exited"], None)
                self._taken.discard(message["exited"])
            if guest is not None:
                self._note_end(guest, message["status"])
        return True

    def _admit(self, number: int, descriptors: list[int]) -> None:
        connection, log, process = descriptors
        own_process_table = "pid" in self.spec.walls
        guest = Guest(number, socket.socket(fileno=connection), log, process, own_process_table=own_process_table)
        cgroup = self._cgroup_of.get(number)
        try:
            if cgroup is not None and cgroup.version == 2 and (pid := guest.pid):
                with contextlib.suppress(ProcessLookupError):
                    cgroup.add(pid)
        except OSError:
            guest.close()
            raise
        with self._changed:
            guest.cgroup = self._cgroup_of.pop(number, None)
            self._guests[number] = guest
            self._arrived[number] = guest
            self._changed.notify_all()
        if not self._spare_cgroups:
            self._spare_cgroups.append(self._new_cgroup())

    def _note_end(self, guest: Guest, status: int | None) -> None:
        guest.status = status
        if guest.cgroup is not None:
            guest.kernel_killed_for_memory = guest.cgroup.kernel_killed()
            self._put_back(guest.cgroup, used_up=guest.kernel_killed_for_memory)
        guest.ended.set()

    def _put_back(self, cgroup: GuestCgroup, *, used_up: bool) -> None:
        """Keep control groups for another guest: making and removing them takes the kernel a millisecond."""
        if self._alive and not used_up and len(self._spare_cgroups) < SPARE_CGROUPS and cgroup.is_empty():
            cgroup.limit(self._limits.memory_bytes, self._limits.processes)
            self._spare_cgroups.append(cgroup)
        else:
            cgroup.remove()

    # --- the end

    def close(self) -> None:
        """End the zygote and with it every guest; nothing of it is left when this returns."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        if self._keeper.is_alive():
            self._keeper.join()
        elif self._said is None:
            self._reap()

    def _reap(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._control.close()
        words = self._last_words()
        with self._changed:
            self._said = words
            os.close(self._messages)
        if self._folder is not None:
            self._folder.cleanup()


def _start_failure(answer: object, last_words: str, python: str) -> EstudioError:
    facts = answer if isinstance(answer, dict) else {}
    if facts.get("failed") == "wall":
        reason = f"{facts.get('step')}: {os.strerror(int(facts.get('errno') or 0))}"
        return SandboxUnavailable(
            f"The wall {facts.get('wall')!r} cannot be built on this machine ({reason}). "
            "Run `estudio doctor` to see how to get it.",
            wall=str(facts.get("wall")),
            step=str(facts.get("step")),
        )
    if facts.get("failed") == "preload":
        return EnvironmentFailed(
            f"The environment's packages cannot be imported: {facts.get('message')}. Build the environment again, "
            "or mend its packages.",
            interpreter=python,
            messages=last_words,
        )
    return SandboxBroken(f"The zygote ended before it was ready. {facts.get('message', '')} {last_words}".strip())
