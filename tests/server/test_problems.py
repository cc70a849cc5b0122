from __future__ import annotations

import json

import httpx
import pytest

from estudio import errors
from estudio.core.outcome import ScriptError, ScriptState
from estudio.core.service import Diagnostics
from estudio.errors import CallProblem, EstudioError, InvalidCall, RateLimited
from estudio.server.problems import (
    ERRORS,
    FAILURES,
    INTERNAL,
    MAX_PROBLEMS,
    ROUTING,
    Refused,
    all_kinds,
    kind_of,
    problem_of,
    problem_of_failure,
)
from estudio.server.settings import ServerSettings
from estudio.services.calling import ModuleFailure, ScoreCall, ScoreOutcome
from estudio.services.calling_double import HostDouble
from tests.server.running import SAMPLE, context_of, running


def tree(kind: type[EstudioError] = EstudioError) -> list[type[EstudioError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in tree(child))]


@pytest.mark.parametrize("kind", [each for each in tree() if each.__module__ == errors.__name__])
def test_every_error_has_a_status_and_a_whole_document(kind: type[EstudioError]) -> None:
    problem = problem_of(kind("What happened."), "r1")
    document = json.loads(problem.body)
    assert document["status"] == problem.kind.status == kind_of(kind("")).status
    assert 400 <= problem.kind.status < 600
    assert document["type"] == f"/problems/{problem.kind.code}"
    assert document["instance"] == "urn:estudio:request:r1"
    assert (b"retry-after", b"1") in problem.headers or problem.kind.status not in (429, 503)


def test_who_must_not_see_it_sees_no_words_of_our_failures() -> None:
    assert b"/secret/place" not in problem_of(errors.StoreFailed("No room in /secret/place."), "r").body
    assert b"secret" not in problem_of(ValueError("secret"), "r").body
    assert problem_of(ValueError("secret"), "r").kind is INTERNAL


@pytest.mark.parametrize("state", [state for state in ScriptState if state is not ScriptState.FINISHED])
def test_every_way_a_module_fails_has_a_status(state: ScriptState) -> None:
    failure = ModuleFailure("m", "Execute", state, ScriptError("script-raised", "ValueError: x", "trace", 3))
    problem = problem_of_failure(failure, "r", "", expose=True)
    assert problem.kind is FAILURES[state]
    assert json.loads(problem.body)["module"] == "m"


def test_codes_mean_one_thing() -> None:
    kinds = all_kinds()
    tables = (*ERRORS.values(), *FAILURES.values(), *ROUTING.values())
    assert all(kinds[kind.code] == kind for kind in tables)
    assert all(kind.title and kind.advice for kind in kinds.values())


def test_a_wrong_call_names_its_places_but_not_all_of_a_million() -> None:
    places = [CallProblem("wrong-type", f"row {n}", f"/inputs/input1/{n}/a", "input1", n, "a") for n in range(1000)]
    document = json.loads(problem_of(InvalidCall("Wrong.", problems=places), "r").body)
    assert len(document["errors"]) == MAX_PROBLEMS
    assert document["error_count"] == 1000
    assert document["errors"][1] == {
        "code": "wrong-type",
        "pointer": "/inputs/input1/1/a",
        "input": "input1",
        "row": 1,
        "column": "a",
        "detail": "row 1",
    }


def test_a_rate_limit_says_how_long() -> None:
    problem = problem_of(RateLimited("Used up.", retry_after_seconds=41.6), "r")
    assert problem.kind.status == 429
    assert (b"retry-after", b"42") in problem.headers


def test_a_refusal_has_its_headers() -> None:
    problem = problem_of(Refused(405, "no", {"Allow": "POST"}), "r")
    assert (b"allow", b"POST") in problem.headers


def failing_host(diagnostics: Diagnostics = Diagnostics.ERRORS) -> HostDouble:
    def fail(call: ScoreCall) -> ScoreOutcome:
        del call
        error = ScriptError("script-raised", "ValueError: no such thing", "Traceback: line 7", 7)
        return ScoreOutcome(failure=ModuleFailure("clean", "Execute Python Script", ScriptState.FAILED, error))

    from dataclasses import replace

    host = HostDouble()
    endpoint = host.add("fails", fail, inputs={"input1": SAMPLE}, outputs={"output1": SAMPLE})
    host.change_endpoint(replace(endpoint, diagnostics=diagnostics))
    return host


def score_failing(host: HostDouble, settings: ServerSettings) -> dict[str, object]:
    rows = {"inputs": {"input1": [{"a": 1.5, "b": "x"}]}}
    with running(context_of(host, settings)) as url:
        answer = httpx.post(f"{url}/services/fails/score", json=rows, headers={"Authorization": "Bearer call-key"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = answer.json()
    return document


def test_an_authors_error_names_module_line_and_traceback() -> None:
    host = failing_host()
    document = score_failing(host, ServerSettings(log_format="none"))
    assert document["detail"] == "ValueError: no such thing"
    assert (document["module"], document["line"]) == ("clean", 7)
    assert document["traceback"] == "Traceback: line 7"
    record = host.records[0]
    assert (record.status, record.code, record.message) == (422, "module-failed", "ValueError: no such thing")


@pytest.mark.parametrize(
    ("diagnostics", "settings"),
    [
        (Diagnostics.NONE, ServerSettings(log_format="none")),
        (Diagnostics.ERRORS, ServerSettings(log_format="none", expose_errors=False)),
    ],
)
def test_an_authors_error_stays_here_where_it_is_not_to_be_shown(
    diagnostics: Diagnostics, settings: ServerSettings
) -> None:
    document = score_failing(failing_host(diagnostics), settings)
    assert not {"module", "line", "traceback"} & document.keys()
    assert "no such thing" not in str(document)


def test_each_problem_has_its_page() -> None:
    with running(context_of()) as url:
        index = httpx.get(f"{url}/problems")
        for code in all_kinds():
            assert code in index.text
            page = httpx.get(f"{url}/problems/{code}")
            assert page.status_code == 200
            assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert httpx.get(f"{url}/problems/none").status_code == 404
