"""`estudio run`: what is asked of the workspace, and what is said on which stream."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.cli.main import main
from estudio.core.calling import Calling
from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel, ScriptError, ScriptState, Visualization
from estudio.errors import InvalidScript, SandboxUnavailable
from estudio.workspace.script_runs import RunSettings, ScriptFiles, WrittenFiles

from .golden_files import same_as_golden
from .scripted_door import (
    FAILED,
    FINISHED,
    IMAGES,
    PREVIEW,
    TIMED_OUT,
    UNWALLED,
    ScriptedDoor,
    ended,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Captured = pytest.CaptureFixture[str]


def asked(*arguments: str) -> tuple[ScriptFiles, RunSettings]:
    """What the workspace is asked for a command line."""
    door = ScriptedDoor()
    assert main(["run", *arguments], door=door) == 0
    assert door.files is not None
    assert door.settings is not None
    return door.files, door.settings


def test_without_options_the_defaults_are_the_workspaces() -> None:
    assert asked("s.py") == (ScriptFiles(Path("s.py")), RunSettings())


def test_every_option_reaches_the_workspace() -> None:
    files, settings = asked(
        *("s.py", "a.csv", "b.csv", "--bundle", "h.zip", "--output", "o.csv", "--output2", "p.csv", "--figures", "f"),
        *("--environment", "old", "--calling", "designer", "--timeout", "2.5", "--memory", "1.5GiB", "--seed", "7"),
        *("--isolation", "none", "--allow-programs"),
    )
    names = ("s.py", "a.csv", "b.csv", "h.zip", "o.csv", "p.csv", "f")
    assert files == ScriptFiles(*(Path(name) for name in names))
    limits = Limits(timeout_seconds=2.5, memory_bytes=3 * 1024**3 // 2)
    assert settings == RunSettings("old", Calling.DESIGNER, limits, 7, IsolationLevel.NONE, allow_programs=True)


@pytest.mark.parametrize(
    ("arguments", "datasets"),
    [
        (["--dataset2", "b.csv"], (None, "b.csv")),
        (["--dataset1", "a.csv", "--dataset2", "b.csv"], ("a.csv", "b.csv")),
        (["a.csv", "--dataset2", "b.csv"], ("a.csv", "b.csv")),
        (["--dataset2=-", "a.csv"], ("a.csv", "-")),
        (["--", "-a.csv"], ("-a.csv", None)),
    ],
)
def test_datasets_by_position_and_by_option(arguments: list[str], datasets: tuple[str | None, str | None]) -> None:
    files, _ = asked("s.py", *arguments)
    assert tuple(None if path is None else str(path) for path in (files.dataset1, files.dataset2)) == datasets


def test_finished(capsys: Captured) -> None:
    assert main(["run", "s.py", "d.csv"], door=ScriptedDoor(prints=(b"printed\n",))) == 0
    same_as_golden("run-finished.txt", capsys.readouterr())


def test_two_tables_files_and_figures(capsys: Captured) -> None:
    figures = tuple(Path("figs") / image.name for image in IMAGES)
    written = WrittenFiles(Path("o.csv"), Path("p.csv"), figures)
    finished = replace(
        FINISHED, outcome=replace(FINISHED.outcome, visualization=Visualization("", IMAGES)), written=written
    )
    small = replace(PREVIEW, columns=PREVIEW.columns[:1], rows=(("6",),), row_count=1, column_count=1)
    door = ScriptedDoor(finished, shown=(PREVIEW, small))
    assert main(["run", "s.py", "--output", "o.csv", "--output2", "p.csv", "--figures", "figs"], door=door) == 0
    same_as_golden("run-files.txt", capsys.readouterr())


def test_failed(capsys: Captured) -> None:
    assert main(["run", "s.py"], door=ScriptedDoor(FAILED, prints=(b"half a line",))) == 1
    same_as_golden("run-failed.txt", capsys.readouterr())


def test_no_isolation_is_loud_before_and_after(capsys: Captured) -> None:
    assert main(["run", "s.py", "--isolation", "none"], door=ScriptedDoor(UNWALLED, prints=(b"printed\n",))) == 0
    same_as_golden("run-unwalled.txt", capsys.readouterr())


def test_a_wide_table_shows_what_fits_and_says_what_does_not(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    wide = replace(
        PREVIEW, columns=PREVIEW.columns * 16, rows=tuple(row * 16 for row in PREVIEW.rows), column_count=5000
    )
    assert main(["run", "s.py"], door=ScriptedDoor(shown=(wide,))) == 0
    captured = capsys.readouterr()
    same_as_golden("run-wide.txt", captured)
    assert max(len(line) for line in captured.out.splitlines()) <= 40


def test_a_table_without_columns(capsys: Captured) -> None:
    empty = replace(PREVIEW, columns=(), rows=(), row_count=0, column_count=0)
    assert main(["run", "s.py"], door=ScriptedDoor(shown=(empty,))) == 0
    assert capsys.readouterr().out == "Result: 0 rows, 0 columns\n"


def test_figures_without_a_folder_are_mentioned(capsys: Captured) -> None:
    finished = replace(FINISHED, outcome=replace(FINISHED.outcome, visualization=Visualization("", IMAGES)))
    assert main(["run", "s.py"], door=ScriptedDoor(finished)) == 0
    assert "2 figures were drawn; keep them with --figures FOLDER.\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        (ScriptState.TIMED_OUT, 6, "Allow more with --timeout SECONDS (it was 2)."),
        (ScriptState.OUT_OF_MEMORY, 6, "Allow more with --memory SIZE (it was 64 MiB)."),
        (ScriptState.OUTPUT_TOO_LARGE, 6, "at most 16 MiB of text and 4 GiB of results"),
        (ScriptState.KILLED, 1, "compiled code"),
        (ScriptState.CANCELLED, 130, "What happened."),
    ],
)
def test_ends_name_what_to_do(capsys: Captured, state: ScriptState, code: int, words: str) -> None:
    door = ScriptedDoor(ended(state, ScriptError(state.value, "What happened.")))
    assert main(["run", "s.py", "--timeout", "2", "--memory", "64M"], door=door) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("no-entry-point", "Define azureml_main"),
        ("wrong-result", "Return a DataFrame"),
        ("script-exited", "Return from azureml_main"),
        ("syntax-error", "Look at line 4 of s.py."),
    ],
)
def test_author_errors_name_what_to_do(capsys: Captured, code: str, words: str) -> None:
    line = 4 if code == "syntax-error" else None
    door = ScriptedDoor(ended(ScriptState.FAILED, ScriptError(code, "What happened.", line=line)))
    assert main(["run", "folder/s.py"], door=door) == 1
    assert words in capsys.readouterr().err


def test_table_on_standard_output_is_alone_there(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    door = ScriptedDoor(prints=(b"printed\n",), to_stdout=b"a,b\r\n1,2\r\n")
    assert main(["run", "s.py", "-", "--output", "-"], door=door) == 0
    captured = capsysbinary.readouterr()
    assert captured.out == b"a,b\r\n1,2\r\n"
    assert captured.err == b"printed\nFinished after 0.40 s.\n"


def test_printed_bytes_reach_a_pipe_unchanged(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    printed = b"\x1b[2J\xff\x00 no newline"
    assert main(["run", "s.py"], door=ScriptedDoor(prints=(printed,))) == 0
    assert capsysbinary.readouterr().out.startswith(printed + b"\nResult: 768 rows")


def test_progress_is_lines_where_no_terminal_is(capsys: Captured) -> None:
    assert main(["run", "s.py"], door=ScriptedDoor(progress=("resolving", "installing\x1b[2J"))) == 0
    assert capsys.readouterr().err == "resolving\ninstalling^[[2J\nFinished after 0.40 s.\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidScript("s.py does not exist; give the path of a Python file.", path="s.py"), 3),
        (SandboxUnavailable("User namespaces are off; see `estudio doctor`."), 5),
    ],
)
def test_errors_of_the_workspace_are_one_line(capsys: Captured, error: Exception, code: int) -> None:
    assert main(["run", "s.py"], door=ScriptedDoor(error=error)) == code
    assert capsys.readouterr() == ("", f"error: {error}\n")


def usage(arguments: Sequence[str], capsys: Captured) -> str:
    """The words of a command line that is refused before the workspace is asked."""
    door = ScriptedDoor()
    assert main(["run", *arguments], door=door) == 2
    assert door.files is None
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument 'SCRIPT.py'."),
        (["s.py", "--timeuot", "3"], "No such option: --timeuot (Possible options: --timeout)"),
        (["s.py", "--calling", "clasic"], "'clasic' is not one of 'classic', 'designer'. Did you mean 'classic'?"),
        (["s.py", "--isolation", "half"], "'half' is not one of 'full', 'none'."),
        (["s.py", "--memory", "2X"], "Invalid value for '--memory': '2X' is no size; write 512M, 2G, 1.5GiB"),
        (["s.py", "--timeout", "-1"], "Invalid value for '--timeout': '-1' is no time"),
        (["s.py", "--seed", "x"], "Invalid value for '--seed': 'x' is no seed"),
        (["s.py", "--output", ""], "Invalid value for '--output': the name is empty"),
        (["s.py", "--output"], "Option '--output' requires an argument."),
        (["s.py", "a", "b", "c"], "Got unexpected extra argument(s) (c)"),
        (["s.py", "a.csv", "--dataset1", "b.csv"], "given twice: a.csv by position and b.csv by --dataset1"),
        (["s.py", "a", "c.csv", "--dataset2", "b.csv"], "given twice: c.csv by position and b.csv by --dataset2"),
        (["s.py", "-", "-"], "standard input can be read once"),
        (["s.py", "--output2", "-"], "only the first table goes to standard output"),
        (["s.py", "--output", "-", "--json"], "both want standard output"),
    ],
)
def test_wrong_usage(capsys: Captured, arguments: list[str], words: str) -> None:
    if "--json" in arguments:
        assert main(["run", *arguments], door=ScriptedDoor()) == 2
        assert words in capsys.readouterr().out
    else:
        assert words in usage(arguments, capsys)


def test_wrong_usage_says_how_it_goes(capsys: Captured) -> None:
    same_as_golden("usage.txt", ("", usage(["s.py", "--timeuot", "3"], capsys)))


def test_a_timed_out_run_whole(capsys: Captured) -> None:
    assert main(["run", "s.py", "--timeout", "2"], door=ScriptedDoor(TIMED_OUT, prints=(b"printed\n",))) == 6
    same_as_golden("run-timed-out.txt", capsys.readouterr())
