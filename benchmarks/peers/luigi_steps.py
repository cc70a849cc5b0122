"""A chain or a fan-out of Luigi tasks, two workers: `luigi_steps.py SHAPE COUNT FOLDER`; prints the seconds as JSON."""

import json
import os
import sys
import time

import luigi
import pandas as pd

SHAPE, COUNT, FOLDER = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Source(luigi.Task):
    def output(self):
        return luigi.LocalTarget(os.path.join(FOLDER, "source.pkl"), format=luigi.format.Nop)

    def run(self):
        frame = pd.DataFrame({"a": range(10), "b": [0.5] * 10, "c": ["text"] * 10})
        with self.output().open("wb") as stream:
            frame.to_pickle(stream)


class Step(luigi.Task):
    number = luigi.IntParameter()

    def requires(self):
        return Source() if SHAPE == "fan-out" or self.number == 0 else Step(number=self.number - 1)

    def output(self):
        return luigi.LocalTarget(os.path.join(FOLDER, f"{self.number}.pkl"), format=luigi.format.Nop)

    def run(self):
        with self.input().open("rb") as stream:
            frame = pd.read_pickle(stream)
        with self.output().open("wb") as stream:
            frame.to_pickle(stream)


wanted = [Step(number=n) for n in range(COUNT)] if SHAPE == "fan-out" else [Step(number=COUNT - 1)]
begin = time.perf_counter()
done = luigi.build(wanted, workers=2, local_scheduler=True, log_level="ERROR")
seconds = time.perf_counter() - begin
if not done:
    sys.exit("Luigi did not finish")
begin = time.perf_counter()
luigi.build(wanted, workers=2, local_scheduler=True, log_level="ERROR")
print(json.dumps({"seconds": seconds, "again": time.perf_counter() - begin}))
