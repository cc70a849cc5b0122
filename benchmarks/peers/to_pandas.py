"""Peer: `Table.to_pandas()` of a mapped table in a warm process, the pages of the file already there."""

import time

import pyarrow as pa
from serving import serve


def measure(path, times):
    with pa.memory_map(path) as source:
        table = pa.ipc.open_file(source).read_all()
        seconds = {}
        for name, options in (("default", {}), ("split_blocks", {"split_blocks": True})):
            table.to_pandas(**options)
            seconds[name] = []
            for _ in range(times):
                start = time.perf_counter()
                frame = table.to_pandas(**options)
                seconds[name].append(time.perf_counter() - start)
                del frame
    return seconds


serve({"measure": measure})
