-- When the certificate ends that the server of a connection has shown last. `address` is where that was: once the
-- connection leads elsewhere, the line says nothing any more.

CREATE TABLE certificates (
    connection_id INTEGER PRIMARY KEY REFERENCES connections (connection_id) ON DELETE CASCADE,
    address       ANY NOT NULL,
    ends          INTEGER NOT NULL
) STRICT;
