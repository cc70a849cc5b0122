"""What a new workspace begins with: a small experiment that runs, with its data and its script.

They are ordinary files of the person from then on: nothing reads them from here again.
"""

from __future__ import annotations

from estudio.documents.new_documents import SCHEMA_LINE

GITIGNORE_LINE = ".estudio/"
_EXPERIMENT = f"""{SCHEMA_LINE}
# Run it with:  estudio experiment run first
estudio: 1
name: A first experiment
parameters:
  oldest: {{type: integer, default: 60}}
modules:
  people:
    kind: dataset
    dataset: datasets/people.csv
  choose:
    kind: execute-python-script
    script: scripts/choose.py
    dataset1: people
    parameters:
      oldest: ${{oldest}}
  columns:
    kind: select-columns
    dataset: choose
    columns: [name, age]
"""
_SCRIPT = '''"""Keeps the people who are not older than `oldest`."""


def azureml_main(people, *, oldest: int = 60):
    chosen = people[people["age"] <= oldest]
    print(f"{len(chosen)} of {len(people)} people are {oldest} or younger.")
    return chosen
'''
_DATA = """name,age,city
Anna,34,Leipzig
José,61,Cádiz
Mei,47,Taipei
Ngozi,72,Enugu
Tom,29,Leeds
"""
EXAMPLE = {
    "experiments/first.yaml": _EXPERIMENT,
    "scripts/choose.py": _SCRIPT,
    "datasets/people.csv": _DATA,
}
FOLDERS = ("experiments", "scripts", "bundles", "datasets")
