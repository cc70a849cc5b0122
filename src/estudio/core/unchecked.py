"""A copy of a checked value with some fields changed, without checking it again: for what is done in each call.

Only for changes that cannot break the value's rules; `dataclasses.replace` is right everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing import Any

Checked = TypeVar("Checked")


def with_fields(value: Checked, **changes: Any) -> Checked:  # noqa: ANN401 -- fields of any dataclass
    """A copy of a frozen dataclass with slots; its `__post_init__` does not run."""
    copy = object.__new__(type(value))
    put = object.__setattr__
    for name in type(value).__slots__:  # type: ignore[attr-defined]
        put(copy, name, changes[name] if name in changes else getattr(value, name))
    return copy
