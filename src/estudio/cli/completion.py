"""What the shell completes beyond options and choices: the names of environments.

A completion that fails stays silent: words on a half-typed command line help nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer looks the annotation up

from estudio.errors import EstudioError

if TYPE_CHECKING:
    from estudio.cli.door import Door


def environment_names(context: typer.Context, incomplete: str) -> list[str]:
    """The known environments that begin with what was typed."""
    door: Door = context.obj
    try:
        environments = door.list_environments()
    except EstudioError:
        return []
    return [environment.name for environment in environments if environment.name.startswith(incomplete)]
