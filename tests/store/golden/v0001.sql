PRAGMA application_id = 1702065269;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
CREATE INDEX runs_by_experiment ON runs (experiment, number);
CREATE INDEX runs_running ON runs (number) WHERE state = 'running';
CREATE INDEX module_runs_by_key ON module_runs ("key", state, run)
    WHERE state IN ('finished', 'reused') AND "key" IS NOT NULL
    ;
CREATE INDEX module_runs_by_name ON module_runs (experiment, module, run)
    WHERE state IN ('finished', 'reused')
    ;
INSERT INTO "sqlite_sequence" VALUES('runs',2);
COMMIT;
