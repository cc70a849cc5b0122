"""Web services on real parts: published, called in real guests, promoted under load, unmoved by later edits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from estudio.core.outcome import ScriptState
from estudio.core.service import EndpointResource, KeyScope, KeySlot, ServiceIsolation
from estudio.errors import (
    AccessDenied,
    InvalidDocument,
    InvalidInput,
    InvalidUsage,
    PortNotFound,
    StateConflict,
    VersionNotFound,
)
from estudio.services.calling import ScoreCall
from estudio.tables.table import Table
from estudio.workspace.workspace import Workspace

from .served import FILES, make_served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from estudio.services.live_services import LiveServices

PEOPLE = Table.from_arrow(pa.table({"age": [25, 75], "weight": [65, 90]}))
ONE = Table.from_arrow(pa.table({"x": [7]}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_served(tmp_path / "work space")


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.open(folder) as opened:
        yield opened


@pytest.fixture
def host(workspace: Workspace) -> Iterator[LiveServices]:
    made = workspace.services.host(slots=1)
    yield made
    made.close(drain_seconds=10)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def answer(host: LiveServices, name: str, table: Table = ONE, version: int | None = None) -> dict[str, list[object]]:
    live = host.find(name, version=version)
    outcome = live.score(ScoreCall({live.version.inputs[0].name: table}))
    assert outcome.failure is None, outcome.failure
    found: dict[str, list[object]] = outcome.outputs["output1"].to_arrow().to_pydict()
    return found


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_a_trained_model_is_frozen_and_nothing_later_moves_the_service(workspace: Workspace, folder: Path) -> None:
    published = workspace.services.publish("people")
    assert published.service.name == "people"
    assert set(published.keys) == set(KeySlot)
    version = published.version
    assert [column.name for column in version.inputs[0].columns] == ["age", "weight"]
    assert version.facts["live modules"] == "entry, score, answer"
    assert set(version.facts["frozen modules"].split(", ")) == {"train", "helpers"}
    for name in FILES:
        if name != "estudio.toml":
            (folder / name).unlink()
    shutil.rmtree(folder / "bundles")
    workspace.prune(keep_runs=0)
    host = workspace.services.host(slots=1)
    until(lambda: host.readiness().ready)
    live = host.find("people")
    outcome = live.score(ScoreCall({"input1": PEOPLE}))
    assert outcome.failure is None
    assert outcome.outputs["output1"].to_arrow().column("sick").to_pylist() == [False, True]
    assert outcome.visualizations["score"].text == "scored 2\n"
    everyone = live.score(ScoreCall({"input1": PEOPLE}, {"threshold": 0.0}))
    assert everyone.outputs["output1"].to_arrow().column("sick").to_pylist() == [True, True]
    assert live.score(ScoreCall()).outputs["output1"].row_count == 6
    assert live.sample("input1").row_count == 5
    assert workspace.services.samples("people")["output1"].column_count == 4
    host.close()
    assert list((folder / ".estudio" / "services").iterdir()) == []


def test_prune_keeps_what_versions_need_and_removing_frees_it(workspace: Workspace, folder: Path) -> None:
    workspace.services.publish("simple")
    for run in workspace.runs():
        workspace.remove_run(run.id)
    _age_objects(folder)
    workspace.prune()
    host = workspace.services.host(slots=1)
    assert answer(host, "simple") == {"x": [7], "answer": [1]}
    host.close()
    assert workspace.verify().missing == ()
    workspace.services.remove("simple")
    _age_objects(folder)
    assert workspace.prune().kept_bytes == 0


def _age_objects(folder: Path) -> None:
    """As if nothing had been used for two hours."""
    old = time.time() - 7200
    for path in (folder / ".estudio" / "objects").rglob("*"):
        if path.is_file():
            os.utime(path, (old, old))


def test_two_versions_at_once_promotion_and_rollback(workspace: Workspace, folder: Path, host: LiveServices) -> None:
    services = workspace.services
    first = services.publish("simple")
    write(folder, "scripts/constant.py", "def azureml_main(t):\n    return t.assign(answer=2)\n")
    second = services.publish("simple", promote=False)
    assert (second.version.number, second.service.current, second.keys) == (2, 1, {})
    until(lambda: len(host.services()) == 1 and len(host.versions("simple")) == 2)
    assert answer(host, "simple")["answer"] == [1]
    assert answer(host, "simple", version=2)["answer"] == [2]
    services.promote("simple", 2)
    until(lambda: host.find("simple").version.number == 2)
    assert answer(host, "simple")["answer"] == [2]
    with pytest.raises(StateConflict):
        services.remove_version("simple", 2)
    assert services.rollback("simple").current == 1
    until(lambda: host.find("simple").version.number == 1)
    assert services.remove_version("simple", 2).number == 2
    assert [version.number for version in services.versions("simple")] == [1]
    with pytest.raises(VersionNotFound):
        services.promote("simple", 2)
    assert services.get(first.service.id) == services.get("simple")


def test_promoting_under_load_costs_no_call(workspace: Workspace, folder: Path, host: LiveServices) -> None:
    workspace.services.publish("simple")
    until(lambda: bool(host.services()))
    stop, wrong, seen = threading.Event(), [], set()

    def call() -> None:
        while not stop.is_set():
            try:
                live = host.find("simple")
                outcome = live.score(ScoreCall({"input1": ONE}))
                value = outcome.outputs["output1"].to_arrow().column("answer").to_pylist()[0]
            except Exception as error:  # noqa: BLE001 -- told below
                wrong.append(repr(error))
                return
            seen.add(live.version.number)
            if value != live.version.number:
                wrong.append(f"version {live.version.number} gave {value}")

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in (2, 3):
            write(folder, "scripts/constant.py", f"def azureml_main(t):\n    return t.assign(answer={number})\n")
            workspace.services.publish("simple")
            until(lambda number=number: number in seen or bool(wrong))  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert wrong == []
    assert seen == {1, 2, 3}


def test_the_same_again_makes_no_version_unless_forced(workspace: Workspace) -> None:
    services = workspace.services
    services.publish("simple", isolation=ServiceIsolation.WORKER, row_wise=True)
    again = services.publish("simple")
    assert (again.is_new, again.version.number, again.version.isolation) == (False, 1, ServiceIsolation.WORKER)
    assert services.publish("simple", force=True).version.number == 2
    other = services.publish("simple", row_wise=False)
    assert (other.is_new, other.version.row_wise, other.version.isolation) == (True, False, ServiceIsolation.WORKER)


@pytest.mark.parametrize("isolation", list(ServiceIsolation))
def test_what_a_call_leaves_in_memory(
    workspace: Workspace, folder: Path, host: LiveServices, isolation: ServiceIsolation
) -> None:
    text = "seen = []\ndef azureml_main(t):\n    seen.append(1)\n    return t.assign(answer=len(seen))\n"
    write(folder, "scripts/constant.py", text)
    workspace.services.publish("simple", isolation=isolation)
    until(lambda: bool(host.services()))
    answers = [answer(host, "simple")["answer"] for _ in range(3)]
    assert answers == ([[1], [2], [3]] if isolation is ServiceIsolation.WORKER else [[1], [1], [1]])


def test_without_inputs_every_script_works_in_each_call(workspace: Workspace, folder: Path, host: LiveServices) -> None:
    write(folder, "scripts/draw.py", "import random\ndef azureml_main():\n    print(random.random())\n")
    write(
        folder,
        "experiments/plain.yaml",
        "estudio: 1\nmodules:\n  draw: {kind: execute-python-script, script: scripts/draw.py}\n",
    )
    published = workspace.services.publish("plain")
    assert (published.version.inputs, published.version.outputs) == ((), ())
    until(lambda: bool(host.services()))
    texts = {host.find("plain").score(ScoreCall()).visualizations["draw"].text for _ in range(3)}
    assert len(texts) == 3
    seeded = {host.find("plain").score(ScoreCall(seed=3)).visualizations["draw"].text for _ in range(2)}
    assert len(seeded) == 1


def test_a_script_that_is_not_deterministic_is_live(workspace: Workspace, folder: Path) -> None:
    text = FILES["experiments/people.yaml"].replace("dataset1: people}", "dataset1: people, deterministic: false}")
    write(folder, "experiments/people.yaml", text)
    published = workspace.services.publish("people")
    assert set(published.version.facts["live modules"].split(", ")) == {"train", "entry", "score", "answer"}


def test_a_resource_retrains_one_endpoint(workspace: Workspace, folder: Path, host: LiveServices) -> None:
    services = workspace.services
    services.publish("people")
    people = FILES["datasets/people.csv"].replace(",0\n", ",2\n").replace(",1\n", ",0\n").replace(",2\n", ",1\n")
    write(folder, "datasets/people.csv", people)
    digest = workspace.experiment("people").run(to="train")["train"].stored("results").digest
    added = services.add_endpoint("people", "retrained", max_concurrent_calls=3)
    services.change_endpoint("people", "retrained", resources=(EndpointResource("train", digest),))
    until(lambda: bool(host.services()) and any(each.resources for each in host.endpoints("people")))
    for endpoint, sick in (("retrained", [True, False]), ("default", [False, True])):
        outcome = host.find("people", endpoint=endpoint).score(ScoreCall({"input1": PEOPLE}))
        assert outcome.outputs["output1"].to_arrow().column("sick").to_pylist() == sick
    with pytest.raises(PortNotFound, match=r"those are (train, helpers|helpers, train)"):
        services.change_endpoint("people", "retrained", resources=(EndpointResource("score", digest),))
    services.change_endpoint("people", "retrained", prevent_update=True)
    with pytest.raises(StateConflict, match="refuses new resources"):
        services.change_endpoint("people", "retrained", resources=())
    assert host.authorize(added.keys[KeySlot.PRIMARY], KeyScope.CALL, added.endpoint).slot is KeySlot.PRIMARY
    assert services.remove_endpoint("people", "retrained").id == added.endpoint.id


def test_an_authors_error_names_its_module(workspace: Workspace, host: LiveServices) -> None:
    workspace.services.publish("people")
    until(lambda: bool(host.services()))
    outcome = host.find("people").score(ScoreCall({"input1": ONE}))
    assert outcome.failure is not None
    assert (outcome.failure.module, outcome.failure.title) == ("score", "Execute Python Script")
    assert outcome.failure.state is ScriptState.FAILED
    assert "KeyError" in outcome.failure.error.message
    assert outcome.failure.error.classic_text.startswith("Error 0085")


def test_a_run_that_fails_publishes_nothing(workspace: Workspace, folder: Path) -> None:
    write(folder, "scripts/constant.py", "def azureml_main(t):\n    return t['nothing']\n")
    with pytest.raises(InvalidInput, match=r"its module work failed: .*KeyError"):
        workspace.services.publish("simple")
    assert workspace.services.list() == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kind: web-service-input,", "kind: web-service-input, name: 'a b',"), "cannot be called 'a b'"),
        (("dataset1: entry}", "dataset1: data}"), "nothing takes the table of the web service input 'entry'"),
        (
            ("  answer:", "  other: {kind: web-service-output, dataset: entry}\n  answer:"),
            "outputs 'other' and 'answer' are both called 'output1'",
        ),
        (
            ("modules:", "parameters:\n  which: {type: string, default: constant}\nmodules:"),
            "script of 'work' links to the parameter which",
        ),
    ],
)
def test_what_cannot_be_published_is_told_with_its_line(
    workspace: Workspace, folder: Path, change: tuple[str, str], words: str
) -> None:
    text = FILES["experiments/simple.yaml"].replace(*change)
    if "which" in change[1]:
        text = text.replace("scripts/constant.py", '"scripts/${which}.py"')
    write(folder, "experiments/simple.yaml", text)
    with pytest.raises(InvalidDocument, match=words) as caught:
        workspace.services.publish("simple")
    assert caught.value.problems[0].startswith("experiments/simple.yaml:")
    assert workspace.runs() == ()
    if "which" in words:
        published = workspace.services.publish("simple", fixed=["which"])
        assert published.version.parameters == ()
        write(folder, "experiments/simple.yaml", FILES["experiments/simple.yaml"])
        assert workspace.services.publish("simple").version.number == 2


def test_parameters_of_publishing(workspace: Workspace, folder: Path, host: LiveServices) -> None:
    published = workspace.services.publish("people", parameters={"threshold": "0.0"})
    assert published.version.parameters[0].default == 0.0
    until(lambda: bool(host.services()))
    assert answer(host, "people", PEOPLE)["sick"] == [True, True]
    fixed = workspace.services.publish("people", parameters={"threshold": 1.0}, fixed=["threshold"])
    assert fixed.version.parameters == ()
    assert fixed.version.number == 2
    assert workspace.services.publish("people", parameters={"threshold": 1.0}).is_new is False
    assert answer(host, "people", PEOPLE, version=1)["sick"] == [True, True]
    until(lambda: host.find("people").version.number == 2)
    assert answer(host, "people", PEOPLE)["sick"] == [False, False]
    write(folder, "experiments/people.yaml", FILES["experiments/people.yaml"].replace("default: 0.5, ", ""))
    needed = workspace.services.publish("people", parameters={"threshold": 0.5}, fixed=[])
    assert needed.version.parameters[0].required
    with pytest.raises(InvalidUsage, match="nothing-such"):
        workspace.services.publish("simple", fixed=["nothing-such"])


def test_keys_of_a_workspace(workspace: Workspace, host: LiveServices) -> None:
    services = workspace.services
    published = services.publish("simple")
    until(lambda: bool(host.services()))
    new = services.rotate_key("simple", grace_seconds=600, expires_in_seconds=3600)
    for token in (new, *published.keys.values()):
        assert host.authorize(token, KeyScope.CALL, published.endpoint).endpoint_id == published.endpoint.id
    newer = services.rotate_key("simple", slot=KeySlot.SECONDARY)
    until(lambda: _is_refused(host, published.keys[KeySlot.SECONDARY]), 2)
    assert host.authorize(newer, KeyScope.CALL, published.endpoint).slot is KeySlot.SECONDARY
    manage = services.create_manage_key()
    assert host.authorize(manage.token, KeyScope.MANAGE) == manage.key
    assert services.manage_keys() == (manage.key,)
    services.remove_key(manage.key.id)
    assert services.manage_keys() == ()
    assert published.keys[KeySlot.PRIMARY] not in repr(services.keys("simple"))


def _is_refused(host: LiveServices, token: str) -> bool:
    try:
        host.authorize(token, KeyScope.CALL, host.find("simple").endpoint)
    except AccessDenied:
        return True
    return False


def test_names_and_limits_that_cannot_be(workspace: Workspace) -> None:
    services = workspace.services
    with pytest.raises(InvalidUsage, match="cannot be called 'A'"):
        services.publish("simple", name="A")
    services.publish("simple", name="named")
    assert services.rename("named", "other").name == "other"
    for wrong in ({"max_concurrent_calls": 0}, {"max_concurrent_calls": 201}, {"timeout_seconds": 0}, {"id": "x"}):
        with pytest.raises(InvalidUsage):
            services.change_endpoint("other", **wrong)
    with pytest.raises(InvalidUsage, match="'Default'"):
        services.add_endpoint("other", "Default")
    with pytest.raises(StateConflict):
        services.add_endpoint("other", "default")
    with pytest.raises(StateConflict):
        services.rollback("other")


CRASHING = """
import os, signal, sys
from estudio.workspace.workspace import Workspace
from estudio.services import freezing
workspace = Workspace.open(sys.argv[1])
repository = workspace._parts.services
def add(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
type(repository).add_version = add
workspace.services.publish("simple")
"""


def test_kill_before_the_last_step_leaves_nothing_behind(folder: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", CRASHING, str(folder)], check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    with Workspace.open(folder) as workspace:
        assert workspace.services.list() == ()
        assert workspace.services.publish("simple").version.number == 1
