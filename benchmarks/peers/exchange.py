"""Peer: a DataFrame to a warm worker process and back, by each of the ways of `ways.py`."""

import multiprocessing
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def same_values(left, right, added):
    """Whether two frames hold the same values, `added` more in the right one's numbers."""
    import numpy as np
    import pyarrow as pa
    import ways

    if list(left.columns) != list(right.columns) or len(left) != len(right):
        return False
    for name in left.columns:
        if name in ways.numeric(left):
            if not np.array_equal(
                left[name].to_numpy() + added, right[name].to_numpy(), equal_nan=left[name].dtype.kind == "f"
            ):
                return False
        elif left[name].dtype.kind == "M":
            if not np.array_equal(left[name].to_numpy(), right[name].to_numpy()):
                return False
        elif not pa.chunked_array(pa.array(left[name])).equals(pa.chunked_array(pa.array(right[name]))):
            return False
    return True


def main():
    import pyarrow as pa
    import ways
    from serving import serve

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=ways.work, args=(theirs,), daemon=True)
    worker.start()
    theirs.close()
    kept = {}

    def load(path, folder):
        with pa.memory_map(path) as source:
            kept["frame"] = pa.ipc.open_file(source).read_all().to_pandas()  # copied: it owns its memory
        kept["folder"] = folder
        return True

    def one(way, changes):
        there, back = (os.path.join(kept["folder"], name) for name in ("there", "back"))
        start = time.perf_counter()
        frame = kept["frame"]
        ours.send((way, changes, there, back))
        ways.WAYS[way].write(frame, there, ours)
        if way == "pickle5":
            result = ways.WAYS[way].read(back, ours)
            ours.recv()
        else:
            ours.send("written")
            ours.recv()
            result = ways.WAYS[way].read(back, ours)
        ways.read_every_number(result)
        seconds = time.perf_counter() - start
        return seconds, result, (there, back)

    def trip(way, changes, verify):
        seconds, result, paths = one(way, changes)
        right = not verify or same_values(kept["frame"], result, 1 if changes else 0)
        del result
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)
        if not right:
            raise SystemExit("the way %s changed values" % way)
        return seconds

    serve({"load": load, "trip": trip})


if __name__ == "__main__":
    main()
