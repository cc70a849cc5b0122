from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from estudio import errors as ours
from estudio.core.classic_errors import classic_text
from estudio.core.outcome import ScriptError, ScriptState
from estudio.core.service import Endpoint
from estudio.errors import CallProblem, InvalidCall
from estudio.server.classic.catalogue import CATALOGUE
from estudio.server.classic.errors import _PROBLEM_CODES, MAX_DETAILS, answer_to, answer_to_failure, error_number
from estudio.services.calling import ModuleFailure
from tests.server.classic.conftest import TRACEBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.errors import EstudioError

GOLDEN = Path(__file__).parent / "golden"
ENDPOINT = Endpoint("e" * 32, "s" * 32, "default", 1.0, max_concurrent_calls=20)
CLASSES = {kind.code: kind for kind in CATALOGUE}


def tree(root: type[EstudioError] = ours.EstudioError) -> Iterator[type[EstudioError]]:
    yield root
    for each in root.__subclasses__():
        if each.__module__ == ours.__name__:
            yield from tree(each)


@pytest.mark.parametrize("kind", sorted(set(tree()), key=str))
def test_every_error_of_ours_has_its_place_in_the_old_catalogue(kind: type[EstudioError]) -> None:
    answer = answer_to(kind("What is wrong."), ENDPOINT)
    body = json.loads(answer.body())["error"]
    assert answer.kind is CLASSES[body["code"]]
    assert answer.status == answer.kind.status
    assert body["message"] == answer.kind.message
    assert set(body) == {"code", "message", "details"}
    if answer.kind.sentences and kind is not ours.StateConflict:
        assert body["details"][0]["code"] in answer.kind.sentences
    assert all(each["message"] for each in body["details"])
    assert answer.status < 500 or "What is wrong" not in answer.body().decode(), "words of our own failures"


def failures() -> dict[str, ModuleFailure]:
    found = {}
    for state, code, traceback in (
        (ScriptState.FAILED, "script-raised", TRACEBACK),
        (ScriptState.FAILED, "wrong-result", ""),
        (ScriptState.TIMED_OUT, "timed-out", ""),
        (ScriptState.OUT_OF_MEMORY, "out-of-memory", ""),
        (ScriptState.OUTPUT_TOO_LARGE, "output-too-large", ""),
        (ScriptState.KILLED, "process-died", ""),
        (ScriptState.CANCELLED, "cancelled", ""),
    ):
        message = f"What happened: {code}."
        error = ScriptError(code, message, traceback, None, classic_text(code, traceback, message))
        found[code] = ModuleFailure("score", "Execute Python Script RRS", state, error)
    return found


def bodies() -> dict[str, Any]:
    """Whole answers, by what happened."""
    throttled = ours.ServiceThrottled("Too many.", retry_after_seconds=3)
    shapes = {
        "throttled": answer_to(throttled, ENDPOINT),
        "rate-limited": answer_to(ours.RateLimited("Too many.", retry_after_seconds=41.6), ENDPOINT),
        "loading": answer_to(ours.ServiceBusy("Loading.", reason="loading"), ENDPOINT),
        "busy": answer_to(ours.ServiceBusy("Stopping."), ENDPOINT),
        "denied": answer_to(ours.AccessDenied("No."), ENDPOINT),
        "no-service": answer_to(ours.ServiceNotFound("No."), ENDPOINT),
        "no-sandbox": answer_to(ours.SandboxUnavailable("No walls."), ENDPOINT),
        "disk-full": answer_to(ours.StoreDiskFull("No room."), ENDPOINT),
    }
    for kind in ("syntax", "too-large", "media-type", "encoding", "timeout", "length"):
        shapes[f"body-{kind}"] = answer_to(InvalidCall(f"The body is wrong: {kind}.", kind=kind))
    for code in _PROBLEM_CODES:
        problem = CallProblem(code, f"What is wrong: {code}.", "/Inputs/input1", "input1", 3, "a")
        shapes[f"call-{code}"] = answer_to(InvalidCall("Wrong.", problems=[problem]))
    for code, failure in failures().items():
        shapes[f"module-{code}"] = answer_to_failure(failure, ENDPOINT)
        shapes[f"module-{code}-hidden"] = answer_to_failure(failure, ENDPOINT, expose=False)
    limited = Endpoint("e" * 32, "s" * 32, "default", 1.0, memory_bytes=512 << 20)
    shapes["module-out-of-memory-limited"] = answer_to_failure(failures()["out-of-memory"], limited)
    return {
        name: {"status": each.status, "headers": dict(each.headers), "body": json.loads(each.body())}
        for name, each in sorted(shapes.items())
    }


def test_whole_answers_are_as_they_were() -> None:
    path = GOLDEN / "errors.json"
    text = json.dumps(bodies(), indent=1) + "\n"
    if os.environ.get("ESTUDIO_WRITE_GOLDEN") == "1":
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("state", [each for each in ScriptState if each is not ScriptState.FINISHED])
def test_every_way_a_script_ends_has_an_answer(state: ScriptState) -> None:
    error = ScriptError("x", "What happened.", classic_text="Error 0085: x")
    answer = answer_to_failure(ModuleFailure("m", "M", state, error), ENDPOINT)
    assert answer.status >= 400
    assert answer.details[0].message


def test_hidden_words_stay_hidden_everywhere() -> None:
    for name, shape in bodies().items():
        if name.endswith("-hidden"):
            assert "What happened" not in json.dumps(shape), name
            assert "division" not in json.dumps(shape), name


def test_sentences_have_their_words_put_in() -> None:
    assert not re.search(r"\{\d\}", json.dumps(bodies()))


def test_details_are_bounded() -> None:
    problems = [CallProblem("wrong-body", "x" * 10_000, f"/{row}") for row in range(1000)]
    answer = answer_to(InvalidCall("Wrong.", problems=problems))
    assert len(json.loads(answer.body())["error"]["details"]) == MAX_DETAILS
    assert len(answer.body()) < 100_000


@pytest.mark.parametrize(
    ("text", "number"), [("Error 0085: x", "85"), ("Error 1000: x", "1000"), ("", "1000"), ("Error 0138: x", "138")]
)
def test_the_number_of_a_module_error(text: str, number: str) -> None:
    assert error_number(text) == number


def test_the_documentation_has_the_whole_catalogue() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "classic-wire.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| \d{3} \| `", line)]
    documented = {(int(row.split("|")[1]), *re.findall(r"`(\w+)`", row)[:1]): row for row in rows}
    assert set(documented) == {(kind.status, kind.code) for kind in CATALOGUE}
    for kind in CATALOGUE:
        row = documented[kind.status, kind.code]
        assert set(kind.sentences) <= set(re.findall(r"`(\w+)`", row))
