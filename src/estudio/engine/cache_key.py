"""What a module's result depends on, as parts with names; their digest is the cache key, their difference is words.

A dependency that is named like a setting stands for it: `script` is the digest of the script, so where the script
lies is no part of the key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from blake3 import blake3

from estudio.core.counted_words import counted
from estudio.core.run import KeyParts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from estudio.core.module_kind import ModuleKind, Value
    from estudio.core.run import StoredOutput

    Columns = tuple[tuple[str, str], ...]

KEY_FORMAT = "estudio key 1"
"""Part of every key: a new way of making keys must not find results under the old ones."""
MAX_CHANGES = 20
"""Changes that are put into words; a table whose 5 000 columns all changed is said shorter."""
MAX_VALUE_CHARACTERS = 60
"""Of a value in words, such as inline data; the run's parts hold all of it."""
_SHORT_DIGEST = 32
"""Characters: texts of hexadecimal digits from this length on are digests, which say nothing to people."""

_KIND, _SEED = "kind", "seed"
_SETTING, _PARAMETER, _INPUT = "setting ", "parameter ", "input "


def key_parts(
    kind: ModuleKind,
    *,
    dependencies: Mapping[str, str],
    inputs: Mapping[str, StoredOutput],
    settings: Mapping[str, Value],
    parameters: Mapping[str, Value],
    seed: int,
) -> KeyParts:
    """The parts of one module's key.

    Args:
        kind: its name and version count.
        dependencies: from the kind's behaviour: digests or short texts.
        inputs: for each connected input port what the upstream output gave.
        settings: the kind's own, resolved.
        parameters: the script's, resolved.
        seed: for whatever is random in it.
    """
    parts = {_KIND: f"{kind.name} {kind.version}", _SEED: str(seed), **dependencies}
    parts |= {_SETTING + name: _canonical(value) for name, value in settings.items() if name not in dependencies}
    parts |= {_PARAMETER + name: _canonical(value) for name, value in parameters.items()}
    named = {name if name not in parts else _INPUT + name: output for name, output in inputs.items()}
    parts |= {name: output.digest for name, output in named.items()}
    return KeyParts(parts, {name: output.columns for name, output in named.items() if output.row_count is not None})


def key_of(parts: KeyParts) -> str:
    """The cache key: BLAKE3 of the parts' canonical JSON, in hexadecimal digits."""
    return blake3(f"{KEY_FORMAT}\n{_canonical(dict(parts.parts))}".encode("utf-8", "surrogatepass")).hexdigest()


def explain(before: KeyParts, after: KeyParts) -> tuple[str, ...]:
    """What differs, in words; empty where nothing does."""
    names = list(dict.fromkeys([*after.parts, *before.parts]))
    changed = [name for name in names if before.parts.get(name) != after.parts.get(name)]
    words = [word for name in changed for word in _explain_part(name, before, after)]
    if len(words) > MAX_CHANGES:
        return (*words[:MAX_CHANGES], f"and {counted(len(words) - MAX_CHANGES, 'more change')}")
    return tuple(words)


def _explain_part(name: str, before: KeyParts, after: KeyParts) -> Iterable[str]:
    old, new = before.parts.get(name), after.parts.get(name)
    if name in before.schemas or name in after.schemas:
        return _explain_table(name.removeprefix(_INPUT), before.schemas.get(name), after.schemas.get(name))
    if name == _KIND and old is not None and new is not None:
        return [_explain_kind(old, new)]
    return [_explain_value(name.removeprefix(_SETTING).removeprefix(_INPUT), old, new)]


def _explain_kind(old: str, new: str) -> str:
    old_name, new_name = old.rpartition(" ")[0], new.rpartition(" ")[0]
    return f"kind {new_name} has a new version" if old_name == new_name else f"kind: {old_name} → {new_name}"


def _explain_value(name: str, old: str | None, new: str | None) -> str:
    if new is None:
        return f"{name} is gone"
    if _is_digest(new) or (old is not None and _is_digest(old)):
        return f"{name} is new" if old is None else f"{name} changed"
    return f"{name} is new: {_bounded(new)}" if old is None else f"{name}: {_bounded(old)} → {_bounded(new)}"


def _explain_table(port: str, old: Columns | None, new: Columns | None) -> list[str]:
    if new is None:
        return [f"{port} is no longer connected"]
    if old is None:
        return [f"{port} is connected now"]
    before, after = dict(old), dict(new)
    words = [f"{port}: column `{name}` added" for name in after if name not in before]
    words += [f"{port}: column `{name}` removed" for name in before if name not in after]
    words += [
        f"column `{name}` of {port} changed type ({before[name]} → {type_name})"
        for name, type_name in after.items()
        if before.get(name, type_name) != type_name
    ]
    if not words and list(before) != list(after):
        return [f"{port} has its columns in another order"]
    return words or [f"{port} has other values"]


def _is_digest(text: str) -> bool:
    return len(text) >= _SHORT_DIGEST and all(sign in "0123456789abcdef" for sign in text.rpartition(":")[2])


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[:MAX_VALUE_CHARACTERS] + "…"


def _canonical(value: Value | dict[str, str]) -> str:
    """One text for one value: keys in order, no spaces; 1, 1.0 and true are three values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
