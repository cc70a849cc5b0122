"""The commands about web services, on a stand-in: what they ask, and whole texts of what they say."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from estudio.cli.main import main
from estudio.core.service import Diagnostics, KeySlot, ServiceIsolation

from .golden_files import same_as_golden
from .service_stand_in import CALLS, RUNNING, ServiceDoor

Captured = pytest.CaptureFixture[str]
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def door() -> ServiceDoor:
    return ServiceDoor()


def words(arguments: tuple[str, ...]) -> list[str]:
    return [word for argument in arguments for word in argument.split()]


def told(capsys: Captured, door: ServiceDoor, code: int, *arguments: str) -> tuple[str, str]:
    assert main(words(arguments), door=door) == code
    captured = capsys.readouterr()
    return TIME.sub("YYYY-MM-DD HH:MM:SS", captured.out), TIME.sub("YYYY-MM-DD HH:MM:SS", captured.err)


def document(capsys: Captured, door: ServiceDoor, *arguments: str) -> dict[str, Any]:
    assert main([*words(arguments), "--json"], door=door) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("golden", "arguments"),
    [
        ("service-list.txt", "service list"),
        ("service-show.txt", "service show people"),
        ("service-versions.txt", "service versions people"),
        ("service-promote.txt", "service promote people 1"),
        ("service-rollback.txt", "service rollback people"),
        ("service-remove.txt", "service remove people --yes"),
        ("service-remove-version.txt", "service remove people --version 1 -y"),
        ("service-samples.txt", "service samples people --classic --url https://h.example"),
        ("service-logs.txt", "service logs people"),
        ("service-statistics.txt", "service statistics people"),
        ("service-endpoints.txt", "service endpoints list people"),
        ("service-endpoints-add.txt", "service endpoints add people fast --max-concurrent-calls 4 --memory 1G"),
        ("service-endpoints-change.txt", "service endpoints change people default --diagnostics all --version 1"),
        ("service-keys.txt", "service keys list people"),
        ("service-keys-rotate.txt", "service keys rotate people --slot secondary --grace 3600"),
        ("service-keys-create.txt", "service keys create --manage"),
        ("service-jobs.txt", "service jobs list people"),
        ("service-jobs-show.txt", f"service jobs show {'2' * 32}"),
        ("service-jobs-running.txt", f"service jobs show {'0' * 32}"),
        ("service-jobs-cancel.txt", f"service jobs cancel {'0' * 32}"),
        ("publish.txt", "publish people --name people"),
        ("serve.txt", "serve"),
        ("publish-not-promoted.txt", "publish people --no-promote"),
    ],
)
def test_what_commands_say(capsys: Captured, door: ServiceDoor, golden: str, arguments: str) -> None:
    same_as_golden(golden, told(capsys, door, 0, arguments))


def test_publishing_asks_for_what_was_said(capsys: Captured, door: ServiceDoor) -> None:
    services = door.stand_in.services
    options = (
        "--fix a --fix b --force --name p --isolation worker --row-wise --no-promote --set trees=5 --url http://h:1"
    )
    made = document(capsys, door, "publish", "people", options)
    ((experiment, asked), _) = services.asked
    assert experiment == "people"
    assert {
        key: asked[key] for key in ("name", "promote", "isolation", "row_wise", "parameters", "fixed", "force")
    } == {
        "name": "p",
        "promote": False,
        "isolation": ServiceIsolation.WORKER,
        "row_wise": True,
        "parameters": {"trees": "5"},
        "fixed": ("a", "b"),
        "force": True,
    }
    assert made["keys"] == {"primary": "primary-key-itself", "secondary": "secondary-key-itself"}
    assert made["addresses"]["score"] == "http://h:1/services/people/score"
    assert (made["service"]["current"], made["version"]["number"], made["endpoint"]["name"]) == (1, 2, "default")
    told(capsys, door, 0, "publish", "people", "--whole")
    assert services.asked[2][1]["row_wise"] is False
    told(capsys, door, 2, "publish", "people", "--set", "a=1", "--set", "a=2")


def test_keys_are_shown_only_when_they_are_new(capsys: Captured, door: ServiceDoor) -> None:
    door.stand_in.services.is_new = False
    _, said = told(capsys, door, 0, "publish", "people")
    assert "key" not in said
    assert "Nothing differs from version 2 of people" in said
    assert "itself" not in json.dumps(document(capsys, door, "service", "keys", "list", "people"))


def test_endpoints_are_changed_by_what_was_said(capsys: Captured, door: ServiceDoor) -> None:
    asked = door.stand_in.services.asked
    told(capsys, door, 0, "service endpoints change people default --version current --timeout 2.5")
    assert asked.pop() == ("people", "default", {"version": None, "timeout_seconds": 2.5})
    told(capsys, door, 0, "service endpoints change people default --memory 1G --diagnostics none")
    assert asked.pop() == ("people", "default", {"memory_bytes": 1024**3, "diagnostics": Diagnostics.NONE})
    assert "Nothing is to be changed" in told(capsys, door, 2, "service endpoints change people default")[1]
    assert "has no endpoint 'x'" in told(capsys, door, 3, "service endpoints remove people x --yes")[1]
    assert document(capsys, door, "service endpoints remove people default -y")["removed"] is True
    assert asked.pop() == ("remove", "people", "default")


def test_keys_are_made_as_was_said(capsys: Captured, door: ServiceDoor) -> None:
    asked = door.stand_in.services.asked
    made = document(capsys, door, "service keys rotate people --expires 1")
    assert made == {"service": "people", "endpoint": "default", "slot": "primary", "key": "rotated-key-itself"}
    assert asked.pop() == ("people", "default", KeySlot.PRIMARY, 0.0, 86_400)
    assert document(capsys, door, "service", "keys", "create", "--manage")["key"] == "manage-key-itself"
    assert document(capsys, door, "service", "keys", "list", "--manage")["keys"][0]["scope"] == "manage"
    assert document(capsys, door, f"service keys remove {'3' * 16} --yes")["removed"] is True
    assert "Say --manage" in told(capsys, door, 2, "service", "keys", "create")[1]
    assert "Name a service" in told(capsys, door, 2, "service", "keys", "list")[1]
    assert "Name a service" in told(capsys, door, 2, "service", "keys", "list", "people", "--manage")[1]
    assert "number of days" in told(capsys, door, 2, "service keys rotate people --expires 0")[1]


def test_removing_asks(capsys: Captured, door: ServiceDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = door.stand_in.services.asked
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "say --yes" in told(capsys, door, 2, "service", "remove", "people")[1]

    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Typed("no\n"))
    assert "Nothing was changed" in told(capsys, door, 2, "service", "remove", "people")[1]
    assert asked == []
    monkeypatch.setattr("sys.stdin", Typed("yes\n"))
    told(capsys, door, 0, "service", "remove", "people")
    assert asked == [("remove", "people")]


def test_logs_of_failed_calls(capsys: Captured, door: ServiceDoor) -> None:
    assert "r-1" not in told(capsys, door, 0, "service", "logs", "people", "--failed")[0]
    calls = document(capsys, door, "service", "logs", "people", "--limit", "1")["calls"]
    assert [call["request_id"] for call in calls] == ["r-2"]
    door.stand_in.services.records = []
    assert "failed calls are kept" in told(capsys, door, 0, "service", "logs", "people")[1]


def test_logs_are_followed_until_interrupted(
    capsys: Captured, door: ServiceDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = door.stand_in.services
    looks = iter(([], [replace(CALLS[0], request_id="r-3", at=1.7e9 + 3)]))

    def sleep(_: float) -> None:
        try:
            services.records = [*next(looks), *services.records]
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("time.sleep", sleep)
    said, _ = told(capsys, door, 130, "service", "logs", "people", "--follow")
    assert re.findall("r-[0-9]", said) == ["r-1", "r-2", "r-3"]


def test_documents(capsys: Captured, door: ServiceDoor) -> None:
    assert document(capsys, door, "service", "list")["services"][0]["name"] == "people"
    shown = document(capsys, door, "service", "show", "people")
    assert shown["version"]["inputs"][0]["columns"][0] == {"name": "name", "type": "large_string"}
    assert shown["version"]["parameters"][1]["choices"] == ["strict", "lax"]
    assert shown["endpoints"][0]["max_concurrent_calls"] == 20
    versions = document(capsys, door, "service", "versions", "people")["versions"]
    assert [(version["number"], version["row_wise"]) for version in versions] == [(2, True), (1, False)]
    assert document(capsys, door, "service", "promote", "people", "1")["current"] == 1
    assert set(document(capsys, door, "service", "samples", "people")["samples"]) == {
        "curl", "python", "csharp", "r", "javascript",
    }  # fmt: skip
    figures = document(capsys, door, "service", "statistics", "people", "--minutes", "5")
    assert (figures["calls"], figures["failed"], figures["p50_seconds"]) == (106, 1, 0.01)
    assert [version["number"] for version in figures["versions"]] == [2, 1]
    jobs = document(capsys, door, "service", "jobs", "list", "people")["jobs"]
    assert [job["state"] for job in jobs] == ["failed", "finished", "running"]
    assert document(capsys, door, "service", "jobs", "cancel", RUNNING.id)["cancelling"] is True


def test_without_services_it_says_how_to_make_one(capsys: Captured, door: ServiceDoor) -> None:
    door.stand_in.services.is_empty = True
    assert "estudio publish EXPERIMENT" in told(capsys, door, 0, "service", "list")[0]
    assert "Nobody called people" in told(capsys, door, 0, "service", "statistics", "people")[1]
    assert "There are no keys" in told(capsys, door, 0, "service", "keys", "list", "--manage")[0]


def test_wrong_names_and_values(capsys: Captured, door: ServiceDoor) -> None:
    assert "did you mean 'people'" in told(capsys, door, 3, "service", "show", "poeple")[1]
    assert "is no address" in told(capsys, door, 2, "service", "show", "people", "--url", "h';x")[1]
    assert "is not one of" in told(capsys, door, 2, "service", "samples", "people", "-l", "cobol")[1]
    assert "There is no job" in told(capsys, door, 3, "service", "jobs", "show", "x")[1]


def test_serving_is_asked_as_was_said(capsys: Captured, door: ServiceDoor) -> None:
    options = "--host 0.0.0.0 --port 0 --workers 3 --tls-certificate c.pem --tls-key k.pem --max-body 1M --drain 5"
    options += " --keep-results 0.5"
    more = "--private-descriptions --hide-errors --allow-origin https://a.example --trusted-proxy 10.0.0.1"
    served = document(capsys, door, "serve", options, more)
    assert served["services"] == [{"name": "people", "version": 2}]
    ((folder, settings),) = door.served
    assert (str(folder), settings.host, settings.port, settings.workers) == ("ws", "0.0.0.0", 0, 3)
    assert (str(settings.certificate), str(settings.private_key)) == ("c.pem", "k.pem")
    assert (settings.max_body_bytes, settings.drain_seconds) == (1024**2, 5)
    assert settings.keep_results_seconds == 43_200
    assert (settings.public_descriptions, settings.expose_errors) == (False, False)
    assert (settings.allowed_origins, settings.trusted_proxies) == (("https://a.example",), ("10.0.0.1",))
    assert "is no number of days" in told(capsys, door, 2, "serve --keep-results never")[1]
    assert "is no port" in told(capsys, door, 2, "serve --port 70000")[1]


def test_serving_without_services_says_how_to_make_one(capsys: Captured, door: ServiceDoor) -> None:
    door.stand_in.services.is_empty = True
    assert "estudio publish EXPERIMENT" in told(capsys, door, 0, "serve")[1]
