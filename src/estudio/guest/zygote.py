"""The zygote: a warm interpreter behind the outer wall that forks a confined guest for every script call.

It never sees a payload: a guest's tables, script and answer pass through the guest's own socket. It has one thread, and
does two things: fork when the host asks, and say how a guest ended. Guests take one call and exit.
"""

from __future__ import absolute_import, division, print_function

import base64
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import struct
import sys
import time
import traceback

from . import channel, immortals, isolation

CONTROL_BYTES = 1 << 17
REQUEST_BYTES = 1 << 13
"""A request to fork holds a few numbers and at most one path."""
ZYGOTE_BOX_BYTES = 16 << 20
"""What libraries write at import: configuration folders, locks."""
_fork = ctypes.PyDLL(None).fork
"""fork(2) with the C libraries' own preparations but without Python's, which cost a third of the guest's start: they
mend locks and thread lists, and a zygote has one thread and holds no lock. `_fork_hooks` has what packages ask for."""
_fork_hooks = []
_NEEDLESS_HOOKS = ("logging", "random", "threading")
"""Locks that nobody holds, and random numbers, which `runner` reseeds."""
_raw_signal = importlib.import_module("_signal" if sys.version_info >= (3,) else "signal")
QUIET_MILLISECONDS = 25
"""A guest that has waited so long rehearses its call; sooner, calls come one after another, and it would only take the
processor from them."""
LIFELINE = 0
"""Standard input: a pipe that the host never writes; its end says that the host is gone."""


def main(control):
    """Serve the host on the control socket until it closes."""
    config = json.loads(os.read(control, CONTROL_BYTES).decode("utf-8"))
    _record_fork_hooks()
    walls = config["walls"]
    try:
        config["network_descriptors"] = isolation.enter_zygote_walls(config)
        if "pid" in walls and not _enter_process_table():
            os._exit(0)
        state = _warm(config)
    except isolation.WallFailed as error:
        _say(control, {"failed": "wall", "wall": error.wall, "step": error.step, "errno": error.number})
        os._exit(1)
    except BaseException as error:
        _say(control, {"failed": "preload", "message": ("%s: %s" % (type(error).__name__, error))[:2000]})
        os._exit(1)
    _say(control, {"ready": {"python": sys.version.split()[0]}})
    _serve(control, state)


def _record_fork_hooks():
    """Note what packages want to have done in a forked child (matplotlib opens its fonts again)."""
    register = getattr(os, "register_at_fork", None)
    if register is None:
        return

    def record(**hooks):
        hook = hooks.get("after_in_child")
        if hook is not None and getattr(hook, "__module__", None) not in _NEEDLESS_HOOKS:
            _fork_hooks.append(hook)
        return register(**hooks)

    os.register_at_fork = record


def _enter_process_table():
    """Fork pid 1 of the new pid namespace, and the zygote from it. True in the zygote; both others stay until the end.

    The zygote is not pid 1, because its guests are, each of their own namespace: libraries that notice a fork by
    another process number (OpenSSL) would repeat the zygote's random numbers in every guest.
    """
    child = os.fork()
    if child == 0:
        isolation.die_with_parent()
        zygote = os.fork()
        if zygote == 0:
            isolation.die_with_parent()
            return True
        _end_with(zygote)
    descriptor = isolation.pidfd_open(child)
    isolation.close_all_but([descriptor])
    watch = select.poll()
    watch.register(LIFELINE, select.POLLHUP)
    watch.register(descriptor, select.POLLIN)
    watch.poll()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _end_with(zygote):
    """What pid 1 is for: reap orphans, and end (and with it the whole namespace) when the zygote does."""
    isolation.close_all_but([])
    while os.wait()[0] != zygote:
        pass
    os._exit(0)


def _warm(config):
    walls = config["walls"]
    if "mount" in walls:
        isolation.make_box(ZYGOTE_BOX_BYTES)
    _link_fonts(config["font_cache"])
    _set_up_packages(config["site_packages"])
    for name in config["preload"]:
        importlib.import_module(name)
    runner = importlib.import_module("_estudio_guest.runner")
    runner.set_up()
    if config["rehearse"]:
        runner.warm_up()
    state = {
        "walls": frozenset(walls),
        "processes": config["processes"],
        "filters": dict((name, base64.b64decode(text)) for name, text in config["filters"].items()),
        "landlock": isolation.open_landlock_paths(config["readonly"]) if "landlock" in walls else [],
        "font_cache": config["font_cache"],
        "networks": config["network_descriptors"],
        "runner": runner,
        "service": importlib.import_module("_estudio_guest.service"),
        "rehearse": config["rehearse"],
        "pid_namespace": isolation.pidfd_open(os.getpid()) if "pid" in walls else None,
    }
    os.chdir("/")
    gc.collect()
    gc.disable()
    if config["rehearse"]:
        immortals.make_immortal()
    if hasattr(gc, "freeze"):
        gc.freeze()
    return state


def _set_up_packages(folder):
    """What `site` does at a normal start, but behind the wall: it runs code of the environment's packages."""
    import site

    if folder is None:
        site.main()
    else:
        site.setquit()
        site.addsitedir(folder)
    sys.path[:] = [path for path in sys.path if path]


def _link_fonts(font_cache):
    folder = os.environ.get("MPLCONFIGDIR")
    if not folder or not font_cache:
        return
    os.makedirs(folder)
    for name in os.listdir(font_cache):
        os.symlink(os.path.join(font_cache, name), os.path.join(folder, name))


# --- serving ----------------------------------------------------------------------------------------------------


def _say(control, message):
    channel.send_with_descriptors(control, json.dumps(message).encode("utf-8"), [])


def _serve(control, state):
    wake_read, wake_write = os.pipe()
    _unblocking(wake_read)
    _unblocking(wake_write)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake_write)
    watch = select.poll()
    watch.register(control, select.POLLIN)
    watch.register(wake_read, select.POLLIN)
    guests = {}
    while True:
        try:
            ready = dict(watch.poll())
        except (OSError, select.error):
            continue
        if wake_read in ready:
            os.read(wake_read, 4096)
            _reap(control, guests, state["networks"])
        if control in ready:
            request, doors = channel.receive_with_descriptors(control, REQUEST_BYTES)
            if not request:
                os._exit(0)
            _fork_guest(control, state, guests, json.loads(request.decode("utf-8")), doors)
            gc.collect(1)  # ctypes leaves cycles: every later guest would copy their pages to free them


def _unblocking(descriptor):
    import fcntl

    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_NONBLOCK)


def _reap(control, guests, networks):
    while True:
        try:
            pid, status, usage = os.wait3(os.WNOHANG)
        except OSError:
            return
        if pid == 0:
            return
        if pid in guests:
            number, network = guests.pop(pid)
            if network is not None:
                networks.append(network)
            _say(control, {"exited": number, "status": status, "cpu": usage.ru_utime + usage.ru_stime})


def _fork_guest(control, state, guests, request, doors):
    theirs, ours = channel.socket_pair()
    log_read, log_write = os.pipe()
    namespace = state["pid_namespace"]
    if namespace is not None:
        isolation.unshare(["pid"])
    network = state["networks"].pop() if state["networks"] else None
    pid = _fork()
    if pid == 0:
        try:
            _guest(state, dict(request, network=network), ours, log_write, doors)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(70)
    if namespace is not None:
        isolation.enter_namespace(namespace, "pid")
    guests[pid] = (request["fork"], network)
    descriptor = isolation.pidfd_open(pid)
    channel.send_with_descriptors(
        control, json.dumps({"forked": request["fork"]}).encode("ascii"), [theirs, log_read, descriptor]
    )
    for number in [theirs, ours, log_read, log_write, descriptor] + doors:
        os.close(number)


# --- in the guest -----------------------------------------------------------------------------------------------


def _guest(state, request, connection, log, doors):
    try:
        for door in doors:  # of this guest's control groups; closed with everything else before the script comes
            os.write(door, b"0")
        _confine(state, request, connection, log)
        state["runner"].prepare_guest()
    except BaseException as error:
        _answer(connection, {"failed": "%s: %s" % (type(error).__name__, error)})
        os._exit(71)
    _answer(connection, {"ready": True})
    if state["rehearse"] and not _is_awaited(connection):
        state["runner"].rehearse()
    try:
        _take_one_call(state, connection)
    except EOFError:
        os._exit(0)


def _confine(state, request, connection, log):
    walls = state["walls"]
    _raw_signal.set_wakeup_fd(-1)
    _raw_signal.signal(signal.SIGCHLD, 0)
    _raw_signal.signal(signal.SIGINT, 0)
    for hook in _fork_hooks:
        hook()
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    namespaces = [name for name in isolation.GUEST_NAMESPACES if name in walls]
    if request["network"] is not None:
        isolation.enter_namespace(request["network"], "network")
        namespaces.remove("network")
    isolation.close_all_but([connection] + [descriptor for descriptor, _ in state["landlock"]])
    isolation.unshare(namespaces)
    if "mount" in walls:
        isolation.make_box(request["disk_bytes"])
        _link_fonts(state["font_cache"])
    else:
        _work_in(request["folder"])
    if "resource-limits" in walls:
        isolation.limit_resources(state["processes"])
    if "capabilities" in walls:
        isolation.drop_capabilities()
        isolation.forbid_core_dumps()
    if "no-new-privileges" in walls:
        isolation.no_new_privileges()
    if "landlock" in walls:
        writable = isolation.BOX if "mount" in walls else request["folder"]
        isolation.restrict_files(state["landlock"], request["programs"], [writable])
    isolation.close_all_but([connection])
    if "seccomp" in walls:
        isolation.filter_system_calls(state["filters"]["programs" if request["programs"] else "closed"])


def _work_in(folder):
    """Without a private root: the folder that the host made for this call."""
    os.chdir(folder + "/work")
    for name, value in (("HOME", "/home"), ("TMPDIR", "/tmp"), ("JOBLIB_TEMP_FOLDER", "/tmp")):
        os.environ[name] = folder + value


def _is_awaited(connection):
    """Whether a call has come already or comes soon: then there is no time to rehearse."""
    watch = select.poll()
    watch.register(connection, select.POLLIN)
    return bool(watch.poll(QUIET_MILLISECONDS))


def _take_one_call(state, connection):
    header, descriptors = channel.receive_with_descriptors(connection, 8)
    if len(header) < 8:
        os._exit(0)
    received = time.time()
    job_bytes, script_bytes = struct.unpack("=II", header)
    job = json.loads(channel.read_exactly(connection, job_bytes).decode("utf-8"))
    script = channel.read_exactly(connection, script_bytes)
    if "serve" in job:
        state["service"].serve(connection, job, script, descriptors, _fork, _fork_hooks)
    limits = job["limits"]
    if limits is not None:
        isolation.limit_call(limits["address_bytes"], limits["cpu_seconds"], limits["file_bytes"])
    result = descriptors.pop(0)
    bundle = descriptors.pop() if job["bundle"] else None
    inputs = [None if layout is None else descriptors.pop(0) for layout in job["inputs"]]
    gc.enable()
    report = state["runner"].run_call(job, script, inputs, bundle, result)
    report["received"] = received
    _answer(connection, report)
    os._exit(0)


def _answer(connection, message):
    payload = json.dumps(message).encode("utf-8")
    channel.write_all(connection, struct.pack("=I", len(payload)) + payload)
