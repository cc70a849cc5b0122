"""Files of published functions: readable by a person, never written over a person's edit; and what is refused."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from estudio.core.environment import parse_environment
from estudio.documents.workspace_settings import WorkspaceSettings
from estudio.errors import InvalidInput
from estudio.workspace.code_bundle import CodeBundle, parse_code_bundle
from estudio.workspace.code_service_files import ENVIRONMENT, slug_of, write_code_service
from estudio.workspace.folder import WorkspaceFolder

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = "1" * 32, "2" * 32
SOURCE = "def azureml_main(df1=None, df2=None):\n    return df1\n"
NUMBER = {"type": "number", "format": "double"}


def body(**changes: Any) -> dict[str, Any]:
    bundle = {"InputSchema": {"a": NUMBER}, "OutputSchema": {"result": NUMBER}, "Language": "python-2.7-64"}
    return {"Name": "Add up!", "Type": "Code", "CodeBundle": {**bundle, "SourceCode": SOURCE, **changes}}


def bundle(**changes: Any) -> CodeBundle:
    return parse_code_bundle(body(**changes))


@pytest.fixture
def folder(tmp_path: Path) -> WorkspaceFolder:
    (tmp_path / "experiments").mkdir()
    return WorkspaceFolder(tmp_path, WorkspaceSettings())


def test_a_function_is_an_experiment_that_a_person_can_read(folder: WorkspaceFolder) -> None:
    written = write_code_service(folder, ONE, bundle(), [])
    assert written.name == "add-up"
    assert (folder.root / written.experiment).read_text() == (
        "# yaml-language-server: $schema=experiment.schema.json\n"
        "estudio: 1\n"
        "name: Add up!\n"
        "modules:\n"
        "  sample:\n"
        "    kind: enter-data\n"
        "    data: |\n"
        "      a\n"
        "      1.0\n"
        "    columns: {a: number}\n"
        "  input1:\n"
        "    kind: web-service-input\n"
        "    name: input1\n"
        "    default: sample\n"
        "  function:\n"
        "    kind: execute-python-script\n"
        "    script: code-services/add-up/script.py\n"
        "    environment: environments/python-2.7-64.toml\n"
        "    dataset1: input1\n"
        "  output1:\n"
        "    kind: web-service-output\n"
        "    name: output1\n"
        "    dataset: function\n"
    )


def test_publishing_again_writes_over_our_own_files_alone(folder: WorkspaceFolder) -> None:
    first = write_code_service(folder, ONE, bundle(), [])
    again = write_code_service(folder, ONE, bundle(SourceCode=SOURCE + "# newer\n"), [])
    assert again == first
    assert "# newer" in (folder.root / "code-services/add-up/script.py").read_text()
    assert write_code_service(folder, OTHER, bundle(), []).name == "add-up-2"


@pytest.mark.parametrize("edited", ["experiments/add-up.yaml", "code-services/add-up/script.py"])
def test_what_a_person_edited_stays(folder: WorkspaceFolder, edited: str) -> None:
    write_code_service(folder, ONE, bundle(), [])
    (folder.root / edited).write_text("mine\n")
    assert write_code_service(folder, ONE, bundle(), []).name == "add-up-2"
    assert (folder.root / edited).read_text() == "mine\n"


def test_a_persons_experiment_and_another_service_keep_their_names(folder: WorkspaceFolder) -> None:
    (folder.root / "experiments/add-up.yaml").write_text("mine\n")
    assert write_code_service(folder, ONE, bundle(), ["add-up-2"]).name == "add-up-3"
    assert (folder.root / "experiments/add-up.yaml").read_text() == "mine\n"


@pytest.mark.parametrize("record", ["", "{}", "[]", '{"service": 1}', '{"service": "1", "files": 3}', "\0"])
def test_a_broken_record_is_somebody_elses(folder: WorkspaceFolder, record: str) -> None:
    write_code_service(folder, ONE, bundle(), [])
    (folder.root / "code-services/add-up/published.json").write_text(record)
    assert write_code_service(folder, ONE, bundle(), []).name == "add-up-2"


def test_an_environment_that_is_there_is_the_persons(folder: WorkspaceFolder) -> None:
    place = folder.root / "environments/python-2.7-64.toml"
    place.parent.mkdir()
    place.write_text("mine\n")
    write_code_service(folder, ONE, bundle(), [])
    assert place.read_text() == "mine\n"


def test_another_language_needs_an_environment_of_its_name(folder: WorkspaceFolder) -> None:
    with pytest.raises(InvalidInput, match=r"environments/LANGUAGE\.toml"):
        write_code_service(folder, ONE, bundle(Language="python-3.8-64"), [])
    (folder.root / "environments").mkdir()
    (folder.root / "environments/python-3.8-64.toml").write_text("mine\n")
    written = write_code_service(folder, ONE, bundle(Language="python-3.8-64"), [])
    assert "environments/python-3.8-64.toml" in (folder.root / written.experiment).read_text()


def test_the_environment_that_is_written_is_one() -> None:
    import tomllib

    spec = parse_environment({"name": "x", **tomllib.loads(ENVIRONMENT)}, "x")
    assert len(spec.packages) == 6


@pytest.mark.parametrize(
    ("name", "slug"), [("f", "f"), ("Add up!", "add-up"), ("__x__", "x"), ("日本", "function"), ("a" * 99, "a" * 60)]
)
def test_names_become_addresses(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def published(folder: WorkspaceFolder, **changes: Any) -> dict[str, Any]:
    """What the written script defines."""
    write_code_service(folder, ONE, bundle(**changes), [])
    names: dict[str, Any] = {}
    exec((folder.root / "code-services/add-up/script.py").read_text(encoding="utf-8"), names)
    return names


def test_results_are_called_by_position_and_keep_names_of_their_own(folder: WorkspaceFolder) -> None:
    names = published(folder, OutputSchema={"result0": NUMBER, "é": NUMBER})
    frame = pd.DataFrame([[1, 2]])
    assert list(names["azureml_main"](frame.copy()).columns) == ["result0", "é"]
    other = pd.DataFrame({"é": [1], "result0": [2]})
    assert list(names["azureml_main"](other).columns) == ["é", "result0"]
    three = pd.DataFrame([[1, 2, 3]])
    assert list(names["azureml_main"](three).columns) == [0, 1, 2]


def test_a_function_without_arguments_gets_one_row(folder: WorkspaceFolder) -> None:
    names = published(folder, InputSchema={}, OutputSchema={})
    assert len(names["azureml_main"](None)) == 1
    assert len(names["azureml_main"](pd.DataFrame())) == 1


def test_typed_texts_are_unicode_and_encoded_ones_stay(folder: WorkspaceFolder) -> None:
    schema = {"a": {"type": "string"}, "b": {"type": "string", "format": "string"}}
    names = published(folder, InputSchema=schema, OutputSchema={})
    frame = names["azureml_main"](pd.DataFrame({"a": ["é".encode()], "b": ["é".encode()]}))
    assert frame.to_numpy().tolist() == [["é", "é".encode()]]


def test_types_of_arguments_become_columns() -> None:
    schema = {"i": {"type": "integer"}, "b": {"type": "Boolean"}, "s": {"type": "string"}, "raw": "anything"}
    schema["e"] = {"type": "string", "format": "string"}
    columns = bundle(InputSchema=schema).arguments
    assert [column.type for column in columns] == ["integer", "boolean", "text", "text", "text"]
    assert json.loads(columns[-1].sample) == {"type": "null", "value": "null"}


def test_attached_files_are_a_zip() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.txt", "x")
    assert bundle(ZipContents=base64.b64encode(content.getvalue()).decode()).files == content.getvalue()


@pytest.mark.parametrize(
    "changes",
    [
        {"ZipContents": 3},
        {"ZipContents": "????"},
        {"ZipContents": base64.b64encode(b"no zip").decode()},
        {"SourceCode": "x = 1"},
        {"SourceCode": None},
        {"Language": "a b"},
        {"InputSchema": {"": NUMBER}},
        {"InputSchema": {"a": 3}},
        {"InputSchema": {"a": {"type": 3}}},
        {"InputSchema": {str(number): NUMBER for number in range(1001)}},
        {"OutputSchema": "x"},
    ],
)
def test_bundles_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        bundle(**changes)
