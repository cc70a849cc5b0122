"""What scripts printed and drew, beside a JSON answer, where the query asks: `?visualizations=true`.

It is for people who look at a test page: pictures are large, and programs have no use for them.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson

from estudio.core.limits import MIB
from estudio.server.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estudio.core.outcome import Visualization

QUERY = "visualizations"
MAX_TEXT_CHARACTERS = 100_000
"""Of what all modules printed: more is not read in a browser."""
MAX_PICTURE_BYTES = 8 * MIB
"""Of all pictures; those that no longer fit are left out."""


def wants_visualizations(query: dict[str, str]) -> bool:
    """Whether the query asks for them; the word is taken out, as it is no parameter of a service. Raises Refused."""
    value = query.pop(QUERY, "false").lower()
    if value not in ("true", "false"):
        raise Refused(400, "visualizations is true or false.")
    return value == "true"


def add_visualizations(body: bytes, visualizations: Mapping[str, Visualization]) -> bytes:
    """A JSON object with one more member: by module what it printed (`text`) and drew (`images`, PNG as Base64)."""
    room_bytes, room_characters = MAX_PICTURE_BYTES, MAX_TEXT_CHARACTERS
    shown: dict[str, object] = {}
    for module, each in visualizations.items():
        images = []
        for image in each.images:
            room_bytes -= len(image.png)
            if room_bytes >= 0:
                png = base64.b64encode(image.png).decode("ascii")
                images.append({"name": image.name, "width": image.width, "height": image.height, "png": png})
        text = each.text[:room_characters]
        room_characters -= len(text)
        if text or images:
            shown[module] = {"text": text, "images": images}
    return body[:-1] + b',"visualizations":' + orjson.dumps(shown) + b"}"
