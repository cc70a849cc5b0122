"""`estudio run`: one script on files.

Its declarations are what the help, the completion and `docs/reference/cli.md` show.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from estudio.cli.completion import environment_names
from estudio.cli.door import Action  # noqa: TC001 - Typer looks the annotation up
from estudio.cli.exit_codes import exit_code_of_state
from estudio.cli.screen import Screen, print_document
from estudio.cli.values import parse_path, parse_seconds, parse_seed, parse_size
from estudio.core.calling import Calling
from estudio.core.limits import Limits
from estudio.core.outcome import IsolationLevel
from estudio.errors import InvalidUsage

if TYPE_CHECKING:
    from estudio.cli.door import Door
    from estudio.workspace.script_runs import RunSettings, ScriptFiles

STANDARD_STREAM = Path("-")
HELP = """
Run the azureml_main function of a script on up to two tables, in the sandbox.
\f
estudio run script.py data.csv
estudio run script.py left.csv right.parquet --output joined.csv
estudio run plot.py data.csv --figures figures/
estudio run script.py data.csv --bundle helpers.zip --environment my-env.toml
estudio run script.py --dataset2 only-the-second-port.csv
cat data.csv | estudio run script.py - --output - | sort
estudio run script.py data.csv --json | jq .timings
"""
EPILOG = """
Tables: CSV, TSV, .nh.csv, .nh.tsv, ARFF, Parquet, Arrow, JSON Lines, XLSX, by suffix.

Exit codes: 0 finished, 1 the script failed, 2 usage, 3 bad input, 4 environment, 5 no sandbox, 6 a limit.
"""

DEFAULTS = Limits()


ScriptFile = Annotated[Path, typer.Argument(metavar="SCRIPT.py", parser=parse_path, help="The script.")]
FirstTable = Annotated[
    Path | None,
    typer.Argument(metavar="DATASET1", parser=parse_path, help="The first table; - reads CSV from standard input."),
]
SecondTable = Annotated[Path | None, typer.Argument(metavar="DATASET2", parser=parse_path, help="The second table.")]
FirstTableOption = Annotated[Path | None, typer.Option(metavar="FILE", parser=parse_path, help="The same as DATASET1.")]
SecondTableOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", parser=parse_path, help="The same as DATASET2; the first port may stay free."),
]
BundleOption = Annotated[
    Path | None,
    typer.Option(metavar="ZIP_OR_FOLDER", parser=parse_path, help="Helper modules and files for the script."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", parser=parse_path, help="Write the result; - writes CSV to standard output."),
]
SecondOutputOption = Annotated[
    Path | None, typer.Option(metavar="FILE", parser=parse_path, help="Write the second result table.")
]
FiguresOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", parser=parse_path, help="Write the figures, as PNG files.")
]
EnvironmentOption = Annotated[
    str,
    typer.Option(metavar="NAME_OR_FILE", autocompletion=environment_names, help="The packages that the script sees."),
]
CallingOption = Annotated[
    Calling, typer.Option(help="Tables become arguments by connection (classic) or by port (designer).")
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", parser=parse_seconds, show_default=False, help="Wall time of the script.  [default: 600]"
    ),
]
MemoryOption = Annotated[
    int,
    typer.Option(
        metavar="SIZE",
        parser=parse_size,
        show_default=False,
        help="Memory of the script: 512M, 2G, 1.5GiB, bytes.  [default: 4G]",
    ),
]
SeedOption = Annotated[
    int | None, typer.Option(metavar="N", parser=parse_seed, help="Make random numbers the same in every run.")
]
IsolationOption = Annotated[IsolationLevel, typer.Option(help="none: no walls, the script can do all that you can do.")]
ProgramsOption = Annotated[
    bool, typer.Option("--allow-programs", help="Let the script start programs, inside the sandbox.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object with the outcome, nothing else.")]


def run(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    script: ScriptFile,
    first: FirstTable = None,
    second: SecondTable = None,
    dataset1: FirstTableOption = None,
    dataset2: SecondTableOption = None,
    bundle: BundleOption = None,
    output: OutputOption = None,
    output2: SecondOutputOption = None,
    figures: FiguresOption = None,
    environment: EnvironmentOption = "default",
    calling: CallingOption = Calling.CLASSIC,
    timeout: TimeoutOption = DEFAULTS.timeout_seconds,
    memory: MemoryOption = DEFAULTS.memory_bytes,
    seed: SeedOption = None,
    isolation: IsolationOption = IsolationLevel.FULL,
    allow_programs: ProgramsOption = False,
    json: JsonOption = False,
) -> Action:
    """The parsed run."""
    from estudio.workspace.script_runs import RunSettings, ScriptFiles  # noqa: PLC0415

    files = ScriptFiles(
        script,
        _one("dataset1", first, dataset1),
        _one("dataset2", second, dataset2),
        bundle,
        output,
        output2,
        figures,
    )
    _check_streams(files, json=json)
    limits = Limits(timeout_seconds=timeout, memory_bytes=memory)
    settings = RunSettings(environment, calling, limits, seed, isolation, allow_programs)
    return partial(_run_and_render, files, settings, json=json)


def _one(port: str, position: Path | None, option: Path | None) -> Path | None:
    """The dataset of one port, said by its position or by its option."""
    if position is not None and option is not None:
        raise InvalidUsage(
            f"The table of one port is given twice: {position} by position and {option} by --{port}. Give it once.",
            port=port,
        )
    return option if position is None else position


def _check_streams(files: ScriptFiles, *, json: bool) -> None:
    """Standard input is read once, and standard output carries one thing."""
    if files.dataset1 == files.dataset2 == STANDARD_STREAM:
        raise InvalidUsage("Both datasets are `-`; standard input can be read once. Give one of them as a file.")
    if files.output2 == STANDARD_STREAM:
        raise InvalidUsage("--output2 cannot be `-`: only the first table goes to standard output. Give a file.")
    if files.output == STANDARD_STREAM and json:
        raise InvalidUsage("--output - and --json both want standard output. Give --output a file.")


def _run_and_render(files: ScriptFiles, settings: RunSettings, door: Door, *, json: bool) -> int:
    from estudio.cli import run_report  # noqa: PLC0415

    data_on_stdout = json or files.output == STANDARD_STREAM
    with Screen(prints_to_error=data_on_stdout) as screen:
        run_report.say_before(screen, files, settings)
        finished = door.run_files(files, settings, on_progress=screen.progress, on_output=screen.script_printed)
        screen.script_ended()
        code = exit_code_of_state(finished.outcome.state)
        if json:
            from estudio.cli.documents import run_document  # noqa: PLC0415

            print_document(run_document(finished, code))
            return code
        if not data_on_stdout and finished.outcome.finished:
            run_report.show_previews(screen, door.previews(finished))
        run_report.say_after(screen, finished, files, settings)
    return code
