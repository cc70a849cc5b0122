"""What an environment may ask for, and how a wrong wish is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.environment import EnvironmentSpec, check_lock, parse_environment, requirement_name
from estudio.core.package_lock import parse_package_lock
from estudio.core.python_requirement import parse_python_requirement
from estudio.errors import InvalidDocument

GOOD = {"python": "3.12", "packages": ["pandas>=2,<3"]}


def refused(**fields: object) -> str:
    with pytest.raises(InvalidDocument) as caught:
        parse_environment({**GOOD, **fields}, "mine.toml")
    return caught.value.message


def test_a_whole_document_becomes_a_spec() -> None:
    spec = parse_environment(
        {
            "name": "survey",
            "python": ">=3.8, <3.12",
            "packages": ["pandas", "Scikit_Learn[extra] >= 1 ; python_version < '3.9'"],
            "from-source": ["Doc.Opt"],
            "preload": ["pandas"],
            "preload-when-used": ["sklearn.ensemble"],
        },
        "mine.toml",
    )
    assert spec == EnvironmentSpec(
        "survey",
        parse_python_requirement(">=3.8, <3.12", "mine.toml"),
        ("pandas", "Scikit_Learn[extra] >= 1 ; python_version < '3.9'"),
        ("doc-opt",),
        ("pandas",),
        ("sklearn.ensemble",),
    )
    assert spec.package_names == ("pandas", "scikit-learn")


def test_without_a_name_the_file_names_the_environment() -> None:
    assert parse_environment(GOOD, "somewhere/Old-Stack.toml").name == "old-stack"


def test_unknown_fields_are_refused_with_the_near_name() -> None:
    assert refused(pakages=[]) == "The environment mine.toml has an unknown field 'pakages'. Did you mean 'packages'?"


def test_python_as_a_number_is_refused_because_3_10_would_be_3_1() -> None:
    assert refused(python=3.1) == ('The environment mine.toml needs the Python version as text: write python = "3.1".')


@pytest.mark.parametrize("python", ["three", "3.x", ">=3.*", "", "3.11;", "3." + "1" * 200, "==", "3.11 3.12", "~=3"])
def test_python_requirements_of_no_known_form_are_refused(python: str) -> None:
    assert "write a version such as '3.12' or '>=3.11'" in refused(python=python)


@pytest.mark.parametrize(
    ("python", "allowed"),
    [
        ("3.12", {(3, 12, 1)}),
        ("3.11.7", {(3, 11, 7)}),
        ("==3.12", {(3, 12, 1)}),
        ("==3.11.*", {(3, 11, 2), (3, 11, 7)}),
        ("!=3.11", {(2, 7, 18), (3, 12, 1)}),
        ("~=3.11.3", {(3, 11, 7)}),
        ("~=3.11", {(3, 11, 2), (3, 11, 7), (3, 12, 1)}),
        (">=3.11.7", {(3, 11, 7), (3, 12, 1)}),
        ("<3", {(2, 7, 18)}),
        (">2.7.18,<=3.11.2", {(3, 11, 2)}),
        ("3", {(3, 11, 2), (3, 11, 7), (3, 12, 1)}),
    ],
)
def test_which_versions_a_requirement_allows(python: str, allowed: set[tuple[int, int, int]]) -> None:
    requirement = parse_python_requirement(python, "mine.toml")
    assert {v for v in [(2, 7, 18), (3, 11, 2), (3, 11, 7), (3, 12, 1)] if requirement.allows(v)} == allowed


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("-r other.txt", "options such as -r or --index-url are not allowed"),
        ("--index-url=x", "options such as -r or --index-url are not allowed"),
        ("pandas @ file:///tmp/pandas.whl", "addresses and paths are not allowed"),
        ("git+https://example.org/x", "addresses and paths are not allowed"),
        ("./pandas.whl", "addresses and paths are not allowed"),
        ("..\\pandas", "addresses and paths are not allowed"),
        ("pandas --hash=sha256:00", "is no requirement"),
        ("pandas\n-r other.txt", "is no requirement"),
        ("pandas>=", "is no requirement"),
        ("", "is no requirement"),
        ("pandas" * 100, "is no requirement"),
    ],
)
def test_packages_are_names_with_versions_and_nothing_else(package: str, words: str) -> None:
    assert words in refused(packages=["pandas", package])


@given(st.text(max_size=40))
def test_no_package_text_brings_an_option_an_address_or_a_line_break(text: str) -> None:
    try:
        spec = parse_environment({"python": "3", "packages": ["pandas", text]}, "mine.toml")
    except InvalidDocument:
        return
    accepted = spec.packages[1]
    assert not accepted.startswith("-")
    assert not set(accepted) & set("@/\\#\r\n")


def test_pandas_must_be_among_the_packages() -> None:
    assert refused(packages=["numpy"]) == (
        "The environment mine.toml has no pandas among its packages, and "
        "scripts get their tables as pandas DataFrames: add 'pandas' to packages."
    )
    assert parse_environment({"python": "3", "packages": ["Pandas==1.0"]}, "x.toml").package_names == ("pandas",)


@pytest.mark.parametrize(
    "fields",
    [
        {"packages": "pandas"},
        {"packages": [1]},
        {"packages": ["pandas"] * 501},
        {"preload": ["os; import sys"]},
        {"preload": ["a" * 200]},
        {"preload-when-used": {"a": 1}},
        {"name": "Has Space"},
        {"name": "../up"},
        {"name": 3},
        {"name": "a" * 65},
        {"lock": ["pandas==1"]},
    ],
)
def test_wrong_forms_are_refused(fields: dict[str, object]) -> None:
    assert refused(**fields).startswith("The environment mine.toml ")


def test_a_lock_is_read_with_its_markers_and_hashes() -> None:
    text = f"""# a comment
pandas==2.2.3 \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
numpy==1.26.4 ; python_full_version < '3.12'  # via pandas
"""
    first, second = parse_package_lock(text, "mine.toml")
    assert (first.name, first.version, first.hashed, first.marker) == ("pandas", "2.2.3", True, "")
    assert (second.name, second.hashed, second.marker) == ("numpy", False, "python_full_version < '3.12'")


@pytest.mark.parametrize(
    "line",
    [
        "--index-url x",
        "-r x",
        "pandas",
        "pandas>=1",
        "pandas @ file:///x",
        "pandas==1 --hash=md5:00",
        "./x.whl",
        "-e .",
    ],
)
def test_a_lock_with_anything_else_is_refused(line: str) -> None:
    assert "allowed are name==version, a marker and sha256 hashes" in refused(lock=f"pandas==2.0\n{line}\n")


def test_a_lock_must_hold_every_package() -> None:
    assert refused(lock="numpy==1.26.4\n") == (
        "The environment mine.toml has a lock without 'pandas', one of its packages: lock it again."
    )
    spec = parse_environment({**GOOD, "lock": "pandas==2.2.3\n"}, "mine.toml")
    assert [package.version for package in check_lock(spec, "mine.toml")] == ["2.2.3"]


def test_a_lock_without_end_is_refused() -> None:
    assert "characters" in refused(lock="#" * (4 * 1024 * 1024 + 1))


def test_requirement_names_are_normalised() -> None:
    assert requirement_name("Foo_Bar.baz[x]>=1") == "foo-bar-baz"
