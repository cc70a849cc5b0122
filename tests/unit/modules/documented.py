"""What the reference page must say of a kind, made from the kind itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estudio.core.module_kind import ModuleKind, Parameter


def kind_tables(kind: ModuleKind) -> str:
    """The kind's words and the tables of its ports and settings, as the page has them."""
    parts = [f"*{kind.title}.* {kind.words}"]
    if kind.shape.inputs:
        ports = [
            f"| `{port.name}` | {port.type.value} | {'no' if port.optional else 'yes'} | {port.words} |"
            for port in kind.shape.inputs
        ]
        parts.append("\n".join(["| input | type | needed | is |", "|---|---|---|---|", *ports]))
    if kind.shape.parameters:
        rows = [
            f"| `{each.name}` | {_type(each)} | {_default(each)} | {each.words} |" for each in kind.shape.parameters
        ]
        parts.append("\n".join(["| setting | type | default | is |", "|---|---|---|---|", *rows]))
    if kind.shape.outputs:
        ports = [f"| `{port.name}` | {port.type.value} | {port.words} |" for port in kind.shape.outputs]
        parts.append("\n".join(["| output | type | is |", "|---|---|---|", *ports]))
    return "\n\n".join(parts)


def _type(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(f"`{choice}`" for choice in parameter.choices)
    bounds = [
        f"{words} {bound:g}"
        for words, bound in (("from", parameter.minimum), ("to", parameter.maximum))
        if bound is not None and bound < 2**31
    ]
    return " ".join([parameter.type.value, *bounds])


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "must be given"
    if parameter.default is None:
        return ""
    if isinstance(parameter.default, bool):
        return f"`{'true' if parameter.default else 'false'}`"
    if isinstance(parameter.default, float):
        return f"`{parameter.default:g}`"
    return f"`{parameter.default}`"
