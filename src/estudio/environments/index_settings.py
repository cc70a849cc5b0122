"""Lets uv use the package index that a person has set for pip, where none is set for uv.

uv reads neither pip's variables nor `pip.conf`; people behind a company's mirror have often set only those. Extra
indexes are not carried over: uv searches them first, pip all at once, and a build must not get other packages by it.
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_UV_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_CONFIG_FILE")


def pip_settings_for_uv(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables for uv made from pip's: the main index and the certificate file."""
    settings = {}
    index = _pip_setting(variables, "index-url")
    if index and not any(name in variables for name in _UV_SETTINGS) and not _has_uv_configuration(variables):
        settings["UV_DEFAULT_INDEX"] = index
    certificates = _pip_setting(variables, "cert")
    if certificates and "SSL_CERT_FILE" not in variables:
        settings["SSL_CERT_FILE"] = certificates
    return settings


def _pip_setting(variables: Mapping[str, str], name: str) -> str | None:
    value = variables.get("PIP_" + name.upper().replace("-", "_"))
    if value:
        return value
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(_pip_files(variables), encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return None
    return parser.get("global", name, fallback=None)


def _pip_files(variables: Mapping[str, str]) -> list[Path]:
    """Pip's files, the last one wins (pip, "Configuration Files")."""
    home = Path(variables.get("HOME") or "/")
    files = [
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        _configuration_folder(variables) / "pip" / "pip.conf",
    ]
    own = variables.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return []
    return [*files, Path(own)] if own else files


def _has_uv_configuration(variables: Mapping[str, str]) -> bool:
    return any((folder / "uv" / "uv.toml").is_file() for folder in (Path("/etc"), _configuration_folder(variables)))


def _configuration_folder(variables: Mapping[str, str]) -> Path:
    return Path(variables.get("XDG_CONFIG_HOME") or Path(variables.get("HOME") or "/") / ".config")
