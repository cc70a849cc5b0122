"""What uv and pip write, and what it means to a person."""

# ruff: noqa: E501 - the lines are those of the installers

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from estudio.core.environment import parse_environment
from estudio.environments.construction import progress_of_line
from estudio.environments.finishing import installed_packages, without_system_fonts
from estudio.environments.index_settings import pip_settings_for_uv
from estudio.environments.installer_errors import explain_installer_failure, explain_system_failure, shorten_reason
from estudio.environments.preloads import preloads_of
from estudio.errors import (
    EnvironmentDiskFull,
    EnvironmentFailed,
    PackagesUnresolvable,
    RegistryUnreachable,
)

SPEC = parse_environment({"python": "3.12", "packages": ["pandas"]}, "mine")


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("error: Failed to install: x\n  cause: No space left on device (os error 28)", EnvironmentDiskFull),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", EnvironmentDiskFull),
        ("error: x\n  cause: Disk quota exceeded (os error 122)", EnvironmentDiskFull),
        ("error: Failed to fetch: `x`\n  cause: dns error", RegistryUnreachable),
        ("error: Failed to fetch\n cause: HTTP status server error (503 Service Unavailable)", RegistryUnreachable),
        ("error: Failed to fetch\n cause: HTTP status client error (401 Unauthorized)", RegistryUnreachable),
        ("error: No solution found\nhint: Packages were unavailable because the network was disabled", RegistryUnreachable),
        (("WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: No matching distribution found "
         "for pandas"), RegistryUnreachable),
        ("error: No solution found when resolving dependencies\n  cause: no version of pandas==99", PackagesUnresolvable),
        ("ERROR: No matching distribution found for pandas==99", PackagesUnresolvable),
        ("error: Failed to build `docopt==0.6.2`\n  cause: The build backend returned an error", PackagesUnresolvable),
        ("error: something that nobody foresaw", EnvironmentFailed),
    ],
)  # fmt: skip
def test_whose_fault_it_is(output: str, kind: type[EnvironmentFailed]) -> None:
    assert type(explain_installer_failure(output, SPEC, "3.12.1")) is kind


def test_a_missing_wheel_tells_the_way_out() -> None:
    output = "error: No solution found\n  cause: pandas==0.24.2 has no usable wheels"
    assert explain_installer_failure(output, SPEC, "3.12.1").message == (
        "The packages of the environment 'mine' cannot be had for Python 3.12.1: No solution found. pandas==0.24.2 has no "
        "usable wheels. Ask for a version with a wheel for this Python, or list the package in from-source."
    )


def test_the_systems_errors_are_ours() -> None:
    full = explain_system_failure(OSError(errno.ENOSPC, "No space left on device", "/x"), SPEC)
    assert type(full) is EnvironmentDiskFull
    denied = explain_system_failure(PermissionError(errno.EACCES, "Permission denied", "/x"), SPEC)
    assert denied.message == "The environment 'mine' could not be built: Permission denied (/x)."


def test_reasons_are_short_and_hold_no_credentials() -> None:
    reason = shorten_reason("Using Python\nerror: Failed: https://me:secret@host/x\n  cause: " + "long " * 500)
    assert reason.startswith("Failed: https://host/x. long")
    assert len(reason) <= 600


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Resolved 31 packages in 8ms", "downloading 31 packages"),
        ("Downloading numpy (15.0MiB)", "downloading numpy (15.0MiB)"),
        ("Prepared 1 package in 385ms", "installing 1 package"),
        ("   Building docopt==0.6.2", "building docopt==0.6.2 from source"),
        ("Collecting pandas==0.24.2", "resolving pandas"),
        ("  Downloading numpy-1.16.6-cp27-cp27mu-manylinux1_x86_64.whl (17.0 MB)",
         "downloading numpy-1.16.6-cp27-cp27mu-manylinux1_x86_64.whl (17.0 MB)"),
        ("Installing collected packages: six, pytz", "installing six, pytz"),
        (" + numpy==2.5.5", None),
        ("Installing collected packages: " + "a, " * 500, "installing " + ("a, " * 500)[:189]),
    ],
)  # fmt: skip
def test_progress_is_told_in_words(line: str, words: str | None) -> None:
    assert progress_of_line(line) == words


def test_fonts_outside_of_the_environment_are_left_out() -> None:
    names = ["fonts/ttf/DejaVuSans.ttf", "/env/lib/fonts/a.ttf", "/usr/share/fonts/b.ttf"]
    document = {"_version": 390, "ttflist": [{"fname": name} for name in names], "afmlist": []}
    kept = json.loads(without_system_fonts(json.dumps(document), Path("/env")))
    assert [font["fname"] for font in kept["ttflist"]] == names[:2]
    assert kept["_version"] == 390


def test_packages_are_listed_with_either_kind_of_metadata(tmp_path: Path) -> None:
    site = tmp_path / "lib/python2.7/site-packages"
    for name in ("Foo_Bar-1.0.dist-info", "old-2.1-py2.7.egg-info", "zope.x-4.dist-info", "pandas"):
        (site / name).mkdir(parents=True)
    (tmp_path / "lib64").symlink_to("lib")
    assert installed_packages(tmp_path) == {"foo-bar": "1.0", "old": "2.1", "zope-x": "4"}


def test_preloads_follow_the_packages_unless_the_spec_says_otherwise() -> None:
    always, when_used = preloads_of(SPEC, {"pandas": "1", "numpy": "1", "matplotlib": "3"})
    assert (always, when_used) == (("numpy", "pandas"), ("matplotlib.pyplot",))
    own = parse_environment({"python": "3", "packages": ["pandas"], "preload": [], "preload-when-used": ["json"]}, "x")
    assert preloads_of(own, {"pandas": "1"}) == ((), ("json",))


def test_pips_index_serves_uv_where_uv_has_none(tmp_path: Path) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text("[global]\nindex-url = http://mirror/simple\ncert = /c.pem\n")
    variables = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    found = pip_settings_for_uv(variables)
    assert found["UV_DEFAULT_INDEX"] == "http://mirror/simple"
    assert found["SSL_CERT_FILE"] == "/c.pem"
    assert pip_settings_for_uv({**variables, "PIP_INDEX_URL": "http://v"})["UV_DEFAULT_INDEX"] == "http://v"
    assert "UV_DEFAULT_INDEX" not in pip_settings_for_uv({**variables, "UV_INDEX_URL": "http://own"})
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text("")
    assert "UV_DEFAULT_INDEX" not in pip_settings_for_uv(variables)
    assert pip_settings_for_uv({"PIP_CONFIG_FILE": "/dev/null"}) == {}
