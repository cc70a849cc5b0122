BEGIN TRANSACTION;
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
    ;
INSERT INTO "call_counts" VALUES('44e3bf0a695dcfb240e08d1f0eed9c44',100,1,3,1,1,'[1,2]');
CREATE TABLE call_records (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
        status INTEGER NOT NULL,
        body TEXT NOT NULL
    );
INSERT INTO "call_records" VALUES(1,'44e3bf0a695dcfb240e08d1f0eed9c44',200,'{"endpoint_id":"44e3bf0a695dcfb240e08d1f0eed9c44","version":1,"request_id":"request-1","at":2001.0,"seconds":0.25,"queue_seconds":0.05,"status":200,"code":"","message":"","log":"half a pair: \ud800"}');
INSERT INTO "call_records" VALUES(2,'44e3bf0a695dcfb240e08d1f0eed9c44',400,'{"endpoint_id":"44e3bf0a695dcfb240e08d1f0eed9c44","version":1,"request_id":"request-2","at":2002.0,"seconds":0.25,"queue_seconds":0.05,"status":400,"code":"85","message":"","log":"half a pair: \ud800"}');
CREATE TABLE dataset_families (
        family TEXT NOT NULL PRIMARY KEY,
        last_version INTEGER NOT NULL
    ) WITHOUT ROWID
    ;
INSERT INTO "dataset_families" VALUES('diabetes',2);
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
    );
INSERT INTO "datasets" VALUES('diabetes',1,'1111111111111111111111111111111111111111111111111111111111111111','2222222222222222222222222222222222222222222222222222222222222222','diabetes.csv','GenericCSV',23873,1000.0,768,'[["age","int64"],["Gr\u00f6\u00dfe, cm","float64"]]','{"encoding":"utf-8"}');
INSERT INTO "datasets" VALUES('diabetes',2,'3333333333333333333333333333333333333333333333333333333333333333','2222222222222222222222222222222222222222222222222222222222222222','diabetes.csv','GenericCSV',23873,1000.0,768,'[["age","int64"],["Gr\u00f6\u00dfe, cm","float64"]]','{"encoding":"utf-8"}');
CREATE TABLE endpoints (
        id TEXT NOT NULL PRIMARY KEY,
        service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        created_at REAL NOT NULL,
        version INTEGER,
        body TEXT NOT NULL,
        UNIQUE (service_id, name)
    );
INSERT INTO "endpoints" VALUES('44e3bf0a695dcfb240e08d1f0eed9c44','cf090185fe26d235b1a7614bdb02d200','default',1002.0,NULL,'{"description":"","max_concurrent_calls":20,"timeout_seconds":90.0,"memory_bytes":null,"diagnostics":"errors","prevent_update":false,"resources":[]}');
INSERT INTO "endpoints" VALUES('4d74917c7bb534b35ec4cad7be3f70a7','cf090185fe26d235b1a7614bdb02d200','fast',1002.0,1,'{"description":"for some","max_concurrent_calls":7,"timeout_seconds":1.5,"memory_bytes":1073741824,"diagnostics":"all","prevent_update":true,"resources":[["model","dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"]]}');
CREATE TABLE events (
        run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        at REAL NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, number)
    ) WITHOUT ROWID
    ;
INSERT INTO "events" VALUES(1,1,7.0,'{"event":"run-changed","run":"run-1","experiment":"pima","state":"running","started_at":1000.25,"ended_at":null,"modules":["data","rank","plot"]}');
INSERT INTO "events" VALUES(1,2,7.0,'{"event":"module-changed","run":"run-1","module":"data","state":"running","started_at":1.0,"ended_at":null}');
INSERT INTO "events" VALUES(1,3,7.0,'{"event":"module-changed","run":"run-1","module":"data","state":"finished","started_at":1001.0,"ended_at":1002.5,"reason":"changed","changes":["script changed","parameter trees: 250 \u2192 500"],"outputs":[{"port":"results","digest":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","rows":10,"columns":2},{"port":"visualization","digest":"efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef","rows":null,"columns":0}]}');
INSERT INTO "events" VALUES(1,4,7.0,'{"event":"module-changed","run":"run-1","module":"rank","state":"running","started_at":null,"ended_at":null}');
INSERT INTO "events" VALUES(1,5,7.0,'{"event":"module-changed","run":"run-1","module":"rank","state":"failed","started_at":null,"ended_at":null,"error":{"code":"script-raised","message":"half a pair: \ud800"}}');
INSERT INTO "events" VALUES(1,6,7.0,'{"event":"module-changed","run":"run-1","module":"plot","state":"blocked","started_at":null,"ended_at":null}');
INSERT INTO "events" VALUES(1,7,7.0,'{"event":"run-changed","run":"run-1","experiment":"pima","state":"failed","started_at":1000.25,"ended_at":9.0}');
INSERT INTO "events" VALUES(2,1,7.0,'{"event":"run-changed","run":"run-2","experiment":"pima","state":"running","started_at":1000.25,"ended_at":null,"modules":["data"]}');
CREATE TABLE file_digests (
        path TEXT NOT NULL PRIMARY KEY,
        stamp TEXT NOT NULL,
        computed_at REAL NOT NULL,
        digest TEXT NOT NULL
    ) WITHOUT ROWID
    ;
CREATE TABLE job_parts (
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        part INTEGER NOT NULL,
        results TEXT NOT NULL,
        PRIMARY KEY (job, part)
    ) WITHOUT ROWID
    ;
INSERT INTO "job_parts" VALUES(1,0,'{"output1":{"digest":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","format":"csv","size_bytes":100,"row_count":7}}');
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
    );
INSERT INTO "jobs" VALUES(1,'d36be6494248ee06ac18f38ea1119dfe','cf090185fe26d235b1a7614bdb02d200','44e3bf0a695dcfb240e08d1f0eed9c44',1,'running','{"inputs":{"input1":{"kind":"object","place":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","format":"csv"}},"outputs":{"output1":{"kind":"workspace","place":"data/out.parquet","format":"parquet"}},"parameters":{"trees":5,"names":["a"]}}',3000.0,3.0,NULL,4711,'123456','b007',1,0,NULL,'{}',NULL,0,'queued',NULL);
INSERT INTO "jobs" VALUES(2,'c071cf5f5ed6f884cc70155b6f05f755','cf090185fe26d235b1a7614bdb02d200','44e3bf0a695dcfb240e08d1f0eed9c44',1,'finished','{"inputs":{"input1":{"kind":"object","place":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","format":"csv"}},"outputs":{"output1":{"kind":"workspace","place":"data/out.parquet","format":"parquet"}},"parameters":{"trees":5,"names":["a"]}}',3000.0,3.0,4.0,NULL,NULL,NULL,1,0,NULL,'{"output1":{"digest":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","format":"csv","size_bytes":100,"row_count":7}}',NULL,0,'running',9.0);
INSERT INTO "jobs" VALUES(3,'05343e9845302eb730fa9d18ac7b28d5','cf090185fe26d235b1a7614bdb02d200','44e3bf0a695dcfb240e08d1f0eed9c44',1,'queued','{"inputs":{"input1":{"kind":"object","place":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","format":"csv"}},"outputs":{"output1":{"kind":"workspace","place":"data/out.parquet","format":"parquet"}},"parameters":{"trees":5,"names":["a"]}}',3000.0,NULL,NULL,NULL,NULL,NULL,0,0,NULL,'{}',NULL,0,'finished',NULL);
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
    );
INSERT INTO "module_runs" VALUES(1,1,'pima','data','execute-python-script','finished','["changed",["script changed","parameter trees: 250 \u2192 500"],null]','key of data','[{"script":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","parameter trees":"500"},{"dataset1":[["age","int64"],["Gr\u00f6\u00dfe, cm","float64"]]}]','[{"port":"results","type":"table","digest":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","size_bytes":3000,"row_count":10,"columns":[["age","int64"],["Gr\u00f6\u00dfe, cm","float64"]]},{"port":"visualization","type":"visualization","digest":"efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef","size_bytes":12,"row_count":null,"columns":[]}]','0101010101010101010101010101010101010101010101010101010101010101',NULL,1001.0,1002.5,'{"isolation":"full","seed":7,"call_seconds":0.25}');
INSERT INTO "module_runs" VALUES(2,1,'pima','rank','execute-python-script','failed',NULL,NULL,NULL,'[]',NULL,'{"code":"script-raised","message":"half a pair: \ud800","traceback":"\u2026","line":3}',NULL,NULL,'{}');
INSERT INTO "module_runs" VALUES(3,1,'pima','plot','execute-python-script','blocked',NULL,NULL,NULL,'[]',NULL,NULL,NULL,NULL,'{}');
INSERT INTO "module_runs" VALUES(4,2,'pima','data','execute-python-script','waiting',NULL,NULL,NULL,'[]',NULL,NULL,NULL,NULL,'{}');
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
    );
INSERT INTO "runs" VALUES(1,'run-1','pima','abababababababababababababababababababababababababababababababab','failed',0,1000.25,9.0,4711,'123456','b007','{"version":"0.1.0","cores":2,"seconds":0.5,"none":null}');
INSERT INTO "runs" VALUES(2,'run-2','pima','abababababababababababababababababababababababababababababababab','running',1,1000.25,NULL,4711,'123456','b007','{"version":"0.1.0","cores":2,"seconds":0.5,"none":null}');
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
    );
INSERT INTO "service_keys" VALUES('7692c3ad3540bb80','7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed','call',1003.0,'44e3bf0a695dcfb240e08d1f0eed9c44','primary',NULL,NULL,'');
INSERT INTO "service_keys" VALUES('3fc4ccfe745870e2','3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3','call',1003.0,'4d74917c7bb534b35ec4cad7be3f70a7','primary',9.5,6,'w');
INSERT INTO "service_keys" VALUES('181229424893bb65','181229424893bb65d94a74c2132b8b9e5adfe851464fdb5cb9f49e8a8204be7b','manage',1003.0,NULL,NULL,NULL,NULL,'');
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
    );
INSERT INTO "service_versions" VALUES('cf090185fe26d235b1a7614bdb02d200',1,1001.0,'pima','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','worker',1,'{"title":"Pima","description":"Gr\u00f6\u00dfe, in cm","inputs":[{"name":"input1","module":"in","columns":[{"name":"age","type":"int64","missing":0},{"name":"Gr\u00f6\u00dfe","type":"float64","missing":2}],"sample":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}],"outputs":[{"name":"output1","module":"out","columns":[{"name":"score","type":"float64","missing":0}],"sample":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}],"parameters":[{"name":"trees","type":"integer","words":"How many.","default":5,"required":false,"choices":[],"minimum":1,"maximum":null,"written":false},{"name":"kind","type":"choice","words":"","default":null,"required":true,"choices":["a","b"],"minimum":null,"maximum":null,"written":false}],"facts":{"python":"3.13.0"}}');
INSERT INTO "service_versions" VALUES('cf090185fe26d235b1a7614bdb02d200',2,1001.0,'pima','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','worker',1,'{"title":"Second","description":"Gr\u00f6\u00dfe, in cm","inputs":[{"name":"input1","module":"in","columns":[{"name":"age","type":"int64","missing":0},{"name":"Gr\u00f6\u00dfe","type":"float64","missing":2}],"sample":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}],"outputs":[{"name":"output1","module":"out","columns":[{"name":"score","type":"float64","missing":0}],"sample":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}],"parameters":[{"name":"trees","type":"integer","words":"How many.","default":5,"required":false,"choices":[],"minimum":1,"maximum":null,"written":false},{"name":"kind","type":"choice","words":"","default":null,"required":true,"choices":["a","b"],"minimum":null,"maximum":null,"written":false}],"facts":{"python":"3.13.0"}}');
CREATE TABLE services (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL,
        current INTEGER NOT NULL,
        previous INTEGER,
        last_version INTEGER NOT NULL
    ) WITHOUT ROWID
    ;
INSERT INTO "services" VALUES('cf090185fe26d235b1a7614bdb02d200','pima',1000.5,2,1,2);
CREATE TABLE workspace_values (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID
    ;
INSERT INTO "workspace_values" VALUES('generation','6');
INSERT INTO "workspace_values" VALUES('id','1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d');
CREATE INDEX runs_by_experiment ON runs (experiment, number);
CREATE INDEX runs_running ON runs (number) WHERE state = 'running';
CREATE INDEX module_runs_by_key ON module_runs ("key", state, run)
    WHERE state IN ('finished', 'reused') AND "key" IS NOT NULL
    ;
CREATE INDEX module_runs_by_name ON module_runs (experiment, module, run)
    WHERE state IN ('finished', 'reused')
    ;
CREATE INDEX service_keys_by_endpoint ON service_keys (endpoint_id);
CREATE INDEX call_records_by_endpoint ON call_records (endpoint_id, number);
CREATE INDEX jobs_by_endpoint ON jobs (endpoint_id, number);
CREATE INDEX jobs_queued ON jobs (number) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (endpoint_id, number) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_by_idempotency_key ON jobs (endpoint_id, idempotency_key) WHERE idempotency_key != '';
CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',2);
INSERT INTO "sqlite_sequence" VALUES('call_records',2);
INSERT INTO "sqlite_sequence" VALUES('jobs',3);
COMMIT;
PRAGMA application_id = 1702065269;
PRAGMA user_version = 2;
