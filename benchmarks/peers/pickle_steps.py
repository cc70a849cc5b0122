"""A large table through a chain of processes by pickle files: `pickle_steps.py ARROW FOLDER COUNT`; seconds as JSON.

Each step is a forked process, pandas imported already: it unpickles, works, pickles. Nothing is synced.
"""

import json
import os
import pickle
import sys
import time

import pyarrow as pa
import pyarrow.ipc

ARROW, FOLDER, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])


def through(frame):
    return frame


def changed(frame):
    frame["int0"] += 1
    return frame


def step(number, work):
    with open(os.path.join(FOLDER, f"{number}.pkl"), "rb") as stream:
        frame = pickle.load(stream)
    frame = work(frame)
    with open(os.path.join(FOLDER, f"{number + 1}.pkl"), "wb") as stream:
        pickle.dump(frame, stream, protocol=5)


def main():
    with pa.memory_map(ARROW) as source:
        frame = pa.ipc.open_file(source).read_all().to_pandas()
    with open(os.path.join(FOLDER, "0.pkl"), "wb") as stream:
        pickle.dump(frame, stream, protocol=5)
    del frame
    answer = {}
    for name, work in (("handed through", through), ("one column changed", changed)):
        begin = time.perf_counter()
        for number in range(COUNT):
            child = os.fork()
            if child == 0:
                step(number, work)
                os._exit(0)
            if os.waitpid(child, 0)[1] != 0:
                sys.exit("a step failed")
            if number:
                os.unlink(os.path.join(FOLDER, f"{number}.pkl"))
        answer[name] = time.perf_counter() - begin
    print(json.dumps(answer))


main()
