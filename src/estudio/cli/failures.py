"""Failures in words: errors of the tree, wrong usage, interruption, and bugs of our own.

With `--json` the words are one JSON object on standard output, because that is where the caller looks for an answer.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

import typer

from estudio.cli.exit_codes import ExitCode, exit_code_of_error
from estudio.cli.screen import Screen, print_document
from estudio.core.counted_words import counted
from estudio.errors import EstudioError, InvalidDocument, InvalidUsage, OutputFailed

BUG_ADVICE = (
    "This is a bug in estudio, not in your script. Run the same command with ESTUDIO_DEBUG=1 and report what it "
    "prints, as CONTRIBUTING.md says."
)
MAX_BUG_CHARACTERS = 500
"""Of an unforeseen exception's own words."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is told: `usage` and `hint` stand before and after the message, for people only.

    `problems` are those of a document, one for each line.
    """

    exit_code: ExitCode
    code: str
    message: str
    state: str = "error"
    facts: dict[str, str | float | None] = field(default_factory=dict)
    usage: str = ""
    hint: str = ""
    problems: tuple[str, ...] = ()


def report_failure(error: BaseException, *, json: bool, debug: bool) -> int:
    """Say what happened, and return the exit code."""
    failure = _failure(error)
    screen = Screen(prints_to_error=json)
    if debug and failure.exit_code is ExitCode.BUG:
        screen.say_lines("".join(traceback.format_exception(error)))
    if json:
        told: dict[str, object] = {"code": failure.code, "message": failure.message, "facts": failure.facts}
        if failure.problems:
            told["problems"] = list(failure.problems)
        try:
            print_document({"state": failure.state, "exit_code": int(failure.exit_code), "error": told})
        except OutputFailed:
            screen.say(f"error: {failure.message}", "error")
        return failure.exit_code
    if failure.usage:
        screen.say_lines(failure.usage)
    for problem in failure.problems:
        screen.say(problem)
    message = _count_words(len(failure.problems)) if failure.problems else failure.message
    screen.say(f"error: {message}" if failure.state == "error" else message, "error")
    if failure.hint:
        screen.say(failure.hint)
    return failure.exit_code


def _count_words(problems: int) -> str:
    """In place of the message of a document's error, which is its first problem."""
    return f"{counted(problems, 'problem')} to mend; nothing was run."


def _failure(error: BaseException) -> Failure:
    if isinstance(error, KeyboardInterrupt):
        return Failure(ExitCode.INTERRUPTED, "interrupted", "Interrupted.", "cancelled")
    if isinstance(error, EstudioError):
        problems = error.problems if isinstance(error, InvalidDocument) else ()
        code = exit_code_of_error(type(error))
        return Failure(code, error.code, error.message, facts=error.facts, problems=problems)
    if isinstance(error, typer.TyperException):
        return _wrong_usage(error)
    words = f"{type(error).__name__}: {error}"[:MAX_BUG_CHARACTERS]
    return Failure(ExitCode.BUG, "bug", f"{words}. {BUG_ADVICE}")


def _wrong_usage(error: typer.TyperException) -> Failure:
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    if context is None:
        return Failure(ExitCode.USAGE, InvalidUsage.code, message)
    hint = f"Try: {context.command_path} --help"
    return Failure(ExitCode.USAGE, InvalidUsage.code, message, usage=context.get_usage(), hint=hint)
