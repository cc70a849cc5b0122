"""Every ending of a call, judged from facts alone."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from estudio.core.limits import Limits
from estudio.core.outcome import ScriptState
from estudio.errors import InvalidBundle, SandboxBroken
from estudio.sandbox.guests import CallFacts, parse_report
from estudio.sandbox.outcome import judge

LIMITS = Limits(timeout_seconds=5, memory_bytes=1_000, log_bytes=10)


def facts(**changes: Any) -> CallFacts:
    return CallFacts(**changes)


def signalled(number: int) -> int:
    return int(number)


@pytest.mark.parametrize(
    ("observed", "state", "code", "words"),
    [
        (facts(cancelled=True), ScriptState.CANCELLED, "cancelled", "cancelled"),
        (facts(log_overflow=True), ScriptState.OUTPUT_TOO_LARGE, "output-too-large", "log_bytes"),
        (facts(timed_out=True), ScriptState.TIMED_OUT, "timed-out", "5 seconds"),
        (facts(kernel_killed_for_memory=True, status=9), ScriptState.OUT_OF_MEMORY, "out-of-memory", "1000 bytes"),
        (facts(status=9), ScriptState.KILLED, "process-died", "SIGKILL"),
        (facts(status=signal.SIGSEGV), ScriptState.KILLED, "process-died", "compiled code crashed"),
        (facts(status=signal.SIGSYS), ScriptState.KILLED, "process-died", "system call"),
        (facts(status=signal.SIGXFSZ), ScriptState.KILLED, "process-died", "larger than its limit"),
        (facts(status=signal.SIGXCPU), ScriptState.TIMED_OUT, "timed-out", "CPU time"),
        (facts(status=3 << 8), ScriptState.FAILED, "process-died", "exit code 3"),
        (facts(status=0), ScriptState.FAILED, "process-died", "exit code 0"),
        (facts(broken_report="a report of 9 bytes"), ScriptState.FAILED, "wrong-result", "a report of 9 bytes"),
        (facts(report={"state": "celebrated"}), ScriptState.FAILED, "wrong-result", "unknown state"),
        (facts(report={}), ScriptState.FAILED, "wrong-result", "unknown state"),
        (
            facts(report={"state": "failed", "error": {"code": "script-raised", "message": "boom", "line": 3}}),
            ScriptState.FAILED,
            "script-raised",
            "boom",
        ),
    ],
)
def test_each_ending_has_its_state_and_code(observed: CallFacts, state: ScriptState, code: str, words: str) -> None:
    verdict = judge(observed, LIMITS)
    assert verdict.state is state
    assert verdict.error is not None
    assert verdict.error.code == code
    assert words in verdict.error.message


def test_a_finished_call_has_no_error_even_where_a_child_of_it_was_killed() -> None:
    verdict = judge(facts(report={"state": "finished"}, kernel_killed_for_memory=True), LIMITS)
    assert verdict.state is ScriptState.FINISHED
    assert verdict.error is None


def test_our_own_failures_are_raised_never_blamed_on_the_script() -> None:
    with pytest.raises(SandboxBroken):
        judge(facts(status=None), LIMITS)


@pytest.mark.parametrize("code", [70, 71])
def test_a_script_that_ends_with_the_guest_codes_own_exit_codes_raises_nothing(code: int) -> None:
    verdict = judge(facts(status=code << 8), LIMITS)
    assert verdict.error is not None
    assert verdict.error.code == "process-died"


def test_a_bad_bundle_where_there_was_none_is_a_wrong_result() -> None:
    report = {"state": "bad-bundle", "error": {"code": "bad-bundle", "message": "The zip is encrypted."}}
    verdict = judge(facts(report=report), LIMITS, bundle=False)
    assert verdict.error is not None
    assert verdict.error.code == "wrong-result"


def test_a_bad_bundle_is_bad_input() -> None:
    report = {"state": "bad-bundle", "error": {"code": "bad-bundle", "message": "The zip is encrypted."}}
    with pytest.raises(InvalidBundle, match="encrypted") as caught:
        judge(facts(report=report), LIMITS)
    assert str(caught.value.facts["classic_text"]).startswith("Error 0102: ")


@pytest.mark.parametrize("line", [0, -1, 2**31, "7", None, 1.5])
def test_a_forged_line_number_is_dropped(line: object) -> None:
    verdict = judge(facts(report={"state": "failed", "error": {"line": line, "message": "x"}}), LIMITS)
    assert verdict.error is not None
    assert verdict.error.line is None


def test_texts_of_a_report_are_bounded_and_encodable() -> None:
    error = {"message": "\ud800" * 10**6, "traceback": "x" * 10**6, "code": "c" * 10**6}
    verdict = judge(facts(report={"state": "failed", "error": error}), LIMITS)
    assert verdict.error is not None
    verdict.error.message.encode()
    assert len(verdict.error.message) <= 4_000
    assert len(verdict.error.traceback) <= 64 * 1024
    assert len(verdict.error.code) <= 64


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"nonsense",
        b"[" * 100_000,
        b"NaN",
        b'{"x": Infinity}',
        b"[]",
        b"3",
        b"\xff\xfe",
        b'{"x": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_report_that_is_none_is_refused_without_harm(untrusted: bytes) -> None:
    report, why = parse_report(untrusted)
    assert report is None
    assert why
