"""Whole processes: terminals, pipes, signals, and what is imported."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from estudio.cli.run_report import UNWALLED

TESTS = Path(__file__).parents[1]
SOURCES = TESTS.parent / "src"
ENDS_SECONDS = 60


def variables(**changes: str) -> dict[str, str]:
    """The environment of a child: UTF-8, and where the code is."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{SOURCES}{os.pathsep}{TESTS}",
        "PYTHONUTF8": "1",
        "TERM": "xterm-256color",
        "COLUMNS": "80",
        **changes,
    }


def command(door: str, *arguments: str) -> list[str]:
    """The command line of a process with a scripted door."""
    return [sys.executable, "-W", "error", "-m", "cli.scripted_door", door, *arguments]


def run_plain(door: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """A process whose streams are pipes."""
    return subprocess.run(
        command(door, *arguments), capture_output=True, env=variables(**changes), timeout=ENDS_SECONDS, check=False
    )


def run_on_terminal(door: str, *arguments: str, **changes: str) -> tuple[int, str]:
    """A process whose streams are a terminal: its exit code and what the terminal was given."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(door, *arguments), stdin=theirs, stdout=theirs, stderr=theirs, env=variables(**changes)
    )
    os.close(theirs)
    seen = b""
    try:
        while select.select([ours], [], [], ENDS_SECONDS)[0]:
            try:
                chunk = os.read(ours, 65_536)
            except OSError:  # Linux says EIO when the last holder of the other end is gone
                break
            if not chunk:
                break
            seen += chunk
        return process.wait(ENDS_SECONDS), seen.decode().replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_hostile_script_cannot_drive_the_terminal() -> None:
    code, seen = run_on_terminal("hostile", "run", "s.py")
    assert code == 0
    assert "^[]0;owned^G^[[2J\x1b[31mred\x1b[0m M-^[5n é end\x1b[0m\n" in seen
    assert "[red]not markup[/red] ^…" in seen
    assert set(re.findall(r"\x1b(?!\[[0-9;]*m).", seen)) == set()


def test_a_terminal_gets_colours() -> None:
    code, seen = run_on_terminal("failed", "run", "s.py")
    assert code == 1
    assert "\x1b[1;31merror: The script raised TypeError" in seen
    assert "before\nTraceback" in seen


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("door", ["failed", "plain"])
def test_plain_text_is_asked_for(door: str, changes: dict[str, str]) -> None:
    _, seen = run_on_terminal(door, "run", "s.py", **changes)
    assert "after 0.40 s." in seen
    assert "\x1b" not in seen


def test_a_spinner_turns_while_an_environment_is_built_and_is_gone_after() -> None:
    code, seen = run_on_terminal("building", "run", "s.py")
    assert code == 0
    assert "installing pandas" in seen
    assert seen.index("\x1b[?25l") < seen.index("\x1b[?25h") < seen.index("printed")


def test_reading_from_a_terminal_is_announced() -> None:
    _, seen = run_on_terminal("plain", "run", "s.py", "-", NO_COLOR="1")
    assert seen.startswith("Reading CSV from the terminal; end it with Ctrl-D.\nprinted\n")
    assert b"Reading" not in run_plain("plain", "run", "s.py", "-").stderr


def test_on_a_dumb_terminal_progress_is_lines() -> None:
    _, seen = run_on_terminal("building", "run", "s.py", TERM="dumb")
    assert seen.startswith("resolving packages\ninstalling pandas\nprinted\n")


def test_pipes_get_plain_text() -> None:
    done = run_plain("failed", "run", "s.py")
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\x1b[" in run_plain("failed", "run", "s.py", FORCE_COLOR="1").stderr


def test_an_interrupted_run_ends_with_130_and_two_words() -> None:
    done = run_plain("interrupted", "run", "s.py")
    assert done.returncode == 130
    assert done.stdout == b"half a line\n"
    assert done.stderr == b"resolving packages\nInterrupted.\n"


def test_an_interrupted_build_gives_the_cursor_back() -> None:
    code, seen = run_on_terminal("interrupted", "run", "s.py")
    assert code == 130
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
    assert "Interrupted." in seen


def test_a_reader_that_goes_away_ends_the_run_quietly() -> None:
    process = subprocess.Popen(
        command("flood", "run", "s.py"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(5) == b"xxxxx"
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert process.wait(ENDS_SECONDS) == 141
    assert complaints == b""


@pytest.mark.parametrize("arguments", [["run", "s.py"], ["run", "s.py", "--json"], ["doctor"], ["--help"]])
def test_a_full_disk_behind_standard_output_is_said(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command("plain", *arguments),
            stdout=full,
            stderr=subprocess.PIPE,
            env=variables(),
            timeout=ENDS_SECONDS,
            check=False,
        )
    assert done.returncode == 3
    assert b"annot be written: No space left on device." in done.stderr
    assert b"Traceback" not in done.stderr


def test_closed_streams_are_no_bug() -> None:
    line = " ".join(command("plain", "run", "s.py", "--json"))
    done = subprocess.run(["/bin/sh", "-c", f"{line} >&- 2>&-"], env=variables(), timeout=ENDS_SECONDS, check=False)
    assert done.returncode == 0


def test_a_bug_is_one_line_and_a_traceback_on_request() -> None:
    done = run_plain("bug", "run", "s.py")
    assert done.returncode == 70
    assert done.stderr.decode().count("\n") == 1
    assert b"error: KeyError: 'colour'. This is a bug in estudio" in done.stderr
    assert b"CONTRIBUTING.md" in done.stderr
    assert b"Traceback" in run_plain("bug", "run", "s.py", ESTUDIO_DEBUG="1").stderr


def test_an_ascii_locale_breaks_nothing() -> None:
    done = run_plain("failed", "run", "s.py", PYTHONUTF8="0", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert b"return frame / '\\xf1'" in done.stderr


def test_no_isolation_is_warned_of_before_the_script_starts() -> None:
    done = run_plain("bad-data", "run", "s.py", "--isolation", "none")
    assert done.returncode == 3
    assert done.stderr.decode() == f"{UNWALLED}\nerror: Row 3 of data.csv has 5 fields; give 4.\n"


IMPORTED = """
import json, sys
from estudio.cli.main import main
from estudio.workspace.script_runs import RunSettings
class Door:
    def run_files(self, files, settings, **_):
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
        raise SystemExit
main(sys.argv[1:], door=Door())
"""


def imported(*arguments: str) -> set[str]:
    """The packages in memory when the workspace is asked."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        capture_output=True,
        env=variables(),
        timeout=ENDS_SECONDS,
        check=False,
    )
    return set(json.loads(done.stdout))


def test_a_run_waits_for_neither_rich_nor_pydantic() -> None:
    loaded = imported("run", "s.py", "d.csv", "--memory", "2G", "--timeout", "5", "--calling", "designer", "--json")
    assert "typer" in loaded
    assert loaded & {"rich", "pydantic", "pydantic_core", "markdown_it", "pygments"} == set()


def test_a_run_imports_no_pandas_even_where_pyarrow_would() -> None:
    """The real workspace, up to a script that is not there; pandas is installed here, and not taken."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "estudio", "run", "not-there.py"],
        capture_output=True,
        env=variables(),
        timeout=ENDS_SECONDS,
        check=False,
    )
    assert done.returncode == 3
    loaded = {line.rpartition(b"|")[2].strip().decode() for line in done.stderr.splitlines()}
    assert "estudio.workspace.script_runs" in loaded
    assert {name for name in loaded if name.startswith("pandas.")} == set()


def test_the_version_waits_for_no_workspace() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "estudio", "--version"],
        capture_output=True,
        env=variables(),
        timeout=ENDS_SECONDS,
        check=True,
    )
    loaded = {line.rpartition(b"|")[2].strip().decode() for line in done.stderr.splitlines()}
    assert "estudio.cli.app" in loaded
    assert {name for name in loaded if name.split(".")[0] in ("rich", "pydantic", "pyarrow")} == set()
    assert {name for name in loaded if name.startswith(("estudio.workspace", "estudio.modules"))} == set()
