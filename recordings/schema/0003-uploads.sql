-- Films that people bring in. The bytes lie in STATE/uploads/<id>; `received` of them are durable and were
-- confirmed, what lies beyond is cut off at the next start. The row stays when the film became a recording (of
-- the same id): it says who brought it and counts against the city's quota.
CREATE TABLE upload (
    id           TEXT PRIMARY KEY,
    staff        TEXT NOT NULL REFERENCES staff(id),
    file_name    TEXT NOT NULL DEFAULT '',
    file_key     TEXT NOT NULL DEFAULT '',  -- the client's own mark of the file, to find it again
    size         INTEGER NOT NULL CHECK (size > 0),
    received     INTEGER NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
    state        TEXT NOT NULL DEFAULT 'receiving' CHECK (state IN ('receiving', 'received', 'used')),
    city         TEXT REFERENCES city(code),         -- whose quota it counts against; NULL: not known yet
    draft        TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(draft)),
    is_submitted INTEGER NOT NULL DEFAULT 0 CHECK (is_submitted IN (0, 1)),
    recording    TEXT REFERENCES recording(id) ON DELETE CASCADE,
    created_us   INTEGER NOT NULL,
    updated_us   INTEGER NOT NULL,
    expires_us   INTEGER NOT NULL,
    CHECK (state <> 'used' OR recording IS NOT NULL)
) STRICT;
CREATE INDEX upload_state ON upload(state, expires_us);
CREATE INDEX upload_city ON upload(city);
CREATE INDEX upload_recording ON upload(recording);

-- What is known of a site visit beyond any recording.
CREATE TABLE visit (
    recording  TEXT PRIMARY KEY REFERENCES recording(id) ON DELETE CASCADE,
    place_en   TEXT NOT NULL DEFAULT '',
    place_ja   TEXT NOT NULL DEFAULT '',
    visited_on TEXT NOT NULL DEFAULT '' CHECK (visited_on = '' OR visited_on GLOB '[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    people     TEXT NOT NULL CHECK (people IN ('none', 'consent', 'unclear')),
    series     TEXT NOT NULL DEFAULT ''
) STRICT;
