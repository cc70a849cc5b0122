"""Small workspaces: without scripts, so that nothing is started for them, and with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = """estudio: 1
name: Two tables
parameters:
  part: {type: number, default: 0.5}
modules:
  people:
    kind: enter-data
    data: |
      name,age
      Anna,34
      José,61
      Mei,47
      Ngozi,72
  halves: # a comment that stays
    kind: split-rows
    dataset: people
    fraction: ${part}
    seed: 1
  table:
    kind: dataset
    dataset: datasets/towns.csv
"""
SCRIPTED = """estudio: 1
name: One script
modules:
  towns: {kind: dataset, dataset: datasets/towns.csv}
  double: {kind: execute-python-script, script: scripts/double.py, dataset1: towns}
  after: {kind: split-rows, dataset: double, seed: 1}
  alone: {kind: split-rows, dataset: towns, seed: 1}
"""
SCRIPT = """def azureml_main(towns, *, times: int = 2):
    print("doubling")
    return towns.assign(people=towns["people"] * times)
"""
BROKEN = """def azureml_main(towns, *, times: int = 2):
    print("doubling")
    return towns["poeple"]
"""
TOWNS = "town,people\nLeeds,1\nEnugu,2\n"


def make_workspace(folder: Path) -> Path:
    """A workspace with both experiments, `plain` and `scripted`."""
    files = {
        "estudio.toml": "estudio = 1\n",
        "experiments/plain.yaml": DOCUMENT,
        "experiments/scripted.yaml": SCRIPTED,
        "scripts/double.py": SCRIPT,
        "datasets/towns.csv": TOWNS,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
