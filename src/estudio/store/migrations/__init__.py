"""The schema's versions, one file each, applied in order inside one transaction.

The version stands in SQLite's own `user_version`, which a transaction covers: a crash leaves the old one, whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.errors import StoreDamaged
from estudio.store.migrations import v0001, v0002

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

MIGRATIONS: tuple[Sequence[str], ...] = (v0001.STATEMENTS, v0002.STATEMENTS)
"""Number n of it leads from version n - 1 to version n."""
APPLICATION_ID = 0x65737475
"""`estu` in the file's header: tells our database from any other SQLite file."""


def version_of(connection: Connection) -> tuple[int, int]:
    """The (application id, schema version) of the file."""
    application = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
    return application, int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def check_version(found: tuple[int, int], path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> int:
    """The schema version of an existing file. Raises StoreDamaged for a foreign file and for a later version."""
    application, version = found
    if application != APPLICATION_ID or version < 1:
        raise StoreDamaged(
            f"{path} is not a database of estudio, or was emptied. Move it away; the next command makes a new one, "
            "and stored results are found again as modules run.",
            path=str(path),
        )
    if version > len(migrations):
        raise StoreDamaged(
            f"{path} was written by a later version of estudio (schema {version}; this one knows up to "
            f"{len(migrations)}). Use that version, or move the file away to begin a new history.",
            path=str(path),
            version=version,
        )
    return version


def apply_from(connection: Connection, version: int, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Apply what is missing after `version`, inside the caller's transaction, which holds the write lock."""
    for statements in migrations[version:]:
        for statement in statements:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {len(migrations)}")
