"""The frame of the pages of web services: head, style, scripts, and the policy that lets nothing else run.

Pages load nothing: style and scripts stand in them, and their digests in the policy. Names, words and values come from
people; all of them are escaped here, and scripts get them as data.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from estudio.workspace.page_pictures import escaped
from estudio.workspace.page_style import STYLE
from estudio.workspace.service_page_style import SERVICE_STYLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPTS = ("service", "test")
"""Those of `page_scripts`."""


@functools.cache
def script(name: str) -> str:
    """The text of one script."""
    return (files("estudio.workspace") / "page_scripts" / f"{name}.js").read_text(encoding="utf-8")


def policy_digest(text: str) -> str:
    """A script or style sheet as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def content_security_policy() -> str:
    """The policy of all pages, for the header of that name: these scripts, this style, this server."""
    return (
        f"default-src 'none'; script-src {' '.join(policy_digest(script(name)) for name in SCRIPTS)}; "
        f"style-src {policy_digest(STYLE + SERVICE_STYLE)}; img-src data:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def page(
    title: str, parts: Sequence[str], *, trail: Sequence[tuple[str, str]] = (), scripts: Sequence[str] = ()
) -> str:
    """A whole page.

    Args:
        title: as text.
        parts: HTML.
        trail: pages above this one: address and words of each.
        scripts: names of those that it runs.
    """
    links = "".join(f'<a href="{escape(address)}">{escaped(words)}</a> <span>/</span> ' for address, words in trail)
    above = f'<nav aria-label="Pages above">{links}</nav>' if links else ""
    run = "".join(f"<script>{script(name)}</script>" for name in scripts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{escaped(title)}</title><style>{STYLE}{SERVICE_STYLE}</style></head>\n'
        f'<body class="service"><header>{above}</header><main>\n' + "\n".join(parts) + f"\n</main>{run}</body></html>\n"
    )


def data_block(element: str, value: Mapping[str, Any]) -> str:
    """Data for a script. No text of it can end the element: `<` and its like are escaped."""
    text = json.dumps(value, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="{element}">{text}</script>'


def copyable(element: str, text: str, words: str = "Copy") -> str:
    """A text in a box with a button that copies it. The button shows only where scripts run."""
    return (
        f'<div class="copyable"><pre id="{element}" tabindex="0">{escape(text)}</pre>'
        f'<button type="button" data-copies="{element}" hidden>{words}</button></div>'
    )
