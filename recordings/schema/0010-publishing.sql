-- What is decided about a film's publication beyond its state: who handed it in, and when it is to be published. The
-- order is carried out by the running server, also one that was started again meanwhile.
CREATE TABLE publishing (
    recording    TEXT PRIMARY KEY REFERENCES recording(id) ON DELETE CASCADE,
    submitted_by TEXT NOT NULL DEFAULT '',   -- actor as in audit; '': nobody handed it in
    submitted_us INTEGER NOT NULL DEFAULT 0,
    publish_us   INTEGER,                    -- NULL: no order
    time_zone    TEXT NOT NULL DEFAULT '',   -- in which the order was given
    ordered_by   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX publishing_due ON publishing(publish_us) WHERE publish_us IS NOT NULL;

-- What the configuration says and writes to the catalogue have to know; set at each start.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Questions to the city, asked beside a film. Seen by staff only until one is answered and shown.
CREATE TABLE follow_up (
    id          TEXT PRIMARY KEY,
    recording   TEXT NOT NULL REFERENCES recording(id) ON DELETE CASCADE,
    name        TEXT NOT NULL DEFAULT '',
    text        TEXT NOT NULL,
    asked_us    INTEGER NOT NULL,
    answer_en   TEXT NOT NULL DEFAULT '',
    answer_ja   TEXT NOT NULL DEFAULT '',
    answered_by TEXT NOT NULL DEFAULT '',    -- actor as in audit
    answered_us INTEGER,
    state       TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'shown', 'hidden')),
    CHECK (state <> 'shown' OR answer_en <> '' OR answer_ja <> '')
) STRICT;
CREATE INDEX follow_up_recording ON follow_up(recording, state, asked_us);
