"""Programs that call a service: their whole texts, and what arrives when they are run with hostile names and values."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estudio.core.module_kind import Parameter, ParameterType
from estudio.core.service import CallLanguage, Endpoint, Service, ServicePort, ServiceVersion
from estudio.tables.table import Table
from estudio.workspace.call_addresses import CallAddresses, call_addresses
from estudio.workspace.call_samples import CallSamples, call_samples, classic_cell, sample_value

from .literal_lexers import csharp_strings, r_strings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from estudio.core.module_kind import Value

GOLDEN = Path(__file__).parent / "golden"
PYTHON27 = Path("~/.pyenv/versions/2.7.18/bin/python").expanduser()
SUFFIXES = {"curl": "sh", "python": "py", "csharp": "cs", "r": "R", "javascript": "mjs"}
KEY = "k3y-_"
PEOPLE = Table(pa.table({"name": pa.array(["Anna", "José", "Mei"], pa.large_string()), "age": [34, None, 47]}))
PARAMETERS = (
    Parameter("threshold", ParameterType.NUMBER, default=0.5),
    Parameter("method", ParameterType.CHOICE, choices=("mean", "median"), required=True),
)
HOSTILE = (
    "'; touch owned; '", '"', "\\", "\\'", '\\"', "'''", '"""', "$(touch owned)", "`touch owned`", "${HOME}",
    "!!", "%s",
    "{0}", "{url}", "\n", "\r\n", "\t", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\u202eabc", "\ufeff",
    "ñ", "数", "🙈", "\U000e0001", "", " ", "</script>", "<!--", "//", "/*", "*/", "#", "--", "@file", "\\u0041",
    "\\N{DASH}", "\\x41", "__proto__", "constructor", "EOF", "null", "a'b\"c\\d$e`f", "é\u0301",
)  # fmt: skip


def addresses(base: str = "http://127.0.0.1:8080") -> CallAddresses:
    service = Service("5" * 32, "people", 1.0, 3)
    return call_addresses(service, version(PEOPLE), Endpoint("e" * 32, "5" * 32, "default", 1.0), base, "a" * 32)


def version(table: Table, parameters: tuple[Parameter, ...] = ()) -> ServiceVersion:
    port = ServicePort("input1", "calls", table.schema.columns, "")
    return ServiceVersion("5" * 32, 3, 1.0, "people", "People", "", "m", (port,), (), parameters)


def samples(table: Table, base: str, parameters: tuple[Parameter, ...] = (), key: str = "") -> CallSamples:
    return call_samples(version(table, parameters), addresses(base), {"input1": table}, key)


@pytest.mark.parametrize("language", CallLanguage)
@pytest.mark.parametrize("face", ["modern", "classic"])
def test_whole_programs(face: str, language: CallLanguage) -> None:
    text = getattr(samples(PEOPLE, "http://127.0.0.1:8080", PARAMETERS), face)[language]
    path = GOLDEN / f"call-{face}.{SUFFIXES[language]}.txt"
    if os.environ.get("ESTUDIO_WRITE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_addresses_of_another_endpoint() -> None:
    service = Service("5" * 32, "people", 1.0, 3)
    found = call_addresses(
        service, version(PEOPLE), Endpoint("e" * 32, "5" * 32, "fast", 1.0), "https://h:1/", "a" * 32
    )
    assert found.score == "https://h:1/services/people/endpoints/fast/score"
    assert found.pinned == "https://h:1/services/people/versions/3/score"
    assert found.jobs == "https://h:1/services/people/endpoints/fast/jobs"
    assert found.classic == (
        f"https://h:1/workspaces/{'a' * 32}/services/{'e' * 32}/execute?api-version=2.0&details=true"
    )


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (Parameter("p", ParameterType.INTEGER, minimum=5), 5),
        (Parameter("p", ParameterType.NUMBER, maximum=0.5), 0.5),
        (Parameter("p", ParameterType.CHOICE, choices=("a", "b")), "a"),
        (Parameter("p", ParameterType.BOOLEAN, default=False), False),
        (Parameter("p", ParameterType.STRING), "text"),
        (Parameter("p", ParameterType.COLUMNS), []),
    ],
)
def test_a_value_for_a_parameter(parameter: Parameter, value: Value) -> None:
    assert sample_value(parameter) == value


class Caught(BaseHTTPRequestHandler):
    """Answers every call, and keeps what came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        server = cast("Any", self.server)
        server.caught.append((self.path, self.headers["authorization"], self.headers["content-type"], body))
        answer = json.dumps({"echo": json.loads(body)}).encode()
        self.send_response(server.status)
        self.send_header("X-Request-Id", "request-7")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        pass


@contextmanager
def catching(status: int = 200) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Caught)
    server.caught, server.status = [], status
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def by_shell(text: str, folder: Path) -> list[str]:
    (folder / "call.sh").write_text(text, encoding="utf-8", newline="")
    return ["bash", "-eu", "call.sh"]


def by_python(text: str, folder: Path) -> list[str]:
    (folder / "call.py").write_text(text, encoding="utf-8", newline="")
    return [sys.executable, "call.py"]


def by_old_python(text: str, folder: Path) -> list[str]:
    return [str(PYTHON27), *by_python(text, folder)[1:]]


def by_node(text: str, folder: Path) -> list[str]:
    (folder / "call.mjs").write_text(text, encoding="utf-8", newline="")
    return ["node", "call.mjs"]


RUNNERS: list[tuple[CallLanguage, Callable[[str, Path], list[str]], str]] = [
    (CallLanguage.CURL, by_shell, "curl"),
    (CallLanguage.PYTHON, by_python, sys.executable),
    (CallLanguage.PYTHON, by_old_python, str(PYTHON27)),
    (CallLanguage.JAVASCRIPT, by_node, "node"),
]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], "ESTUDIO_KEY": KEY, "LANG": "C.UTF-8", "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def hostile_table(texts: list[str]) -> Table:
    """Every text as a column's name and as a value, beside numbers and missing values."""
    names = list(dict.fromkeys(texts))
    columns: dict[str, Any] = {name: pa.array([name, None], pa.large_string()) for name in names}
    columns["whole numbers"] = pa.array([2**53 - 1, None], pa.int64())
    columns["numbers"] = pa.array([0.1, -1e300], pa.float64())
    columns["yes or no"] = pa.array([True, None], pa.bool_())
    return Table(pa.table(columns))


def expected(table: Table) -> list[dict[str, Any]]:
    return table.to_arrow().to_pylist()


@pytest.mark.parametrize(("language", "write", "program"), RUNNERS, ids=["curl", "python3", "python27", "node"])
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(drawn=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=20))
def test_what_arrives_is_what_the_table_holds(
    tmp_path_factory: pytest.TempPathFactory,
    language: CallLanguage,
    write: Callable[[str, Path], list[str]],
    program: str,
    drawn: list[str],
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not here")
    folder = tmp_path_factory.mktemp("call")
    table = hostile_table([*HOSTILE, *drawn])
    with catching() as server:
        base = f"http://127.0.0.1:{server.server_address[1]}"
        written = samples(table, base)
        for text in (written.modern[language], written.classic[language]):
            command = write(text, folder)
            before = sorted(path.name for path in folder.iterdir())
            ended = run(command, folder)
            assert ended.returncode == 0, ended.stderr
            assert sorted(path.name for path in folder.iterdir()) == before
        (path, bearer, kind, modern), (old_path, old_bearer, _, classic) = server.caught
    assert (path, bearer, kind) == ("/services/people/score", f"Bearer {KEY}", "application/json")
    assert (old_path, old_bearer) == (addresses(base).classic.removeprefix(base), bearer)
    rows = expected(table)
    assert json.loads(modern) == {"inputs": {"input1": rows}}
    assert json.loads(classic) == {
        "Inputs": {
            "input1": {
                "ColumnNames": list(table.schema.names),
                "Values": [[classic_cell(cell) for cell in row.values()] for row in rows],
            }
        },
        "GlobalParameters": {},
    }


@pytest.mark.parametrize(("language", "write", "program"), RUNNERS, ids=["curl", "python3", "python27", "node"])
def test_a_refused_call_is_told(
    tmp_path: Path, language: CallLanguage, write: Callable[[str, Path], list[str]], program: str
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not here")
    with catching(status=401) as server:
        written = samples(PEOPLE, f"http://127.0.0.1:{server.server_address[1]}", key="written 'in' \"it\" \\")
        ended = run(write(written.modern[language], tmp_path), tmp_path)
        (_, bearer, _, _) = server.caught[0]
    assert bearer == "Bearer written 'in' \"it\" \\"
    assert ended.returncode != 0
    assert "echo" in ended.stdout + ended.stderr
    assert language is CallLanguage.CURL or "request-7" in ended.stdout + ended.stderr


@given(drawn=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=20))
@settings(max_examples=30, deadline=None)
def test_strings_of_csharp_and_r_decode_to_what_the_table_holds(drawn: list[str]) -> None:
    table = hostile_table([*HOSTILE, *drawn])
    written = samples(table, "http://h")
    strings = set(csharp_strings(written.modern[CallLanguage.CSHARP]))
    assert strings >= {*HOSTILE, *drawn, "http://h/services/people/score"}
    lines = r_strings(written.modern[CallLanguage.R])
    first, last = lines.index("{"), lines.index("}")
    assert json.loads("\n".join(lines[first : last + 1])) == {"inputs": {"input1": expected(table)}}


@pytest.mark.parametrize("language", CallLanguage)
def test_programs_hold_nothing_that_cannot_be_seen(language: CallLanguage) -> None:
    text = samples(hostile_table(list(HOSTILE)), "http://h").modern[language]
    assert [char for char in text if not (char.isprintable() or char == "\n")] == []


def test_large_numbers_and_long_texts() -> None:
    table = Table(pa.table({"n": pa.array([2**63 - 1]), "t": pa.array(["x" * 10_000], pa.large_string())}))
    written = samples(table, "http://h")
    assert f'n: "{2**63 - 1}"'.replace("n:", '"n":') in written.modern[CallLanguage.JAVASCRIPT]
    assert f'"n": {2**63 - 1}' in written.modern[CallLanguage.PYTHON]
    assert all(len(text) < 4_000 for text in (*written.modern.values(), *written.classic.values()))
