"""Version 1: runs, their modules and events, datasets, and remembered digests of files.

Never edited once released: a change of the schema is a new version.
"""

STATEMENTS = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        experiment TEXT NOT NULL,
        snapshot TEXT NOT NULL,
        state TEXT NOT NULL,
        partial INTEGER NOT NULL,
        started_at REAL NOT NULL,
        ended_at REAL,
        owner_pid INTEGER NOT NULL,
        owner_started TEXT NOT NULL,
        owner_boot TEXT NOT NULL,
        facts TEXT NOT NULL
    )
    """,
    "CREATE INDEX runs_by_experiment ON runs (experiment, number)",
    "CREATE INDEX runs_running ON runs (number) WHERE state = 'running'",
    """
    CREATE TABLE module_runs (
        number INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
        experiment TEXT NOT NULL,
        module TEXT NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        "key" TEXT,
        key_parts TEXT,
        outputs TEXT NOT NULL,
        log TEXT,
        error TEXT,
        started_at REAL,
        ended_at REAL,
        facts TEXT NOT NULL,
        UNIQUE (run, module)
    )
    """,
    """
    CREATE INDEX module_runs_by_key ON module_runs ("key", state, run)
    WHERE state IN ('finished', 'reused') AND "key" IS NOT NULL
    """,
    """
    CREATE INDEX module_runs_by_name ON module_runs (experiment, module, run)
    WHERE state IN ('finished', 'reused')
    """,
    """
    CREATE TABLE events (
        run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        at REAL NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, number)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE dataset_families (
        family TEXT NOT NULL PRIMARY KEY,
        last_version INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE datasets (
        family TEXT NOT NULL REFERENCES dataset_families (family),
        version INTEGER NOT NULL,
        original TEXT NOT NULL,
        table_digest TEXT,
        file_name TEXT NOT NULL,
        type TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        created_at REAL NOT NULL,
        row_count INTEGER,
        columns TEXT NOT NULL,
        facts TEXT NOT NULL,
        PRIMARY KEY (family, version)
    )
    """,
    """
    CREATE TABLE file_digests (
        path TEXT NOT NULL PRIMARY KEY,
        stamp TEXT NOT NULL,
        computed_at REAL NOT NULL,
        digest TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)
