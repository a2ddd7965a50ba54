-- What a later attempt needs to continue a staged file, or to find out whether it was published.

CREATE TABLE partials (
    connection_id INTEGER NOT NULL REFERENCES connections (connection_id) ON DELETE CASCADE,
    key           ANY NOT NULL,
    target_name   ANY NOT NULL,
    size          INTEGER NOT NULL,
    mtime         REAL,
    stored        INTEGER NOT NULL,
    sha256        TEXT,                                     -- set once the file is proved and about to be published
    PRIMARY KEY (connection_id, key)
) STRICT, WITHOUT ROWID;

-- The same content may come again under another name.
CREATE INDEX ledger_by_content ON ledger (connection_id, sha256);

-- A mail gets new numbers, and so new keys, when its mailbox is rebuilt; its alias stays.
ALTER TABLE ledger ADD COLUMN alias ANY;
CREATE INDEX ledger_by_alias ON ledger (connection_id, alias) WHERE alias IS NOT NULL;
