#!/usr/bin/env python3
"""Runs estudio from a checkout, with nothing but Python 3.11 or newer.

    python3 start.py run SCRIPT.py [DATASET1] [DATASET2] ...   any command of estudio: what follows goes to it
    python3 start.py test [PYTEST OPTIONS]                     the tests
    python3 start.py setup                                     only the set-up, with what the tests need

The first use makes a virtual environment in .venv with the locked packages. It is made anew when the locks or
the interpreter changed, or when it was interrupted. `python3 start.py run --help` shows estudio's own help.

Two things to know before changing this file: Python 2.7 must parse it, to say that it is too old; and `.venv` counts as
ready only by its stamp, which is written last.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

OLDEST = (3, 11)
NEWEST_TRIED = 14
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, ".estudio-ready.json")
OURS = os.path.join(VENV, ".estudio-lock")
"""Held while .venv is made; it also tells our .venv from one that somebody else made."""
RUNTIME_LOCK = os.path.join(ROOT, "requirements.lock")
DEV_LOCK = os.path.join(ROOT, "requirements-dev.lock")
EXIT_ENVIRONMENT = 4
EXIT_INTERRUPTED = 130
TAIL_LINES = 30
"""Of a failed step's output: the cause stands at the end."""
MISLEADING = (
    "CONDA_PREFIX", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET", "PIP_USER",
    "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "UV_SYSTEM_PYTHON", "UV_TARGET", "UV_PREFIX", "VIRTUAL_ENV",
)  # fmt: skip
"""Variables that would send the set-up elsewhere, or leave it without bytecode."""

OWN_CERTIFICATES = ("SSL_CERT_DIR", "SSL_CERT_FILE", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS")
"""Where the user has said whom to trust."""


class SetUpFailed(Exception):
    """The virtual environment cannot be made; the message says what to do."""


def main(arguments):
    """Set up what is missing, then become the asked command. Returns an exit code where it does not."""
    if sys.version_info < OLDEST:
        sys.stderr.write(too_old())
        return EXIT_ENVIRONMENT
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.rsplit("\n\n", 1)[0])
        return 0
    try:
        set_up(dev=arguments[0] in ("setup", "test"))
    except SetUpFailed as failure:
        say(str(failure))
        return EXIT_ENVIRONMENT
    except KeyboardInterrupt:
        say("Interrupted; the next start does the set-up anew.")
        return EXIT_INTERRUPTED
    if arguments[0] == "setup":
        return 0
    if arguments[0] == "test":
        os.chdir(ROOT)
        command = [PYTHON, "-m", "pytest"] + arguments[1:]
    else:
        command = [os.path.join(VENV, "bin", "estudio")] + arguments
    return os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def too_old():
    """Say which Python this is, which one is needed and, where there is one, its name."""
    names = ["python3.{}".format(minor) for minor in range(NEWEST_TRIED, OLDEST[1] - 1, -1)]
    found = [name for name in names if works(name)]
    return "estudio: This is Python {}.{}; estudio needs {}.{} or newer. {}\n".format(
        sys.version_info[0],
        sys.version_info[1],
        OLDEST[0],
        OLDEST[1],
        "Use {} start.py instead.".format(found[0]) if found else "Install a newer Python and start again with it.",
    )


def works(name):
    """Whether a Python of that name runs; a pyenv shim is found on PATH though its Python may not be chosen."""
    with open(os.devnull, "w") as nowhere:
        try:
            return subprocess.call([name, "-c", ""], stdout=nowhere, stderr=nowhere) == 0
        except OSError:
            return False


def say(message):
    """One line of progress; standard output belongs to the command."""
    sys.stderr.write("estudio: {}\n".format(message))
    sys.stderr.flush()


def set_up(dev):
    """Make .venv ready, or find it so. Two at once wait for each other.

    Raises:
        SetUpFailed: a step failed, or .venv is not ours.
    """
    wanted = wanted_stamp()
    if is_ready(wanted, dev):
        return
    descriptor = open_lock()
    try:
        wait_for_turn(descriptor)
        if not is_ready(wanted, dev):
            build(wanted, dev, descriptor)
    finally:
        os.close(descriptor)


def wanted_stamp():
    """What .venv must have been made from: the interpreter, the place, the locks, the project's own metadata."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        metadata = file.read().split(b"\n[tool.", 1)[0]
    return {
        "interpreter": "{} {}".format(sys.base_prefix, sys.version),
        "place": ROOT,
        "runtime": digest(metadata, RUNTIME_LOCK),
        "dev": digest(metadata, DEV_LOCK),
    }


def digest(metadata, path):
    """SHA-256 of the metadata and one lock."""
    with open(path, "rb") as file:
        return hashlib.sha256(metadata + b"\0" + file.read()).hexdigest()


def read_stamp():
    """What .venv was made from; empty where it is not finished."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_ready(wanted, dev):
    """Whether .venv has what the command needs."""
    stamp = read_stamp()
    return has_runtime(stamp, wanted) and (not dev or stamp.get("dev") == wanted["dev"])


def has_runtime(stamp, wanted):
    """Whether estudio itself runs from what the stamp describes."""
    return all(stamp.get(name) == wanted[name] for name in ("interpreter", "place", "runtime"))


def open_lock():
    """The lock's descriptor. The lock's file is the first thing in .venv, so an empty folder is ours as well."""
    try:
        if not os.path.isdir(VENV):
            os.makedirs(VENV, exist_ok=True)
        if os.listdir(VENV) and not os.path.exists(OURS):
            raise SetUpFailed(VENV + " was not made by start.py. Move it away and start again.")
        return os.open(OURS, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SetUpFailed(
            "Cannot write into {}: {}. Clone the repository to a place of your own.".format(VENV, error.strerror)
        )


def wait_for_turn(descriptor):
    """Take the lock. It is shared with the set-up's children, so it holds until the last of them has ended."""
    import fcntl  # noqa: PLC0415 - Windows lacks it and shall still see the usage

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Another start is setting up .venv; waiting for it.")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def build(wanted, dev, descriptor):
    """Make .venv, or add the development packages to a ready one; the stamp comes last."""
    begun = time.monotonic()
    stamp = read_stamp()
    fresh = not has_runtime(stamp, wanted)
    forget_stamp()
    if fresh:
        clear()
    # Inside .venv: what a killed set-up leaves there, the next one clears.
    scratch = tempfile.mkdtemp(prefix=".estudio-start-", dir=VENV)
    run = Steps(descriptor, scratch)
    try:
        if fresh:
            say("Setting up .venv with Python {}.{}.{} (once).".format(*sys.version_info[:3]))
            make_venv(run)
        uv = get_uv(run, scratch) if fresh else [os.path.join(VENV, "bin", "uv")]
        install(run, uv, DEV_LOCK if dev else RUNTIME_LOCK, project=fresh)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_stamp(dict(wanted, dev=wanted["dev"] if dev else None))
    say("Ready after {:.0f} s.".format(time.monotonic() - begun))


def forget_stamp():
    """From here until the end, .venv is not ready."""
    if os.path.exists(STAMP):
        os.unlink(STAMP)


def write_stamp(stamp):
    """At once or not at all."""
    with open(STAMP + ".new", "w", encoding="utf-8") as file:
        json.dump(stamp, file, indent=1)
    os.replace(STAMP + ".new", STAMP)


def clear():
    """Empty .venv but for the lock, which others may be waiting on."""
    for name in os.listdir(VENV):
        path = os.path.join(VENV, name)
        if path == OURS:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


class Steps:
    """Starts the set-up's programs: clean variables, the lock kept by each, output shown live on a terminal."""

    def __init__(self, descriptor, scratch):
        """Keep the lock's descriptor, and a folder for the caches of users who have no home."""
        self.descriptor = descriptor
        self.variables = {name: value for name, value in os.environ.items() if name not in MISLEADING}
        self.variables["UV_PYTHON_DOWNLOADS"] = "never"
        if not any(name in os.environ for name in OWN_CERTIFICATES):
            # uv brings a list of its own; a company's certificate stands in the system's, which pip trusts.
            self.variables["UV_SYSTEM_CERTS"] = "1"
        if not can_cache():
            self.variables.update(UV_CACHE_DIR=os.path.join(scratch, "uv"), PIP_NO_CACHE_DIR="1")

    def must(self, what, command):
        """Run one program.

        Raises:
            SetUpFailed: it ended with an error; the end of its output is in the message.
        """
        live = sys.stderr.isatty()
        ended = subprocess.run(  # noqa: PLW1510 - looked at below
            command,
            cwd=ROOT,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if live else subprocess.PIPE,
            stderr=None if live else subprocess.STDOUT,
            pass_fds=(self.descriptor,),
        )
        if ended.returncode:
            output = (ended.stdout or b"").decode("utf-8", "replace").splitlines()[-TAIL_LINES:]
            shown = "\n".join("    " + line for line in output)
            raise SetUpFailed(
                "{} failed (exit code {}). Its output ends:\n{}\nestudio: The command was: {}".format(
                    what, ended.returncode, shown, " ".join(command)
                )
            )

    def can(self, command):
        """Whether a program ends well; a way that is not there is no error while another is left."""
        ended = subprocess.run(  # noqa: PLW1510 - looked at below
            command,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self.descriptor,),
        )
        return ended.returncode == 0


def can_cache():
    """Whether uv finds a place for its cache; without one it refuses to work."""
    if os.environ.get("UV_CACHE_DIR"):
        return True
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "uv")
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.access(folder, os.W_OK | os.X_OK)


def own_interpreter():
    """The interpreter below the virtual environment that this runs in, if it does: ours may be about to go."""
    return getattr(sys, "_base_executable", None) or sys.executable


def make_venv(run):
    """An empty virtual environment, by the standard library or an installed uv."""
    if run.can([own_interpreter(), "-c", "import venv"]):
        run.must("Making .venv", [own_interpreter(), "-m", "venv", "--without-pip", VENV])
        return
    uv = shutil.which("uv")
    if uv is None:
        raise SetUpFailed("This Python has no module venv. " + advice())
    run.must("Making .venv", [uv, "venv", "-q", "--allow-existing", "--python", own_interpreter(), VENV])


def get_uv(run, scratch):
    """The command of a uv: the locked one by the first pip that there is, else an installed one."""
    pip = find_pip(run)
    if pip is None:
        uv = shutil.which("uv")
        if uv is None:
            raise SetUpFailed("This Python has neither ensurepip nor pip, and there is no uv. " + advice())
        return [uv]
    requirement, version = locked_uv()
    say("Getting uv {}.".format(version))
    listing = os.path.join(scratch, "uv.txt")
    with open(listing, "w", encoding="utf-8") as file:
        file.write(requirement)
    target = os.path.join(scratch, "target")
    options = ["-q", "--no-input", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--target", target]
    run.must("Getting uv", pip + ["install"] + options + ["-r", listing])
    return [os.path.join(target, "bin", "uv")]


def find_pip(run):
    """The command of a pip: the one in Python's own wheel, else the system's, else none."""
    if run.can([own_interpreter(), "-c", "import ensurepip"]) and run.can([PYTHON, "-m", "ensurepip"]):
        return [PYTHON, "-m", "pip"]
    if run.can([own_interpreter(), "-m", "pip", "--version"]):
        return [own_interpreter(), "-m", "pip"]
    return None


def locked_uv():
    """The lines of requirements.lock for uv, with their hashes, and its version."""
    with open(RUNTIME_LOCK, encoding="utf-8") as file:
        entry = re.search(r"^uv==(\S+)[^\n]*\\\n(?:\s+--hash=\S+(?: \\)?\n)+", file.read(), re.MULTILINE)
    if entry is None:
        raise SetUpFailed("requirements.lock has no entry for uv. Make the locks anew: just lock")
    return entry.group(0), entry.group(1)


def install(run, uv, lock, project):
    """The packages of one lock and, in a new .venv, estudio itself, as it lies in this checkout."""
    into = uv + ["pip", "install", "--python", PYTHON, "--compile-bytecode"]
    with open(lock, encoding="utf-8") as file:
        count = len(re.findall(r"^[a-z0-9]\S*==", file.read(), re.MULTILINE))
    say("Installing {}: up to {} packages.".format(os.path.basename(lock), count))
    run.must("Installing " + os.path.basename(lock), into + ["--require-hashes", "-r", lock])
    if project:
        say("Installing estudio itself.")
        run.must("Installing estudio", into + ["--no-deps", "--editable", ROOT])
        # Only for speed: a source that does not compile is the tests' to report.
        run.can([PYTHON, "-m", "compileall", "-q", os.path.join(ROOT, "src")])


def advice():
    """How to get what is missing."""
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    if os.path.exists("/etc/debian_version"):
        return "Install it: {}apt-get install {}".format("" if os.geteuid() == 0 else "sudo ", package)
    return "Install your system's packages for Python's venv and pip, or uv, and start again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
