"""Datasets and experiments with the real client library; prints what it saw as one JSON object."""

from __future__ import print_function, unicode_literals

import json
import sys

import pandas

from azureml import BytesIO, DataTypeIds, Workspace
from azureml.errors import AzureMLConflictHttpError, AzureMLHttpError, AzureMLUnauthorizedError

url, workspace_id, token = sys.argv[1:4]
seen = {"python": list(sys.version_info[:2]), "pandas": pandas.__version__}


def attempt(name, work):
    """Keep what it gives, or the name of the error."""
    try:
        seen[name] = work()
    except Exception as error:
        seen[name] = type(error).__name__ + ": " + str(error)[:300]


def records(frame):
    """A frame as plain values."""
    return [list(map(str, frame.columns))] + [[str(cell) for cell in row] for row in frame.values.tolist()]


workspace = Workspace(workspace_id, token, url)
frame = pandas.DataFrame({"town": ["Leeds", "Enugu"], "people": [1, 2], "share": [0.5, 1.25]})
frame = frame[["town", "people", "share"]]
big = b"number\n" + b"".join(b"%d\n" % number for number in range(700000))

seen["before"] = len(workspace.datasets)
for kind in ("GenericCSV", "GenericCSVNoHeader", "GenericTSV", "GenericTSVNoHeader"):
    added = workspace.datasets.add_from_dataframe(frame, kind, "frame " + kind, "A frame as " + kind)
    seen[kind + " type"] = added.data_type_id
    attempt(kind, lambda added=added: records(added.to_dataframe()))
plain = pandas.DataFrame({"line": ["one line", "another, line"]})
text = workspace.datasets.add_from_dataframe(plain, DataTypeIds.PlainText, "text", "Lines")
seen["text"] = text.read_as_text()
attempt("text frame", lambda: records(text.to_dataframe()))

raw = workspace.datasets.add_from_raw_data(big, DataTypeIds.GenericCSV, "big", "Several blocks")
seen["big is whole"] = raw.read_as_binary() == big
seen["big size"] = raw.size
arff = b"@relation r\n@attribute a numeric\n@data\n1\n"
seen["arff is whole"] = workspace.datasets.add_from_raw_data(arff, "ARFF", "arff", "x").read_as_binary() == arff
empty = workspace.datasets.add_from_raw_data(b"", DataTypeIds.GenericCSV, "empty", "Nothing")
seen["empty"] = [empty.size, empty.read_as_text()]

dataset = workspace.datasets["frame GenericCSV"]
seen["metadata"] = {key: type(value).__name__ for key, value in dataset._metadata.items()}
seen["year"] = dataset.created_date.year
seen["opened"] = dataset.open().read().decode("utf-8").splitlines()
before = dataset.dataset_id, dataset.family_id
dataset.update_from_dataframe(frame[:1])
seen["updated"] = [dataset.dataset_id != before[0], dataset.family_id == before[1], dataset.read_as_text()]
dataset.update_from_raw_data(b"a\n7\n", description="Now raw")
seen["updated raw"] = [dataset.read_as_text(), dataset.description, dataset.is_latest]
seen["names"] = sorted(each.name for each in workspace.user_datasets)
seen["examples"] = [len(workspace.example_datasets), len(workspace.example_experiments)]


def add_again():
    workspace.datasets.add_from_raw_data(b"a\n1\n", DataTypeIds.GenericCSV, "text", "Again")


try:
    add_again()
except AzureMLConflictHttpError as error:
    seen["conflict"] = [error.status_code, json.loads(str(error))["error"]["code"]]
try:
    len(Workspace(workspace_id, "wrong", url).datasets)
except AzureMLUnauthorizedError as error:
    seen["unauthorized"] = [error.status_code, str(error)]
try:
    workspace.datasets.add_from_raw_data(b"x", DataTypeIds.GenericCSV, "a/b", "A name that cannot be")
except AzureMLHttpError as error:
    seen["bad name"] = [error.status_code, json.loads(str(error))["error"]["code"]]
attempt("missing", lambda: workspace.datasets["nothing"])
attempt(
    "not ascii",
    lambda: records(
        workspace.datasets.add_from_dataframe(
            pandas.DataFrame({"name": ["Jos\u00e9", "\u0141\u00f3d\u017a"]}), "GenericCSV", "letters", "Not ASCII"
        ).to_dataframe()
    ),
)

experiments = dict((each.description, each) for each in workspace.experiments)
seen["experiments"] = sorted([name, each.status.status_code] for name, each in experiments.items())
experiment = experiments["Two tables"]
seen["created"] = experiment.status.creation_time.year
again = workspace.experiments[experiment.experiment_id]
seen["same"] = again.etag == experiment.etag and again.run_id == experiment.run_id
people = experiment.get_intermediate_dataset("people", "Results dataset", DataTypeIds.GenericCSV)
seen["people"] = records(people.to_dataframe()) if sys.version_info > (3,) else people.read_as_text().splitlines()
half = experiment.get_intermediate_dataset("halves", "Results dataset1", DataTypeIds.GenericCSV)
seen["half"] = len(half.to_dataframe())
seen["half text"] = half.read_as_text() == half.read_as_binary().decode("utf-8")
print(json.dumps(seen))
