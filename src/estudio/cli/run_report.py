"""What is said about a run: a warning before it, and after it the preview, the end, the files, the walls.

The sentence about a failure comes from the workspace; this module adds only which option or place to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.cli.folded_frames import printed_traceback
from estudio.cli.untrusted_text import neutralise_line
from estudio.cli.values import size_words
from estudio.core.counted_words import counted
from estudio.core.outcome import IsolationLevel, ScriptState

if TYPE_CHECKING:
    from pathlib import Path

    from estudio.cli.screen import Screen, Tone
    from estudio.core.limits import Limits
    from estudio.workspace.previews import Preview
    from estudio.workspace.script_runs import FinishedRun, RunSettings, ScriptFiles

UNWALLED = (
    "NO ISOLATION: the script can read, change and send everything that you can. Run only scripts that you trust."
)
STATE_WORDS = {
    ScriptState.FINISHED: "Finished",
    ScriptState.FAILED: "The script failed",
    ScriptState.TIMED_OUT: "Stopped at the time limit",
    ScriptState.OUT_OF_MEMORY: "Stopped at the memory limit",
    ScriptState.OUTPUT_TOO_LARGE: "Stopped at the output limit",
    ScriptState.KILLED: "The script's process died",
    ScriptState.CANCELLED: "Cancelled",
}
_CODE_ADVICE = {
    "no-entry-point": "Define azureml_main(dataframe1, dataframe2) in the script.",
    "wrong-result": "Return a DataFrame, or a tuple that begins with one.",
    "script-exited": "Return from azureml_main instead of leaving Python.",
}
MAX_NAMED_FIGURES = 5
"""More figures are counted, not named."""


def say_before(screen: Screen, files: ScriptFiles, settings: RunSettings) -> None:
    """What must be known before the script starts."""
    if settings.isolation is IsolationLevel.NONE:
        screen.say(UNWALLED, "loud")
    if "-" in (str(files.dataset1), str(files.dataset2)) and screen.waits_for_typing():
        screen.say("Reading CSV from the terminal; end it with Ctrl-D.")


def say_after(screen: Screen, finished: FinishedRun, files: ScriptFiles, settings: RunSettings) -> None:
    """How it ended, what was written, and the walls where they were not full."""
    outcome = finished.outcome
    if outcome.error is not None:
        if outcome.error.traceback:
            screen.say_lines(printed_traceback(outcome.error.traceback, unicode=screen.shows_unicode()))
        screen.say(
            f"error: {_sentence(outcome.error.message)} {advice(finished, files.script, settings.limits)}".rstrip(),
            "error",
        )
    for line in _written_lines(finished, files):
        screen.say(line)
    if outcome.isolation.level is not IsolationLevel.FULL:
        missing = ", ".join(outcome.isolation.missing)
        screen.say(
            f"Isolation: {outcome.isolation.level.value}{f' (missing: {missing})' if missing else ''}.", "warning"
        )
    tone: Tone = "good" if outcome.finished else "plain"
    screen.say(f"{STATE_WORDS[outcome.state]} after {outcome.timings.total_seconds:.2f} s.", tone)


def _sentence(message: str) -> str:
    """The message with a full stop: an exception's own words often have none."""
    return message if message.endswith((".", "!", "?", ":")) else f"{message}."


def advice(finished: FinishedRun, script: Path, limits: Limits) -> str:
    """What to do about a script that did not finish: the option to raise, or the place to look at."""
    state, error = finished.outcome.state, finished.outcome.error
    by_state = {
        ScriptState.TIMED_OUT: f"Allow more with --timeout SECONDS (it was {limits.timeout_seconds:g}).",
        ScriptState.OUT_OF_MEMORY: f"Allow more with --memory SIZE (it was {size_words(limits.memory_bytes)}).",
        ScriptState.OUTPUT_TOO_LARGE: (
            f"Print and return less: at most {size_words(limits.log_bytes)} of text and "
            f"{size_words(limits.output_bytes)} of results; estudio.Limits allows more from Python."
        ),
        ScriptState.KILLED: "Look at the compiled code that it calls; some forbidden system calls end a process, too.",
    }
    if state in by_state:
        return by_state[state]
    if error is None or error.line is None:
        return "" if error is None else _CODE_ADVICE.get(error.code, "")
    return f"Look at line {error.line} of {script.name}."


def _written_lines(finished: FinishedRun, files: ScriptFiles) -> list[str]:
    written, images = finished.written, finished.outcome.visualization.images
    lines = []
    if written.output is not None and str(written.output) != "-":
        lines.append(f"Result: {written.output}")
    if written.output2 is not None:
        lines.append(f"Second result: {written.output2}")
    if written.figures:
        named = ", ".join(str(path) for path in written.figures[:MAX_NAMED_FIGURES])
        more = len(written.figures) - MAX_NAMED_FIGURES
        lines.append(f"Figures: {named}{f' and {more} more' if more > 0 else ''}")
    elif images and files.figures is None:
        figures = "1 figure was" if len(images) == 1 else f"{len(images)} figures were"
        lines.append(f"{figures} drawn; keep them with --figures FOLDER.")
    return lines


def show_previews(screen: Screen, previews: tuple[Preview, ...]) -> None:
    """The first rows of each result on standard output."""
    from estudio.cli.preview_table import preview_parts  # noqa: PLC0415

    for number, preview in enumerate(previews):
        screen.show(*preview_parts(preview, "Result" if number == 0 else "Second result", screen.width()))


def title_of(preview: Preview, name: str) -> str:
    """`Result: 768 rows, 9 columns`."""
    return neutralise_line(f"{name}: {counted(preview.row_count, 'row')}, {counted(preview.column_count, 'column')}")
