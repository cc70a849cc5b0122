"""What every `ServiceHost` promises; the double of the doors' tests and the real one pass the same tests."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from estudio.core.outcome import ScriptError, ScriptState
from estudio.core.service import CallRecord, KeyScope
from estudio.errors import (
    AccessDenied,
    EndpointNotFound,
    PortNotFound,
    ServiceBusy,
    ServiceNotFound,
    ServiceThrottled,
    VersionNotFound,
)
from estudio.services.calling import ModuleFailure, ScoreCall, ScoreOutcome
from estudio.services.calling_double import HostDouble

from .frozen_services import FACTOR, Bench, numbers, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from estudio.modules.call_message import ScriptCall
    from estudio.services.calling import ServiceHost
    from estudio.tables.table import Table


@dataclass
class Subject:
    """A host with the service `double`; `wait` holds every call up while it is cleared, `begun` counts them."""

    host: ServiceHost
    key: str
    wait: threading.Event
    begun: threading.Semaphore
    publish: Callable[[str], None]


def _double(folder: Path) -> Subject:
    del folder
    host, wait, begun = HostDouble(), threading.Event(), threading.Semaphore(0)
    wait.set()

    def score(call: ScoreCall) -> ScoreOutcome:
        begun.release()
        wait.wait(10)
        given, factor = call.inputs.get("input1", table(1, 2)), call.parameters.get("factor", 2.0)
        assert isinstance(factor, float)
        return ScoreOutcome({"output1": table(*(value * factor for value in numbers(given)))})

    def fail(call: ScoreCall) -> ScoreOutcome:
        del call
        error = ScriptError("script-raised", "division by zero")
        return ScoreOutcome(failure=ModuleFailure("score", "Execute Python Script", ScriptState.FAILED, error))

    def publish(work: str) -> None:
        functions = {"doubled": score, "failing": fail}
        host.add(
            "double", functions[work], inputs={"input1": table(1, 2)}, outputs={"output1": table(1, 2)},
            parameters=[FACTOR], max_concurrent_calls=2,
        )  # fmt: skip

    publish("doubled")
    return Subject(host, "call-key", wait, begun, publish)


def _live(folder: Path) -> Subject:
    bench, wait, begun = Bench(folder), threading.Event(), threading.Semaphore(0)
    wait.set()
    work = bench.works["doubled"]

    def waiting(call: ScriptCall) -> Table:
        begun.release()
        wait.wait(10)
        return work(call)

    bench.works["doubled"] = waiting
    bench.publish(max_concurrent_calls=2)
    host = bench.host()

    def publish(name: str) -> None:
        number = bench.publish(name)
        until(lambda: host.find("double").version.number == number)

    return Subject(host, bench.key, wait, begun, publish)


@pytest.fixture(params=[_double, _live], ids=["double", "live"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    made: Subject = request.param(tmp_path)
    yield made
    made.wait.set()
    made.host.close(drain_seconds=5)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_call_gives_its_outputs(subject: Subject) -> None:
    live = subject.host.find("double")
    assert numbers(live.score(ScoreCall({"input1": table(3)})).outputs["output1"]) == [6]
    assert numbers(live.score(ScoreCall({"input1": table(3)}, {"factor": 5.0})).outputs["output1"]) == [15]
    assert numbers(live.score(ScoreCall()).outputs["output1"]) == [2, 4]


def test_what_there_is(subject: Subject) -> None:
    host = subject.host
    assert len(host.workspace_id) == 32
    assert [service.name for service in host.services()] == ["double"]
    assert [version.number for version in host.versions("double")] == [1]
    (endpoint,) = host.endpoints(host.services()[0].id)
    live = host.find_by_id(endpoint.id)
    assert (live.endpoint, live.service.name, live.version.number) == (endpoint, "double", 1)
    assert live.version.parameters == (FACTOR,)
    assert numbers(live.sample("input1")) == [1, 2]


def test_what_there_is_not(subject: Subject) -> None:
    host = subject.host
    with pytest.raises(ServiceNotFound, match="quadruple"):
        host.find("quadruple")
    with pytest.raises(EndpointNotFound):
        host.find("double", endpoint="other")
    with pytest.raises(VersionNotFound):
        host.find("double", version=7)
    with pytest.raises(EndpointNotFound):
        host.find_by_id("0" * 32)
    with pytest.raises(PortNotFound):
        host.find("double").sample("input9")


def test_an_authors_error_is_a_value(subject: Subject) -> None:
    subject.publish("failing")
    outcome = subject.host.find("double").score(ScoreCall({"input1": table(1)}))
    assert outcome.failure is not None
    assert outcome.failure.module == "score"
    assert outcome.failure.title == "Execute Python Script"
    assert outcome.failure.state is ScriptState.FAILED
    assert outcome.failure.error.message == "division by zero"
    assert not outcome.outputs


def test_whoever_holds_a_version_keeps_it(subject: Subject) -> None:
    before = subject.host.find("double")
    subject.publish("failing")
    assert subject.host.find("double").version.number == 2
    assert before.version.number == 1
    assert numbers(before.score(ScoreCall({"input1": table(3)})).outputs["output1"]) == [6]
    pinned = subject.host.find("double", version=1)
    assert numbers(pinned.score(ScoreCall({"input1": table(3)})).outputs["output1"]) == [6]


def _in_threads(subject: Subject, count: int) -> list[threading.Thread]:
    live = subject.host.find("double")
    threads = [threading.Thread(target=live.score, args=(ScoreCall({"input1": table(1)}),)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert subject.begun.acquire(timeout=10)
    return threads


def test_a_call_beyond_the_limit_is_refused_at_once(subject: Subject) -> None:
    subject.wait.clear()
    threads = _in_threads(subject, 2)
    with pytest.raises(ServiceThrottled):
        subject.host.find("double").score(ScoreCall({"input1": table(1)}))
    subject.wait.set()
    for thread in threads:
        thread.join(10)
    assert subject.host.find("double").score(ScoreCall({"input1": table(1)})).failure is None


def test_closing_refuses_new_calls(subject: Subject) -> None:
    live = subject.host.find("double")
    subject.host.close(drain_seconds=1)
    with pytest.raises(ServiceBusy):
        live.score(ScoreCall({"input1": table(1)}))


def test_keys(subject: Subject) -> None:
    host = subject.host
    endpoint = host.find("double").endpoint
    assert host.authorize(subject.key, KeyScope.CALL, endpoint).endpoint_id == endpoint.id
    for token in ("", "wrong", subject.key + "x", "x" * 100_000, "\ud800"):
        with pytest.raises(AccessDenied):
            host.authorize(token, KeyScope.CALL, endpoint)
    with pytest.raises(AccessDenied):
        host.authorize(subject.key, KeyScope.MANAGE)


def test_noting_a_call_returns(subject: Subject) -> None:
    endpoint = subject.host.find("double").endpoint
    subject.host.note_call(CallRecord(endpoint.id, 1, "r", time.time(), 0.1, 0.0, 200))
    assert isinstance(list(subject.host.statistics(endpoint.id)), list)
