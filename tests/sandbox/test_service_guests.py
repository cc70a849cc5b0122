"""Service guests on real walls: the contract of an ordinary call, state as promised, ends that cost one call."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estudio.core.calling import Calling
from estudio.core.limits import MIB
from estudio.core.outcome import ScriptState
from estudio.core.service import ServiceIsolation
from estudio.errors import InvalidBundle, ServiceBusy
from estudio.modules.call_message import ScriptCall
from estudio.modules.inputs import ScriptSource
from estudio.modules.service_executor import ServiceExecutor
from estudio.modules.service_executors import ServiceExecutors
from estudio.modules.warm_pools import WarmPools
from estudio.tables.table import Table
from tests.unit.tables.arrowtables import arrow_tables

from .attacking import LIMITS, Sandbox
from .serving import Serving, numbers
from .test_soak import descendants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.modules.warm_pools import ScriptEnvironment

BOTH = [ServiceIsolation.CALL, ServiceIsolation.WORKER]
IDENTITY = "def azureml_main(a=None, b=None, *rest):\n    return (a, b) if b is not None else a"
STATES = """
import os, random, sys, numpy, pandas
count = 0
def azureml_main(t):
    global count
    count += 1
    found = dict(count=count, env=os.environ.get('LEFT'), cwd=os.getcwd(), lib=getattr(pandas, 'left', None),
                 file=os.path.exists('left.txt'), module='left' in sys.modules, tmp=os.path.exists('/box/tmp/left'))
    os.environ['LEFT'] = 'x'
    os.chdir('/box/tmp')
    pandas.left = 'x'
    open('/box/work/left.txt', 'w').close()
    open('/box/tmp/left', 'w').close()
    sys.modules['left'] = sys
    return pandas.DataFrame([dict(found, r=random.random(), n=numpy.random.random_sample())])
"""


@pytest.fixture(scope="module")
def servings(environment: ScriptEnvironment) -> Iterator[dict[ServiceIsolation, Serving]]:
    made = {isolation: Serving(environment, isolation) for isolation in BOTH}
    yield made
    for serving in made.values():
        serving.close()


@pytest.fixture(params=BOTH)
def serving(servings: dict[ServiceIsolation, Serving], request: pytest.FixtureRequest) -> Serving:
    return servings[request.param]


def rows(serving: Serving, script: str, *tables: Table | None, **call: Any) -> list[dict[str, Any]]:
    outcome = serving.run(script, *tables, **call)
    assert outcome.table is not None, (outcome.state, outcome.error, outcome.log)
    found: list[dict[str, Any]] = outcome.table.to_arrow().to_pylist()
    return found


@settings(max_examples=25, deadline=None)
@given(first=arrow_tables(), second=st.none() | arrow_tables())
def test_tables_come_back_as_from_an_ordinary_call(
    servings: dict[ServiceIsolation, Serving], walled: Sandbox, first: pa.Table, second: pa.Table | None
) -> None:
    given_tables = [None if each is None else Table.from_arrow(each) for each in (first, second)]
    expected = walled.run(IDENTITY, tables=tuple(given_tables))
    for serving in servings.values():
        found = serving.run(IDENTITY, *given_tables)
        assert (found.state, found.log) == (expected.state, expected.log)
        assert repr(found.error) == repr(expected.error)
        assert (found.table, found.table2) == (expected.table, expected.table2)


def test_large_tables_go_by_file_and_come_back(serving: Serving) -> None:
    large = Table.from_arrow(
        pa.table({"n": pa.array(range(100_000)), "t": pa.array([f"text {n}" for n in range(100_000)])})
    )
    small = numbers(s=[1])
    outcome = serving.run(IDENTITY, large, small)
    assert (outcome.table, outcome.table2) == (large, small)
    outcome = serving.run("def azureml_main(a, b):\n    a['n'] += 1\n    return b, a", large, small)
    assert outcome.table == small
    assert outcome.table2 is not None
    assert outcome.table2.to_arrow().column("n")[99_999].as_py() == 100_000
    assert large.to_arrow().column("n")[0].as_py() == 0


@pytest.mark.parametrize(
    "script",
    [
        "def azureml_main(:\n",
        "1 / 0",
        "x = 1",
        "import sys\nprint('before')\nsys.exit(3)",
        "def azureml_main(t):\n    print('here')\n    raise ValueError('é')",
        "def azureml_main(t):\n    return object()",
        "def azureml_main(t, *, a=1):\n    return t",
        "async def azureml_main(t):\n    return t",
        "import os\nos._exit(4)",
        "def azureml_main(t):\n    import os\n    os._exit(4)",
        "def azureml_main(t):\n    import ctypes\n    ctypes.string_at(0)",
        "def azureml_main(t):\n    import sys\n    sys.exit('bye')",
        "def azureml_main(t):\n    return t.assign(x=[bytearray(100)] * 2)",
        "def azureml_main():\n    return None",
    ],
)
def test_errors_are_those_of_an_ordinary_call(serving: Serving, walled: Sandbox, script: str) -> None:
    table, parameters = numbers(x=[1]), {"b": 1}
    expected = walled.run(script, tables=(table,), parameters=parameters)
    for _ in range(2):
        found = serving.run(script, table, parameters=parameters)
        assert found.state == expected.state
        assert found.log == expected.log
        assert repr(found.error).replace("service.py", "attack.py") == repr(expected.error)


def test_a_call_starts_from_the_state_after_the_top_level(servings: dict[ServiceIsolation, Serving]) -> None:
    fresh = {"count": 1, "env": None, "cwd": "/box/work", "lib": None, "file": False, "module": False, "tmp": False}
    drawn = set()
    for _ in range(4):
        (found,) = rows(servings[ServiceIsolation.CALL], STATES, numbers(x=[1]))
        drawn |= {found.pop("r"), found.pop("n")}
        assert found == fresh
    assert len(drawn) == 8


def test_a_worker_keeps_its_memory_but_no_file_in_its_working_folder(
    servings: dict[ServiceIsolation, Serving],
) -> None:
    serving = servings[ServiceIsolation.WORKER]
    drawn = set()
    for number in (1, 2, 3):
        (found,) = rows(serving, STATES, numbers(x=[1]))
        drawn |= {found["r"], found["n"]}
        later = number > 1
        assert (found["count"], found["env"], found["lib"]) == (number, "x" if later else None, "x" if later else None)
        assert (found["file"], found["cwd"]) == (False, "/box/work")
        assert found["tmp"] == later
    assert len(drawn) == 6


def test_a_seed_repeats_and_no_seed_does_not(serving: Serving) -> None:
    script = (
        "import random, numpy, pandas\ndef azureml_main(t):\n"
        "    return pandas.DataFrame({'r': [random.random(), numpy.random.random_sample()]})"
    )
    first, second, other = (rows(serving, script, numbers(x=[1]), seed=seed) for seed in (7, 7, None))
    assert first == second != other


def test_bundle_calling_parameters_and_pictures(serving: Serving, tmp_path: Path) -> None:
    (tmp_path / "helpful.py").write_text("loaded = []\n")
    (tmp_path / "words.txt").write_text("from the bundle")
    script = r"""
    import helpful, pandas, zlib, struct
    print('top level')
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    def azureml_main(a, b, *, factor=1, words=('x',)):
        helpful.loaded.append(1)
        with open('drawn.png', 'wb') as stream:
            stream.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 1, 1, 8, 0, 0, 0, 0))
                         + chunk(b'IDAT', zlib.compress(b'\0\0')) + chunk(b'IEND', b''))
        print('call', a is None)
        text = open('.\\Script Bundle\\words.txt').read()
        return pandas.DataFrame({'v': [factor * b['x'][0]], 'w': [text], 'p': [','.join(words)]})
    """
    for factor in (2, 3):
        outcome = serving.run(
            script, None, numbers(x=[5]), bundle=tmp_path, calling=Calling.DESIGNER,
            parameters={"factor": factor, "words": ["a", "b"]},
        )  # fmt: skip
        assert outcome.table is not None, outcome.error
        assert outcome.table.to_arrow().to_pylist() == [{"v": factor * 5, "w": "from the bundle", "p": "a,b"}]
        assert [image.name for image in outcome.visualization.images] == ["drawn.png"]
        assert outcome.log == "top level\ncall True\n"
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    with pytest.raises(InvalidBundle):
        serving.run(script, bundle=tmp_path / "broken.zip")


def test_a_call_that_takes_too_long_is_timed_out_alone(serving: Serving) -> None:
    limits = replace(LIMITS, timeout_seconds=1.0)
    script = "import time\ndef azureml_main(t):\n    time.sleep(t['x'][0])\n    return t"
    assert serving.run(script, numbers(x=[60]), limits=limits).state is ScriptState.TIMED_OUT
    assert serving.run(script, numbers(x=[0]), limits=limits).finished


def test_memory_is_bounded_by_the_kernel_and_the_next_call_works(serving: Serving) -> None:
    if "memory-cgroup" not in serving.executor.pools.isolation.walls:
        pytest.skip("no memory control group here")
    limits = replace(LIMITS, memory_bytes=256 * MIB)
    script = "import numpy\ndef azureml_main(t):\n    h = [numpy.ones(1 << 20) for _ in range(t['x'][0])]\n    return t"
    assert serving.run(script, numbers(x=[1]), limits=limits).finished
    outcome = serving.run(script, numbers(x=[2000]), limits=limits)
    assert outcome.state is ScriptState.OUT_OF_MEMORY, outcome.error
    assert serving.run(script, numbers(x=[1]), limits=limits).finished


def test_output_and_log_are_bounded(serving: Serving) -> None:
    limits = replace(LIMITS, output_bytes=MIB, log_bytes=10_000)
    script = """
    import numpy, pandas
    def azureml_main(t):
        print('x' * int(t['print'][0]))
        return pandas.DataFrame({'n': numpy.zeros(int(t['rows'][0]))})
    """
    wide = {"print": [1], "rows": [1_000_000]}
    assert serving.run(script, numbers(**wide), limits=limits).state is ScriptState.OUTPUT_TOO_LARGE
    loud = {"print": [100_000], "rows": [1]}
    assert serving.run(script, numbers(**loud), limits=limits).state is ScriptState.OUTPUT_TOO_LARGE
    good = serving.run(script, numbers(print=[1], rows=[100_000]), limits=limits)
    assert good.table is not None
    assert good.table.row_count == 100_000
    assert good.log == "x\n"


def test_what_is_printed_after_an_answer_belongs_to_no_call(serving: Serving) -> None:
    script = """
    import threading, time
    def late():
        time.sleep(0.3)
        print('late')
    def azureml_main(t):
        if t['x'][0]:
            threading.Thread(target=late, daemon=True).start()
        return t
    """
    assert serving.run(script, numbers(x=[1])).log == ""
    time.sleep(0.6)
    assert serving.run(script, numbers(x=[0])).log == ""


def test_a_killed_guest_costs_at_most_the_call_in_it(serving: Serving) -> None:
    assert serving.evaluate("return 1").done
    os.kill(serving.evaluator_pid(), 9)
    time.sleep(0.2)
    assert serving.evaluate("return 2").evidence == 2
    pid = serving.evaluator_pid()
    threading.Timer(0.5, os.kill, (pid, 9)).start()
    told = serving.evaluate("time.sleep(30)")
    assert told.error == "killed:process-died"
    assert serving.evaluate("return 3").evidence == 3


def test_a_script_that_forks_answers_once(serving: Serving) -> None:
    script = "import os\ndef azureml_main(t):\n    os.fork()\n    return t"
    for number in range(5):
        table = numbers(x=[number])
        assert serving.run(script, table).table == table


def test_a_guest_is_replaced_in_time_and_nobody_notices(environment: ScriptEnvironment) -> None:
    for isolation in BOTH:
        serving = Serving(environment, isolation, max_calls=5)
        try:
            pids: set[int] = set()
            end = time.monotonic() + 30
            while len(pids) < 3:
                assert serving.evaluate(f"return {len(pids)}").evidence == len(pids)
                pids.add(serving.evaluator_pid())
                assert time.monotonic() < end, "no guest was replaced"
        finally:
            serving.close()


def test_rotating_the_zygote_leaves_service_guests_alone(environment: ScriptEnvironment) -> None:
    serving = Serving(environment, ServiceIsolation.WORKER)
    try:
        assert serving.evaluate("import sys; sys.kept = 1; return 1").done
        (pool,) = serving.executor.pools._pools.values()
        pool._rotate_after = 1
        for number in range(4):
            serving.run(f"def azureml_main():\n    return None\n# {number}")
            time.sleep(0.5)
        assert serving.evaluate("import sys; return sys.kept").evidence == 1
    finally:
        serving.close()


def test_many_threads_share_the_places_fairly(environment: ScriptEnvironment) -> None:
    script = "def azureml_main(t):\n    t['y'] = t['x'] * 2\n    return t"
    for isolation in BOTH:
        serving = Serving(environment, isolation, slots=2)
        try:

            def one(number: int, serving: Serving = serving) -> bool:
                return rows(serving, script, numbers(x=[number])) == [{"x": number, "y": 2 * number}]

            with ThreadPoolExecutor(8) as pool:
                assert all(pool.map(one, range(120)))
        finally:
            serving.close()


def test_no_place_in_time_is_busy(environment: ScriptEnvironment) -> None:
    serving = Serving(environment, ServiceIsolation.WORKER)
    try:
        limits = replace(LIMITS, timeout_seconds=2.0)
        script = "import time\ndef azureml_main(t):\n    time.sleep(1.5)\n    return t"
        serving.executor.warm(ScriptCall(ScriptSource("service.py", script.encode()), limits=limits))
        with ThreadPoolExecutor(3) as pool:
            calls = [pool.submit(serving.run, script, numbers(x=[1]), limits=limits) for _ in range(3)]
            ends = [call.exception() for call in calls]
        assert sum(isinstance(end, ServiceBusy) for end in ends) == 1
    finally:
        serving.close()


def test_cancelling_ends_calls_that_run_and_that_wait(environment: ScriptEnvironment) -> None:
    serving = Serving(environment, ServiceIsolation.CALL)
    try:
        script = "import time\ndef azureml_main(t):\n    time.sleep(60)"
        with ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(serving.run, script, numbers(x=[1])) for _ in range(2)]
            time.sleep(1.0)
            serving.executor.cancel()
            assert {call.result(10).state for call in calls} == {ScriptState.CANCELLED}
    finally:
        serving.close()


def test_nothing_is_left_after_many_calls(environment: ScriptEnvironment) -> None:
    before = open_descriptors()
    for isolation in BOTH:
        serving = Serving(environment, isolation, slots=2)
        for number in range(20):
            assert serving.evaluate(f"return {number}").done
        used = open_descriptors(), own_memory()
        for number in range(500):
            assert serving.evaluate(f"return {number}").done
        assert open_descriptors() <= used[0] + 2
        assert own_memory() <= used[1] + 30 * MIB
        (pool,) = serving.executor.pools._pools.values()
        processes = {pool._zygote._process.pid, *descendants(pool._zygote._process.pid)}
        assert len(processes) > 2
        serving.close()
        assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert open_descriptors() <= before


def open_descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def own_memory() -> int:
    """What this process holds, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_executors_are_made_once_for_an_environment(environment: ScriptEnvironment) -> None:
    made: list[str] = []

    def pools(name: str) -> WarmPools:
        made.append(name)
        return WarmPools(environment, LIMITS, ahead=0)

    executors = ServiceExecutors(lambda name: name.lower(), pools, ServiceIsolation.WORKER, 1)
    try:
        first = executors.executor_for("One")
        assert isinstance(first, ServiceExecutor)
        assert executors.executor_for("ONE") is first
        assert made == ["One"]
        assert executors.environment_digest("One") == "one"
        source = ScriptSource("s.py", IDENTITY.encode())
        assert first.warm(ScriptCall(source)) is None
        failed = first.warm(ScriptCall(ScriptSource("s.py", b"1 / 0")))
        assert failed is not None
        assert failed.error is not None
        assert failed.error.line == 1
    finally:
        executors.close()
