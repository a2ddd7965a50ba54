-- Times are microseconds since the epoch, UTC. Columns of type ANY hold text from outside: TEXT, or a BLOB where the
-- text has parts that are no valid Unicode (see rows.py).

CREATE TABLE connections (
    connection_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE,
    body          TEXT NOT NULL,                            -- the connection as JSON
    latest_run_id INTEGER REFERENCES runs (run_id)          -- keeps the overview independent of the number of runs
) STRICT;

CREATE TABLE runs (
    run_id           INTEGER PRIMARY KEY AUTOINCREMENT,
    connection_id    INTEGER REFERENCES connections (connection_id),   -- NULL once the connection is deleted
    connection_name  TEXT NOT NULL,                                    -- shown once the connection is deleted
    trigger          TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('In Progress', 'Completed', 'Failed')),
    started          INTEGER NOT NULL,
    ended            INTEGER,
    owner_pid        INTEGER NOT NULL CHECK (owner_pid > 0),
    owner_host       TEXT NOT NULL,
    owner_started    TEXT NOT NULL,
    heartbeat        INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    attempts         INTEGER NOT NULL DEFAULT 1,
    files_done       INTEGER NOT NULL DEFAULT 0,
    files_total      INTEGER NOT NULL DEFAULT 0,
    bytes_done       INTEGER NOT NULL DEFAULT 0,
    bytes_total      INTEGER NOT NULL DEFAULT 0,
    current          ANY,
    failure_class    TEXT,
    failure_message  ANY,
    failure_remedy   ANY,
    message          ANY,
    CHECK ((status = 'In Progress') = (ended IS NULL))
) STRICT;

-- One connection runs at most once at a time.
CREATE UNIQUE INDEX runs_in_progress ON runs (connection_id) WHERE status = 'In Progress';

-- Each index ends with the run_id, SQLite's row id: a page of history is one range of one of them.
CREATE INDEX runs_by_connection ON runs (connection_id);
CREATE INDEX runs_by_connection_and_status ON runs (connection_id, status);
CREATE INDEX runs_by_status ON runs (status);

CREATE TABLE files (
    run_id          INTEGER NOT NULL REFERENCES runs (run_id),
    place           INTEGER NOT NULL,
    name            ANY NOT NULL,
    size            INTEGER NOT NULL,
    bytes           INTEGER NOT NULL,
    status          TEXT NOT NULL,
    sha256          TEXT,
    proof           ANY,
    failure_class   TEXT,
    failure_message ANY,
    failure_remedy  ANY,
    records         INTEGER,
    rejected        INTEGER,
    PRIMARY KEY (run_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    run_id INTEGER NOT NULL REFERENCES runs (run_id),
    number INTEGER NOT NULL,                                -- from 0, without gaps
    at     INTEGER NOT NULL,
    step   ANY NOT NULL,
    detail ANY NOT NULL,
    ok     INTEGER NOT NULL,
    ms     REAL,
    PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    connection_id INTEGER NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
    key           ANY NOT NULL,
    size          INTEGER NOT NULL,
    mtime         REAL,
    sha256        TEXT NOT NULL,
    run_id        INTEGER NOT NULL REFERENCES runs (run_id),
    PRIMARY KEY (connection_id, key)
) STRICT, WITHOUT ROWID;
