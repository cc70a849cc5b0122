"""What `services.publish` of the old client library sends: code, its arguments and results, and attached files.

The code is text that is never run or imported here. Argument and result types are the old system's words for columns.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from estudio.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SOURCE_CHARACTERS = 8_000_000
"""The client's own 30 KB and a script, or a function with what it refers to, pickled."""
MAX_ARGUMENTS = 1_000
"""Python 2 itself takes 255; schemas of frames may be wider."""
MAX_NAME_CHARACTERS = 200
MAX_BUNDLE_BYTES = 64 << 20
LANGUAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
ENCODED = {"type": "string", "format": "string"}
"""How the client describes what it writes as JSON `{"type", "value"}` into a text."""
_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}


@dataclass(frozen=True, slots=True)
class CodeColumn:
    """An argument or a result: its name, its type as `tables.conversion` calls it, and a value to show it with."""

    name: str
    type: str
    sample: str


@dataclass(frozen=True, slots=True)
class CodeBundle:
    """A function to be published.

    Attributes:
        name: for people; the client gives the function's.
        language: the old system's word for what runs it.
        source: defines `azureml_main(df1, df2)`.
        arguments: columns of its table; may be none.
        results: names that its columns get, in order.
        files: a zip, or empty.
    """

    name: str
    language: str
    source: str
    arguments: tuple[CodeColumn, ...]
    results: tuple[CodeColumn, ...]
    files: bytes = b""


def parse_code_bundle(untrusted: Mapping[str, Any]) -> CodeBundle:
    """Read the body of a publishing call.

    Raises:
        InvalidInput: something is missing, of a wrong type or too large.
    """
    bundle = untrusted.get("CodeBundle")
    if untrusted.get("Type") != "Code" or not isinstance(bundle, dict):
        raise InvalidInput("Only web services of the Type “Code”, with a CodeBundle, can be made by this call.")
    language = _text(bundle, "Language", MAX_NAME_CHARACTERS)
    if not LANGUAGE.fullmatch(language):
        raise InvalidInput(f"{language[:80]!r} cannot be a Language.")
    return CodeBundle(
        _text(untrusted, "Name", MAX_NAME_CHARACTERS),
        language,
        _text(bundle, "SourceCode", MAX_SOURCE_CHARACTERS),
        _columns(bundle, "InputSchema"),
        _columns(bundle, "OutputSchema"),
        _files(bundle.get("ZipContents")),
    )


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise InvalidInput(f"{name} must be a text of 1 to {most} characters.")
    return value


def _columns(bundle: Mapping[str, Any], name: str) -> tuple[CodeColumn, ...]:
    schema = bundle.get(name)
    if schema is None:
        return ()
    if not isinstance(schema, dict) or len(schema) > MAX_ARGUMENTS:
        raise InvalidInput(f"{name} must be an object of at most {MAX_ARGUMENTS} names, each with its type.")
    return tuple(_column(name, argument, kind) for argument, kind in schema.items())


def _column(schema: str, name: str, kind: object) -> CodeColumn:
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise InvalidInput(f"{schema} has a name with {len(name)} characters; names have 1 to {MAX_NAME_CHARACTERS}.")
    if kind == ENCODED:
        return CodeColumn(name, "text", '{"type": "null", "value": "null"}')
    word = kind.get("type") if isinstance(kind, dict) else "string" if isinstance(kind, str) else None
    found = _TYPES.get(word.lower()) if isinstance(word, str) else None
    if found is None:
        raise InvalidInput(f"{schema}: {name[:80]} has no type; it may be one of {', '.join(_TYPES)}.")
    return CodeColumn(name, found, {"integer": "1", "number": "1.0", "boolean": "True"}.get(found, "text"))


def _files(encoded: object) -> bytes:
    if encoded is None or encoded == "":
        return b""
    if not isinstance(encoded, str) or len(encoded) > MAX_BUNDLE_BYTES * 4 // 3 + 4:
        raise InvalidInput(f"ZipContents must be a zip file in Base64 of at most {MAX_BUNDLE_BYTES >> 20} MiB.")
    try:
        content = base64.b64decode(encoded, validate=False)
        with zipfile.ZipFile(io.BytesIO(content)):
            return content
    except (binascii.Error, zipfile.BadZipFile, ValueError) as error:
        raise InvalidInput(f"ZipContents is no zip file in Base64: {error}.") from error
