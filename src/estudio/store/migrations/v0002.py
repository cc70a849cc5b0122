"""Version 2: web services, their versions, endpoints, keys and calls; jobs and their parts; values of the workspace.

Never edited once released: a change of the schema is a new version.
"""

STATEMENTS = (
    """
    CREATE TABLE workspace_values (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE services (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL,
        current INTEGER NOT NULL,
        previous INTEGER,
        last_version INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE service_versions (
        service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        created_at REAL NOT NULL,
        experiment TEXT NOT NULL,
        manifest TEXT NOT NULL,
        isolation TEXT NOT NULL,
        row_wise INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (service_id, number)
    )
    """,
    """
    CREATE TABLE endpoints (
        id TEXT NOT NULL PRIMARY KEY,
        service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        created_at REAL NOT NULL,
        version INTEGER,
        body TEXT NOT NULL,
        UNIQUE (service_id, name)
    )
    """,
    """
    CREATE TABLE service_keys (
        id TEXT NOT NULL PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        scope TEXT NOT NULL,
        created_at REAL NOT NULL,
        endpoint_id TEXT REFERENCES endpoints (id) ON DELETE CASCADE,
        slot TEXT,
        expires_at REAL,
        calls_per_minute INTEGER,
        wrapped TEXT NOT NULL
    )
    """,
    "CREATE INDEX service_keys_by_endpoint ON service_keys (endpoint_id)",
    """
    CREATE TABLE call_counts (
        endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
        minute INTEGER NOT NULL,
        version INTEGER NOT NULL,
        calls INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        throttled INTEGER NOT NULL,
        latencies TEXT NOT NULL,
        PRIMARY KEY (endpoint_id, minute, version)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE call_records (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
        status INTEGER NOT NULL,
        body TEXT NOT NULL
    )
    """,
    "CREATE INDEX call_records_by_endpoint ON call_records (endpoint_id, number)",
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        service_id TEXT NOT NULL,
        endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        state TEXT NOT NULL,
        request TEXT NOT NULL,
        created_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL,
        owner_pid INTEGER,
        owner_started TEXT,
        owner_boot TEXT,
        attempts INTEGER NOT NULL,
        rows_done INTEGER NOT NULL,
        rows_total INTEGER,
        results TEXT NOT NULL,
        error TEXT,
        is_cancelling INTEGER NOT NULL,
        idempotency_key TEXT NOT NULL,
        expires_at REAL
    )
    """,
    "CREATE INDEX jobs_by_endpoint ON jobs (endpoint_id, number)",
    "CREATE INDEX jobs_queued ON jobs (number) WHERE state = 'queued'",
    "CREATE INDEX jobs_running ON jobs (endpoint_id, number) WHERE state = 'running'",
    "CREATE UNIQUE INDEX jobs_by_idempotency_key ON jobs (endpoint_id, idempotency_key) WHERE idempotency_key != ''",
    "CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL",
    """
    CREATE TABLE job_parts (
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        part INTEGER NOT NULL,
        results TEXT NOT NULL,
        PRIMARY KEY (job, part)
    ) WITHOUT ROWID
    """,
    "INSERT INTO workspace_values (name, value) VALUES ('generation', '1')",
)
