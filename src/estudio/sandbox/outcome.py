"""From the observed facts of a call to how it ended: pure, so that every ending can be tested without ending a process.

Blame needs evidence: "out of memory" only when the kernel or the interpreter said so, the author's error only when the
guest reported it or the process ended itself.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.classic_errors import classic_text
from estudio.core.outcome import ScriptError, ScriptState
from estudio.errors import InvalidBundle, SandboxBroken

if TYPE_CHECKING:
    from estudio.core.limits import Limits
    from estudio.sandbox.guests import CallFacts

_REPORTED = {
    "finished": ScriptState.FINISHED,
    "failed": ScriptState.FAILED,
    "out-of-memory": ScriptState.OUT_OF_MEMORY,
    "output-too-large": ScriptState.OUTPUT_TOO_LARGE,
}
MAX_MESSAGE_CHARACTERS = 4_000
MAX_TRACEBACK_CHARACTERS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call ended, and the error where it did not finish."""

    state: ScriptState
    error: ScriptError | None = None


def judge(facts: CallFacts, limits: Limits, *, bundle: bool = True) -> Verdict:
    """How the call ended; `bundle`: whether it had one, so that the guest may say that it is bad.

    Raises:
        InvalidBundle: the guest could not unpack the bundle.
        SandboxBroken: the zygote ended, and the guest with it.
    """
    if facts.cancelled:
        return _ended(ScriptState.CANCELLED, "cancelled", "The call was cancelled.")
    if facts.log_overflow:
        return _ended(
            ScriptState.OUTPUT_TOO_LARGE,
            "output-too-large",
            f"The script printed more than {limits.log_bytes} bytes, the limit log_bytes. Print less, or raise it.",
        )
    if facts.timed_out:
        return _ended(
            ScriptState.TIMED_OUT,
            "timed-out",
            f"The script did not finish in {limits.timeout_seconds:g} seconds, the limit timeout_seconds. "
            "Give it less to do, or raise the limit.",
        )
    if facts.kernel_killed_for_memory and (facts.report or {}).get("state") != "finished":
        return _out_of_memory(limits)
    if facts.broken_report is not None:
        return _ended(ScriptState.FAILED, "wrong-result", f"The guest answered with {facts.broken_report}.")
    if facts.report is not None:
        return _reported(facts.report, bundle=bundle)
    return _from_status(facts.status, limits)


def _out_of_memory(limits: Limits) -> Verdict:
    return _ended(
        ScriptState.OUT_OF_MEMORY,
        "out-of-memory",
        f"The script took more than {limits.memory_bytes} bytes of memory, the limit memory_bytes; the kernel ended "
        "it. Use less data at a time, or raise the limit.",
    )


def _reported(report: dict[str, object], *, bundle: bool) -> Verdict:
    if bundle and report.get("state") == "bad-bundle":
        error = _report_error(report)
        raise InvalidBundle(error.message, classic_text=classic_text("bad-bundle", "", error.message))
    state = _REPORTED.get(str(report.get("state")))
    if state is None:
        return _ended(ScriptState.FAILED, "wrong-result", "The guest answered with an unknown state.")
    return Verdict(state, None if state is ScriptState.FINISHED else _report_error(report))


def _report_error(report: dict[str, object]) -> ScriptError:
    error = report.get("error")
    facts = error if isinstance(error, dict) else {}
    line = facts.get("line")
    return ScriptError(
        code=_text(facts.get("code"), 64) or "script-raised",
        message=_text(facts.get("message"), MAX_MESSAGE_CHARACTERS),
        traceback=_text(facts.get("traceback"), MAX_TRACEBACK_CHARACTERS),
        line=line if isinstance(line, int) and 0 < line < 2**31 else None,
    )


def _text(untrusted: object, most: int) -> str:
    return untrusted[:most].encode(errors="replace").decode() if isinstance(untrusted, str) else ""


def _from_status(status: int | None, limits: Limits) -> Verdict:
    """The guest ended without an answer."""
    if status is None:
        raise SandboxBroken("A guest ended, and its zygote with it, before it answered. Try the call again.")
    if os.WIFSIGNALED(status):
        return _from_signal(os.WTERMSIG(status), limits)
    return _ended(  # whatever the code: a script can end with those that our own guest code uses, too
        ScriptState.FAILED,
        "process-died",
        f"The script ended its own process with exit code {os.WEXITSTATUS(status)} (os._exit) before azureml_main "
        "returned.",
    )


def _from_signal(number: int, limits: Limits) -> Verdict:
    name = _signal_name(number)
    if number == signal.SIGXCPU:
        return _ended(
            ScriptState.TIMED_OUT,
            "timed-out",
            f"The script used more CPU time than {limits.timeout_seconds:g} seconds of every core.",
        )
    if number == signal.SIGSYS:
        reason = "it made a system call that no table script makes"
    elif number == signal.SIGXFSZ:
        reason = "it wrote a file larger than its limit"
    elif number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL):
        reason = "compiled code crashed, or a recursion went deeper than the stack"
    else:
        reason = "a signal ended it"
    return _ended(ScriptState.KILLED, "process-died", f"The script's process died by {name}: {reason}.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _ended(state: ScriptState, code: str, message: str) -> Verdict:
    return Verdict(state, ScriptError(code, message))
