"""What an environment asks for: a Python version and packages, parsed from a TOML table.

A spec is a wish: what comes of it depends on the interpreter that satisfies it, so no digest is made here.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.package_lock import LockedPackage, package_name, parse_package_lock
from estudio.core.python_requirement import PythonRequirement, parse_python_requirement
from estudio.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIELDS = ("name", "python", "packages", "from-source", "preload", "preload-when-used", "lock")
MAX_PACKAGES = 500
"""The largest stacks of the field have some 300; more is a list that nobody wrote."""
MAX_PRELOAD = 100
"""Every module that is preloaded costs memory in each zygote."""
MAX_REQUIREMENT_CHARACTERS = 300
"""A name, extras, a version range and a marker."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
_MODULE = re.compile(r"[A-Za-z_]\w{0,99}(?:\.[A-Za-z_]\w{0,99}){0,9}", re.ASCII)
_CLAUSE = r"(?:===?|~=|!=|<=?|>=?)\s*[A-Za-z0-9][A-Za-z0-9.*+!_-]*"
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*"
    r"(?:\[\s*[A-Za-z0-9._-]+(?:\s*,\s*[A-Za-z0-9._-]+)*\s*\]\s*)?"
    rf"(?:{_CLAUSE}(?:\s*,\s*{_CLAUSE})*\s*)?"
    r"(?:;[A-Za-z0-9_.'\"<>=!~(),\s*+-]+)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """What a script wants around it.

    Attributes:
        name: lower-case letters, digits, `.`, `_`, `-`; shown to people, no part of the digest.
        python: which Python, e.g. `3.12` (any 3.12.x) or `>=3.11`.
        packages: requirements by name, e.g. `pandas>=2,<3`; never a URL, a path or an option.
        from_source: packages that may be built from source, which runs their code on this machine; all others
            must have a wheel.
        preload: Python modules that every zygote imports; `None` leaves the choice to the builder.
        preload_when_used: Python modules that a zygote imports too when the script mentions them; `None` as above.
        lock: exact versions, as `uv pip compile` or `pip freeze` write them, or "".
    """

    name: str
    python: PythonRequirement
    packages: tuple[str, ...]
    from_source: tuple[str, ...] = ()
    preload: tuple[str, ...] | None = None
    preload_when_used: tuple[str, ...] | None = None
    lock: str = ""

    @property
    def package_names(self) -> tuple[str, ...]:
        """The packages' normalised names, in order."""
        return tuple(requirement_name(requirement) for requirement in self.packages)


def parse_environment(untrusted: Mapping[str, object], source: str) -> EnvironmentSpec:
    """Read an environment from a TOML table.

    Args:
        untrusted: what a TOML reader gave.
        source: where it comes from, for messages; without a `name` field its last part names the environment.

    Raises:
        InvalidDocument: an unknown field, a wrong form, a package that is no plain requirement, no pandas.
    """
    _check_fields(untrusted, source)
    name = _name(untrusted.get("name", _name_of(source)), source)
    python = untrusted.get("python")
    if not isinstance(python, str):
        hint = f'python = "{python}"' if isinstance(python, int | float) else 'python = ">=3.11"'
        raise _invalid(source, f"needs the Python version as text: write {hint}", "python")
    packages = tuple(_requirement(item, source) for item in _texts(untrusted, "packages", MAX_PACKAGES, source) or ())
    _check_packages(packages, source)
    spec = EnvironmentSpec(
        name,
        parse_python_requirement(python, source),
        packages,
        tuple(map(package_name, _texts(untrusted, "from-source", MAX_PACKAGES, source) or ())),
        _modules(untrusted, "preload", source),
        _modules(untrusted, "preload-when-used", source),
        _lock(untrusted, source),
    )
    if spec.lock:
        check_lock(spec, source)
    return spec


def check_lock(spec: EnvironmentSpec, source: str) -> tuple[LockedPackage, ...]:
    """Read a spec's lock and see that it holds every package of the spec.

    Raises:
        InvalidDocument: the lock has a wrong form, or misses a package.
    """
    locked = parse_package_lock(spec.lock, source)
    names = {package.name for package in locked}
    missing = next((name for name in spec.package_names if name not in names), None)
    if missing is not None:
        raise _invalid(source, f"has a lock without {missing!r}, one of its packages: lock it again", "lock")
    return locked


def requirement_name(requirement: str) -> str:
    """The normalised name of a package in a requirement that was parsed before."""
    match = _REQUIREMENT.fullmatch(requirement)
    return package_name(match["name"]) if match else package_name(requirement)


def near_name(wrong: str, names: Iterable[str]) -> str:
    """A sentence naming the nearest right name, or ""."""
    near = difflib.get_close_matches(wrong, list(names), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _check_fields(untrusted: Mapping[str, object], source: str) -> None:
    unknown = next((field for field in untrusted if field not in FIELDS), None)
    if unknown is not None:
        hint = near_name(unknown, FIELDS) or f" Known are {', '.join(FIELDS)}."
        raise _invalid(source, f"has an unknown field {unknown[:80]!r}.{hint}", unknown)


def _name_of(source: str) -> str:
    last = source.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return last.removesuffix(".toml").lower()


def _name(untrusted: object, source: str) -> str:
    if not isinstance(untrusted, str) or not _NAME.fullmatch(untrusted):
        shown = untrusted[:80] if isinstance(untrusted, str) else untrusted
        rule = "lower-case letters, digits, '.', '_' and '-', at most 64, beginning and ending with a letter or digit"
        raise _invalid(source, f"has the name {shown!r}: use {rule}", "name")
    return untrusted


def _texts(untrusted: Mapping[str, object], field: str, most: int, source: str) -> tuple[str, ...] | None:
    items = untrusted.get(field)
    if items is None:
        return None
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise _invalid(source, f'needs a list of texts as {field}, e.g. {field} = ["pandas"]', field)
    if len(items) > most:
        raise _invalid(source, f"has {len(items)} entries in {field}: at most {most} are allowed", field)
    return tuple(item.strip() for item in items)


def _requirement(text: str, source: str) -> str:
    shown = text[:80]
    if text.startswith("-"):
        what = f"has the option {shown!r} among its packages: options such as -r or --index-url are not allowed there"
        raise _invalid(source, f"{what}; the package index is set in uv's own configuration", "packages")
    if "@" in text or "://" in text or "/" in text or "\\" in text or text.startswith("."):
        what = f"has {shown!r} among its packages: addresses and paths are not allowed"
        raise _invalid(source, f"{what}; name the package and its version, e.g. 'pandas>=2'", "packages")
    if len(text) > MAX_REQUIREMENT_CHARACTERS or not _REQUIREMENT.fullmatch(text):
        what = f"has {shown!r} among its packages, which is no requirement"
        raise _invalid(source, f"{what}: write a name and versions, e.g. 'pandas>=2,<3'", "packages")
    return text


def _check_packages(packages: tuple[str, ...], source: str) -> None:
    if "pandas" in {requirement_name(requirement) for requirement in packages}:
        return
    rule = "scripts get their tables as pandas DataFrames"
    raise _invalid(source, f"has no pandas among its packages, and {rule}: add 'pandas' to packages", "packages")


def _modules(untrusted: Mapping[str, object], field: str, source: str) -> tuple[str, ...] | None:
    names = _texts(untrusted, field, MAX_PRELOAD, source)
    wrong = next((name for name in names or () if not _MODULE.fullmatch(name)), None)
    if wrong is not None:
        raise _invalid(source, f"has {wrong[:80]!r} in {field}: give names of Python modules, e.g. 'numpy'", field)
    return names


def _lock(untrusted: Mapping[str, object], source: str) -> str:
    lock = untrusted.get("lock", "")
    if not isinstance(lock, str):
        raise _invalid(source, "needs the lock as text", "lock")
    return lock


def _invalid(source: str, what: str, field: str) -> InvalidDocument:
    ending = "" if what.endswith((".", "?")) else "."
    return InvalidDocument(f"The environment {source} {what}{ending}", source=source, field=field[:80])
