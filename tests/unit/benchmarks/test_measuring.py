"""What the programs read from the system, and the tables that they all use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from benchmarks.idle_memory import kilobytes, memory_of
from benchmarks.large_table import NUMERIC, large_table
from benchmarks.processor_time import children_of, ticks_of, tree_seconds
from benchmarks.setting import peer_variables
from benchmarks.small_calls import take_turns
from benchmarks.small_table import small_table

if TYPE_CHECKING:
    import pytest

SPIN = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ninput()"


def test_kilobytes_are_read_by_name() -> None:
    assert kilobytes("Name:\tx\nVmPTE:\t     436 kB\nThreads:\t1\nRss:  12 kB\n") == {"VmPTE": 436, "Rss": 12}


def test_own_memory_is_private_pages_and_page_tables() -> None:
    found = memory_of(os.getpid())
    assert found.own == found.private + found.page_tables
    assert 0 < found.page_tables < found.private < found.resident


def test_ticks_are_found_behind_a_name_with_blanks_and_brackets() -> None:
    rest = " ".join(str(value) for value in range(3, 30))
    assert ticks_of(f"7 (a) b) {rest}") == (14, 15, 16, 17)


def test_the_time_of_children_counts() -> None:
    with subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in children_of(os.getpid())
        assert tree_seconds(child.pid) >= 0.25
        assert tree_seconds(os.getpid()) >= tree_seconds(child.pid)
        child.communicate(b"\n")
    assert tree_seconds(child.pid) == 0.0


def test_peers_write_and_find_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPATH", "src")
    assert not {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"} & set(peer_variables())


def test_sides_take_turns() -> None:
    order: list[tuple[str, int]] = []

    def turn(name: str) -> list[float]:
        order.append((name, len(order)))
        return [1.0]

    found = take_turns({"a": lambda *_: turn("a"), "b": lambda *_: turn("b")}, rounds=2, count=1, pace=0.0)
    assert [name for name, _ in order] == ["a", "b", "a", "b"]
    assert found["a"].count == 2


def test_the_small_table_is_the_peers_table() -> None:
    values: dict[str, object] = {}
    path = Path(__file__).parents[3] / "benchmarks" / "peers" / "small_frame.py"
    exec(path.read_text(encoding="utf-8"), values)
    frame = values["small_frame"]()  # type: ignore[operator]
    pd.testing.assert_frame_equal(small_table().to_pandas(), frame)


def test_the_large_table_has_the_promised_shape() -> None:
    table = large_table(20_000)
    types = [str(kind) for kind in table.to_arrow().schema.types]
    assert types == ["int64"] * 2 + ["double"] * 4 + ["large_string"] * 2 + ["timestamp[ns]"]
    assert [name for name in table.to_arrow().schema.names if name[:3] in ("int", "flo")] == list(NUMERIC)
    floats = table.to_arrow().column("float0")
    assert 0.03 < floats.null_count / len(floats) < 0.07
    assert set(pa.compute.utf8_length(table.to_arrow().column("text0")).to_pylist()) == {12}
    assert table == large_table(20_000)
