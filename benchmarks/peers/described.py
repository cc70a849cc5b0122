"""Peer: pandas `describe` of all columns and `value_counts` of each, the DataFrame there already."""

import time

import pyarrow as pa
from serving import serve

kept = {}


def load(path):
    with pa.memory_map(path) as source:
        kept["frame"] = pa.ipc.open_file(source).read_all().to_pandas()
    return list(kept["frame"].columns)


def describe():
    frame = kept["frame"]
    start = time.perf_counter()
    described = frame.describe(include="all")
    seconds = time.perf_counter() - start
    if len(described.columns) != len(frame.columns):
        raise SystemExit("pandas described something else")
    return seconds


def count(name):
    column = kept["frame"][name]
    start = time.perf_counter()
    counts = column.value_counts()
    seconds = time.perf_counter() - start
    if int(counts.sum()) != int(column.count()):
        raise SystemExit("pandas counted something else")
    return seconds


serve({"load": load, "describe": describe, "count": count})
