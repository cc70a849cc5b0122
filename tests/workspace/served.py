"""A small workspace whose experiment is worth publishing: a trained model, a scoring script, a parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "estudio.toml": "estudio = 1\n",
    "datasets/people.csv": "age,weight,sick\n20,60,0\n30,70,0\n40,80,0\n60,90,1\n70,85,1\n80,95,1\n",
    "bundles/helpers/helping.py": "def rounded(values):\n    return [round(float(value), 3) for value in values]\n",
    "scripts/train.py": """
import base64, pickle
import numpy as np
import pandas as pd

def azureml_main(people):
    measured = np.column_stack([people[["age", "weight"]], np.ones(len(people))])
    weights = np.linalg.lstsq(measured, people["sick"], rcond=None)[0]
    print("trained")
    return pd.DataFrame({"model": [base64.b64encode(pickle.dumps(weights)).decode()]})
""",
    "scripts/score.py": """
import base64, pickle
from helping import rounded

def azureml_main(people, model, *, threshold: float = 0.5):
    weights = pickle.loads(base64.b64decode(model["model"][0]))
    chance = (people[["age", "weight"]].to_numpy() @ weights[:2] + weights[2]).clip(0, 0.99)
    print("scored", len(people))
    return people.assign(chance=rounded(chance), sick=chance >= threshold)
""",
    "experiments/people.yaml": """estudio: 1
name: Who is sick
description: Tells who is sick by age and weight.
parameters:
  threshold: {type: number, default: 0.5, minimum: 0, maximum: 1}
modules:
  people: {kind: dataset, dataset: datasets/people.csv}
  helpers: {kind: script-bundle, path: bundles/helpers}
  train: {kind: execute-python-script, script: scripts/train.py, dataset1: people}
  measured: {kind: select-columns, dataset: people, columns: [age, weight]}
  entry: {kind: web-service-input, default: measured}
  score:
    kind: execute-python-script
    script: scripts/score.py
    dataset1: entry
    dataset2: train
    bundle: helpers
    parameters: {threshold: "${threshold}"}
  answer: {kind: web-service-output, dataset: score}
""",
    "scripts/constant.py": "def azureml_main(t):\n    return t.assign(answer=1)\n",
    "experiments/simple.yaml": """estudio: 1
name: Simple
modules:
  data: {kind: enter-data, data: "x\\n1\\n2\\n"}
  entry: {kind: web-service-input, default: data}
  work: {kind: execute-python-script, script: scripts/constant.py, dataset1: entry}
  answer: {kind: web-service-output, dataset: work}
""",
}


def make_served(folder: Path) -> Path:
    """A workspace with the experiments `people` and `simple`."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
