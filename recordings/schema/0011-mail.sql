-- Invitations by mail: who was invited with which link, and the messages that wait for the relay. A message holds
-- the link's token in clear, so it is removed as soon as it is sent or given up.
CREATE TABLE mail (
    id            TEXT PRIMARY KEY,
    event         TEXT NOT NULL REFERENCES event(id) ON DELETE CASCADE,
    link          TEXT NOT NULL REFERENCES link(id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    address       TEXT NOT NULL,
    language      TEXT NOT NULL CHECK (language IN ('en', 'ja')),
    message       TEXT,                    -- RFC 5322, while it waits
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'handed-out')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_us       INTEGER NOT NULL,        -- not before
    reason_code   TEXT,
    reason_detail TEXT,
    created_us    INTEGER NOT NULL,
    sent_us       INTEGER,
    CHECK (state = 'waiting' OR message IS NULL)
) STRICT;
CREATE INDEX mail_event ON mail(event);
CREATE UNIQUE INDEX mail_link ON mail(link);
CREATE INDEX mail_waiting ON mail(next_us) WHERE state = 'waiting';
